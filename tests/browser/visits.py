"""Who is at the sites during one test, and what is kept of it when it fails."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import (
    Browser,
    BrowserContext,
    Error,
    Page,
    StorageState,
    StorageStateCookie,
    TimeoutError,
    ViewportSize,
)

from tests.browser.guard import Guard
from tests.browser.served import BrowserSite
from tests.browser.visitor import Visitor
from tests.integration.pages import SESSION_COOKIE

PATIENCE = 15_000
"""Milliseconds that a page may take for anything; a busy machine is slow."""
WINDOW: ViewportSize = {"width": 1280, "height": 800}

Kept = dict[str, BrowserContext]
"""By whose it is: browsers at the shared site that tests hand on to the next one, with a full cache."""


class Visits:
    """Brings people to a site: `visit(ALICE)`, `visit(NOBODY)`, `visit(BOB, at=own_site)`, `visit(ALICE, by=url)`."""

    def __init__(self, chromium: Browser, site: BrowserSite, guard: Guard, kept: Kept) -> None:
        """`site` is where they go unless told otherwise; `guard` watches them all."""
        self._chromium = chromium
        self._site = site
        self._guard = guard
        self._kept = kept
        self._contexts: list[BrowserContext] = []
        self._sites = [site]

    def __call__(self, name: str, *, at: BrowserSite | None = None, by: str = "", zone: str = "") -> Visitor:
        """Brings somebody, with a new tab, who is logged in unless it is NOBODY.

        Args:
            name: whoever came to the shared site before comes with the same browser; NOBODY always with a new one.
            at: another site.
            by: the address to reach the site by, for one through a line of the test's own.
            zone: the time zone of their clock, for one with a browser of the test's own.
        """
        site = at or self._site
        shared = name != "" and site is self._site and not (by or zone)
        context = self._kept.get(name) if shared else None
        if context is None:
            context = self._chromium.new_context(
                base_url=by or site.url,
                viewport=WINDOW,
                storage_state=_logged_in(site.login_made_before(name)) if name else None,
                timezone_id=zone or None,
            )
            context.set_default_timeout(PATIENCE)
        if context not in self._contexts:
            self._contexts.append(context)
            self._sites.append(site)
            self._guard.watch(context, by or site.url)
        visitor = Visitor(context, name)
        if shared:
            self._kept[name] = context
        return visitor

    def keep_evidence(self, test: str) -> Path:
        """Writes down what every tab shows and what the servers said; returns the folder."""
        folder = Path(tempfile.mkdtemp(prefix=f"failed-{test}-"))
        tabs = [page for context in self._contexts for page in context.pages]
        for number, page in enumerate(tabs, 1):
            with suppress(Error):  # a page that hangs is what the test found, and has no picture
                _show(page, folder / f"tab-{number}")
        for number, site in enumerate(dict.fromkeys(self._sites), 1):
            (folder / f"server-{number}.log").write_text(site.output)
        return folder

    def end(self, *, keep: bool) -> None:
        """Closes all tabs; and all browsers, unless they are to be kept for the next test."""
        for context in self._contexts:
            if not (keep and context in self._kept.values()):
                self._forget(context)
                context.close()
            else:
                closed = [_closes(page) for page in context.pages]
                if not all(closed):
                    self._forget(context)
            self._guard.release(context)

    def _forget(self, context: BrowserContext) -> None:
        for name in [name for name, kept in self._kept.items() if kept is context]:
            del self._kept[name]


def _closes(page: Page) -> bool:
    """Closes a tab. Of thousands Chromium never closes one, which is let be: its browser is not for the next test."""
    try:
        with page.expect_event("close", timeout=PATIENCE):
            page.close(run_before_unload=True)  # which does not wait, unlike the other way to close
    except TimeoutError:
        return False
    return True


def _logged_in(cookie: str) -> StorageState:
    """What a browser keeps after a login; a cookie goes to every port of its machine."""
    kept: StorageStateCookie = {
        "name": SESSION_COOKIE, "value": cookie, "domain": "127.0.0.1", "path": "/", "expires": -1,
        "httpOnly": True, "secure": False, "sameSite": "Lax",
    }  # fmt: skip
    return {"cookies": [kept], "origins": []}


def _show(page: Page, path: Path) -> None:
    path.with_suffix(".html").write_text(f"<!-- {page.url} -->\n{page.content()}")
    page.screenshot(path=path.with_suffix(".png"), timeout=5000)
