"""Somebody at a browser of their own: what people do at our pages, by the names and labels that they see there."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.integration.pages import PASSWORD
from tests.waiting import eventually

_SESSION_PAGE = re.compile(r"/sessions/([0-9a-f-]{36})/$")
_PICTURE = """() => {
  const canvas = document.querySelector("#screen canvas");
  if (!canvas) {
    return [0, 0, 0];
  }
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return [canvas.width, canvas.height, new Set(new Uint32Array(data.buffer)).size];
}"""
_PIXELS = """(colour) => {
  const canvas = document.querySelector("#screen canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  const near = (found, wanted) => Math.abs(found - wanted) < 16;
  let count = 0;
  for (let at = 0; at < data.length; at += 4) {
    count += near(data[at], red) && near(data[at + 1], green) && near(data[at + 2], blue);
  }
  return count;
}"""


BETWEEN_LOOKS = 50
"""Milliseconds between two looks at a canvas: each reads all its pixels."""


class Picture(NamedTuple):
    """What a viewer's canvas shows."""

    width: int
    height: int
    colours: int
    """How many different ones; a blank canvas has one."""


class Visitor:
    """One browser context: its cookies, and its tabs, the first of which is `page`."""

    def __init__(self, context: BrowserContext, name: str) -> None:
        """`name` is who is logged in, or `served.NOBODY`."""
        self.context = context
        self.name = name
        self.page = context.new_page()

    def log_in(self, name: str, password: str = PASSWORD) -> None:
        """Logs in on the login page."""
        self.enter(name, password)
        expect(self.page.get_by_role("heading", name="Start a session")).to_be_visible()
        self.name = name

    def enter(self, name: str, password: str) -> None:
        """Fills the login page in and sends it."""
        self.page.goto("/login/")
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Log in").click()

    def open(self, path: str = "/") -> Page:
        """Opens a page in the first tab."""
        self.page.goto(path)
        return self.page

    def new_tab(self, path: str) -> Page:
        """Opens a page in a tab of its own."""
        page = self.context.new_page()
        page.goto(path)
        return page

    def type_card(self, name: str) -> Locator:
        """A type on the picker."""
        return self.page.get_by_role("form", name=name, exact=True)

    def press_start(self, name: str, size: str = "") -> None:
        """Chooses a size if one is given, and presses Start of a type."""
        card = self.type_card(name)
        if size:
            card.get_by_label("Size").select_option(size)
        card.get_by_role("button", name="Start").click()

    def start(self, name: str, size: str = "") -> str:
        """Starts a session from the picker, waits for its page, and returns the session's id."""
        self.open()
        self.press_start(name, size)
        self.page.wait_for_url(_SESSION_PAGE)
        return session_of(self.page)

    def connect(self, name: str, size: str = "") -> str:
        """Starts a session and waits until its screen is there."""
        session = self.start(name, size)
        wait_for_screen(self.page)
        return session

    def session_card(self, session: str, page: Page | None = None) -> Locator:
        """A live session in a list on the picker."""
        return (page or self.page).locator(f".card[data-session='{session}']")


def wait_for_end(page: Page, sentence: str) -> Locator:
    """Waits for the page of a session that is over, and for what it says; returns the part about the session."""
    about = page.get_by_role("article")
    expect(about).to_contain_text(sentence)
    return about


def session_of(page: Page) -> str:
    """The id of the session that a page is about."""
    found = _SESSION_PAGE.search(page.url)
    assert found, f"{page.url} is not a session's page"
    return found[1]


def session_path(session: str) -> str:
    """Where a session's page is."""
    return f"/sessions/{session}/"


def wait_for_state(page: Page, state: str) -> None:
    """Waits until the viewer says that it is in a state, such as "reconnecting"."""
    expect(page.locator("body")).to_have_attribute("data-viewer-state", state)


def wait_for_screen(page: Page) -> Picture:
    """Waits until the viewer is connected and shows more than a blank canvas."""
    wait_for_state(page, "connected")
    return wait_for_picture(page, lambda shown: shown.colours > 1)


def show_toolbar(page: Page) -> None:
    """Has the viewer's toolbar come back: it hides itself some seconds after the last use."""
    page.mouse.move(300, 100)
    page.mouse.move(300, 1)
    page.mouse.move(300, 8)  # stays over it
    expect(page.locator("body")).not_to_have_attribute("data-toolbar", "hidden")


def wait_for_picture(page: Page, wanted: Callable[[Picture], bool]) -> Picture:
    """Waits until what the canvas shows is as wanted."""
    shown = picture(page)

    def as_wanted() -> bool:
        nonlocal shown
        page.wait_for_timeout(BETWEEN_LOOKS)
        shown = picture(page)
        return wanted(shown)

    if not wanted(shown):
        eventually(as_wanted, within=10)
    return shown


def picture(page: Page) -> Picture:
    """What the canvas shows now."""
    return Picture(*page.evaluate(_PICTURE))


def pixels(page: Page, colour: str) -> int:
    """How many of the canvas's pixels have a colour such as "#14181f", as exactly as JPEG keeps it."""
    page.wait_for_timeout(BETWEEN_LOOKS)
    return int(page.evaluate(_PIXELS, colour))


def viewer(page: Page, attribute: str) -> Any:
    """What the viewer says of itself, for instance how often it has connected ("connects"), or "rfb.viewOnly"."""
    return page.evaluate("(path) => path.split('.').reduce((of, name) => of[name], window.__viewer)", attribute)
