"""Somebody who goes through the whole product to take pictures of it, and what is served meanwhile."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from benchmarks.product import Product

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = (ROOT / "example_scripts", ROOT / "tools" / "screenshot_scripts")
ALICE = "alice"
BATCH, SOLVER, PATTERN, DESKTOP = "Render node", "Solver", "Test pattern", "Desktop"

STILL = 700
"""Milliseconds in which nothing may change on a screen before its picture is taken."""
PATIENCE = 30.0
"""Seconds that a screen may take until it is still."""

_SHELL_LINES = (
    " PS1='\\w\\$ '; clear",
    " echo 'A desktop of your own, in a tab of your browser.'; echo; ls --color /usr",
    " xterm -geometry 58x15-48-56 -fa Monospace -fs 11 -bg '#fbfbf7' -fg '#1d2430' -e python3 -q &",
)
"""What is typed into the terminal; a blank in front keeps it out of the shell's history."""
_PYTHON_LINES = ("import math", "[round(math.sin(x / 4), 2) for x in range(12)]", "'a desktop in the browser'.title()")


BROKEN = {"Molecule viewer": {"script": "waiting_sesion.py", "count": 0, "options": {"group": "chemistry"}}}
"""An entry of the sessions file with two mistakes."""


class ScreenshotError(Exception):
    """A picture cannot be taken or used. The text says which, why and what to do."""


class NotThereError(ScreenshotError):
    """The product has no such page; the others are taken all the same."""


def sessions_file() -> dict[str, Any]:
    """The shipped types, one that waits with a form, and one that fails."""
    shipped = json.loads((ROOT / "sessions_config" / "sessions.json").read_text())
    return {
        **{name: {**entry, "category": "On this machine"} for name, entry in shipped.items()},
        BATCH: {
            "script": "waiting_session.py",
            "count": 3,
            "category": "On the cluster",
            "description": "A desktop on a node with a big graphics card, for as long as the job runs.",
            "icon": "cluster",
            "options": {"sizes": ["1920x1080", "1280x800"]},
            "limits": {"start_timeout": 900, "max_lifetime": 86400, "idle_timeout": 7200},
            "form": [
                {"name": "mode", "label": "Work", "type": "choice", "choices": ["interactive", "batch"]},
                {"name": "cores", "label": "Cores", "type": "number", "min": 1, "max": 64, "default": 4},
                {"name": "memory", "label": "Memory", "type": "number", "min": 1, "max": 512, "default": 16,
                 "unit": "GB", "help": "Of the whole job."},
            ],
        },
        SOLVER: {
            "script": "failing_session.py",
            "count": 2,
            "category": "On the cluster",
            "description": "The solver with its own user interface.",
            "icon": "chart",
            "options": {"sizes": ["1280x800"]},
        },
    }  # fmt: skip


@dataclass
class Tour:
    """Somebody who goes through the whole product."""

    browser: Browser
    product: Product
    context: BrowserContext
    """Where the admin is logged in, once `log_in` is done."""
    desktop: str = ""
    """The address of a desktop that runs with something on it."""
    failed: str = ""
    """That of a session that could not be started."""

    def new_page(self, path: str) -> Page:
        """Opens a page in a tab of its own.

        Raises:
            NotThereError: the product answers 404.
        """
        page = self.context.new_page()
        answer = page.goto(path)
        if answer is not None and answer.status == 404:
            page.close()
            raise NotThereError(f"there is no page {path}")
        return page

    def log_in(self) -> None:
        """Logs in as the first admin."""
        page = self.new_page("/login/")
        self._enter(page, self.product.user)
        page.close()

    def log_in_as(self, name: str) -> Page:
        """The first page of somebody else, in a browser of their own."""
        page = self.stranger()
        page.goto("/login/")
        self._enter(page, name)
        return page

    def _enter(self, page: Page, name: str) -> None:
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill(self.product.password)
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("heading", name="Start a session").wait_for()

    def stranger(self) -> Page:
        """A tab of a browser in which nobody has logged in."""
        return self.browser.new_context(base_url=f"http://127.0.0.1:{self.product.port}").new_page()

    def add_user(self, name: str) -> None:
        """Makes an account, by the administration."""
        page = self.new_page("/admin/auth/user/add/")
        page.get_by_label("Username").fill(name)
        for label in ("Password:", "Password confirmation:"):
            page.get_by_label(label, exact=True).fill(self.product.password)
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_text("was added successfully").wait_for()
        page.close()

    def start(self, type_name: str, title: str = "") -> Page:
        """Presses Start of a type."""
        return press_start(self.new_page("/"), type_name, title)

    def prepare(self) -> None:
        """Makes more users, and starts what the pictures show: a test pattern, a desktop in use, one that fails."""
        for name in (ALICE, "alicia"):
            self.add_user(name)
        wait_for_screen(self.start(PATTERN))
        desktop = self.start(DESKTOP, "Plots for the report")
        wait_for_screen(desktop)
        self.desktop = desktop.url
        fill_screen(desktop)
        work_in(desktop)
        failed = self.start(SOLVER)
        failed.get_by_role("article").wait_for()
        self.failed = failed.url
        failed.close()


def press_start(page: Page, type_name: str, title: str = "") -> Page:
    """Starts a session on the first page."""
    form = page.get_by_role("form", name=type_name, exact=True)
    if title and form.get_by_label("Name of the session").count():
        form.get_by_label("Name of the session").fill(title)
    form.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url("**/sessions/*/")
    return page


def wait_for_screen(page: Page) -> None:
    """Waits until a session's screen is there."""
    page.locator("body[data-viewer-state=connected]").wait_for()


def fill_screen(page: Page) -> None:
    """Has the session's screen resized to the window, and the toolbar stay."""
    page.locator("summary", has_text="View").click()
    page.get_by_label("Resize the session's screen").check()
    keep = page.get_by_label("Keep the toolbar in view")
    if keep.count():
        keep.check()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Enter session").click()


def work_in(page: Page) -> None:
    """Types into the terminal, and into a Python beside it."""
    wait_until_still(page)
    for line in _SHELL_LINES:
        page.keyboard.type(f"{line}\n")
        wait_until_still(page)
    for line in _PYTHON_LINES:
        page.keyboard.type(f"{line}\n")
    page.mouse.move(1260, 780)
    wait_until_still(page)


def wait_until_still(page: Page) -> None:
    """Waits until nothing has changed on the session's screen for a while.

    Raises:
        ScreenshotError: it went on changing.
    """
    deadline = time.monotonic() + PATIENCE
    before = ""
    while (shown := _content(page)) != before:
        if time.monotonic() > deadline:
            raise ScreenshotError(
                f"the screen at {page.url} still changed after {PATIENCE:g} s; expected it to come to rest. "
                "See whether something on it moves by itself."
            )
        before = shown
        page.wait_for_timeout(STILL)


def _content(page: Page) -> str:
    return str(page.evaluate("document.querySelector('#screen canvas').toDataURL()"))
