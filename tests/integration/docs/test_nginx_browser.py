"""A browser behind nginx with the sample configuration, below a path: everything that pages ask for is below it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Response, expect, sync_playwright

from tests.browser.guard import Guard
from tests.browser.visitor import session_of, wait_for_screen
from tests.integration.certificates import key_digest
from tests.integration.docs.front import Front
from tests.integration.docs.test_nginx import PREFIX, front
from tests.integration.server.marked_site import MarkedSite
from tests.integration.serving import ADMIN_PASSWORD
from tools.chromium import FLAGS, PROGRAM

__all__ = ["front"]

PATIENCE = 15_000
"""Milliseconds that a page may take for anything."""


@contextmanager
def browsing(front: Front, guard: Guard) -> Iterator[BrowserContext]:
    """A browser of its own that comes by nginx, and trusts its certificate, which nobody signed.

    Not told to ignore errors of TLS: then Chromium begins each request anew, and now and then once too often.
    """
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        trust = f"--ignore-certificate-errors-spki-list={key_digest(front.certificate)}"
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=[*FLAGS, trust])
        context = browser.new_context()
        context.set_default_timeout(PATIENCE)
        guard.watch(context, front.origin)
        yield context
        guard.release(context)
        browser.close()


@pytest.mark.parametrize("front", [PREFIX], indirect=True, ids=["below a path"])
def test_one_can_do_everything_below_a_path(front: Front, site: MarkedSite) -> None:
    guard = Guard()
    refused: list[str] = []

    def answered(response: Response) -> None:
        if response.status >= 400:
            refused.append(f"{response.status} {response.url}")

    with browsing(front, guard) as context:
        context.on("response", answered)
        top = f"{front.origin}{PREFIX}"
        page = context.new_page()

        # The login page leads back to where one wanted to go.
        page.goto(f"{top}/password/")
        expect(page).to_have_url(f"{top}/login/?next={PREFIX}/password/")
        page.get_by_label("Username").fill("admin")
        page.get_by_label("Password").fill(ADMIN_PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page).to_have_url(f"{top}/password/")
        assert {cookie["path"] for cookie in context.cookies()} == {PREFIX}

        page.get_by_role("link", name="Remote sessions").click()
        expect(page).to_have_url(f"{top}/")
        page.get_by_role("form", name="Test pattern", exact=True).get_by_role("button", name="Start").click()
        wait_for_screen(page)
        session = session_of(page)

        # A page that is open sees the session's end, on its websocket or by asking.
        other = context.new_page()
        other.goto(f"{top}/sessions/{session}/details/")
        expect(other.get_by_text("New lines appear by themselves.")).to_be_visible()
        picker = context.new_page()
        picker.goto(f"{top}/")
        card = picker.locator(f"[data-session='{session}']").first
        expect(card).to_contain_text("Running")
        card.get_by_role("button", name="Stop").click()
        picker.get_by_role("button", name="Stop the session").click()
        expect(picker.get_by_text("It was stopped by its user.").first).to_be_visible()
        expect(other.get_by_text("The session is over; this is the end of its log.")).to_be_visible()
        expect(page.get_by_role("article")).to_contain_text("It was stopped by its user.")
        other.get_by_role("link", name="What became of it").click()
        expect(other).to_have_url(f"{top}/sessions/{session}/")

        for path in ("/admin/", "/dashboard/", "/launch/Test%20pattern"):
            shown = picker.goto(f"{top}{path}")
            assert shown is not None and shown.status == 200, path
            picker.wait_for_load_state("networkidle")

    assert guard.complaints() == []
    assert refused == []
    strangers = [url for url in guard.asked if not urlsplit(url).path.startswith(f"{PREFIX}/")]
    assert [url for url in strangers if urlsplit(url).scheme in ("http", "https", "ws", "wss")] == []
    assert site.query("SELECT state FROM remote_service_session") == [("ended",)]
