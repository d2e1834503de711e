"""Chromium on the product's picker, logged in."""

from __future__ import annotations

from playwright.sync_api import Browser, Page

from benchmarks.product import Product

PATIENCE = 20_000
"""Milliseconds for anything a page does."""


def open_picker(browser: Browser, product: Product, script: str) -> Page:
    """The picker of a user who has logged in, in a new context (empty cache, no cookies).

    Args:
        browser: where it is opened; who asks closes the page's context.
        product: the server.
        script: runs in every page of the context before the page's own scripts, in a scope of its own.
    """
    context = browser.new_context(base_url=f"http://127.0.0.1:{product.port}", viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE)
    context.add_init_script(f"(() => {{{script}}})();")
    page = context.new_page()
    page.goto("/login/")
    page.fill("input[name=username]", product.user)
    page.fill("input[name=password]", product.password)
    page.click("main button[type=submit]")
    page.wait_for_url("**/")
    return page
