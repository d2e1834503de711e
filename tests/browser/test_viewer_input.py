"""Ways into a session besides keyboard and mouse: both clipboards, keys of the toolbar, a touch screen's keyboard."""

from __future__ import annotations

import itertools
import struct
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from tests.browser.guard import Guard
from tests.browser.served import ALICE, DESKTOP, NOBODY, PATTERN, ROOT, TYPING, BrowserSite
from tests.browser.test_viewer_typing import typed, wait_for_text
from tests.browser.visitor import Visitor, session_path, show_toolbar, wait_for_state
from tests.browser.visits import Visits
from tests.waiting import eventually

TOO_LONG = "Too long: at most 256 kB of text can be sent."
CLIPBOARD = ["clipboard-read", "clipboard-write"]
BETWEEN_DOUBLE_CLICKS = 350
"""Milliseconds: xterm counts clicks less than 250 ms apart on, to select a line, a page, and so forth."""
FIRST_LINE, LINE_HEIGHT = 36, 13 * 4 / 3
"""Pixels of the page: where the terminal's first line is, and how far below it the next one; 600 of the desktop's are
800 of the window's."""
SET_DESKTOP_SIZE = 251
"""The first byte of the message that asks for another size; width and height follow from the third on."""
PHONE: ViewportSize = {"width": 360, "height": 740}
WITH_KEYBOARD: ViewportSize = {"width": 360, "height": 400}
IOS_KEYBOARD = """([height, offsetTop, scale]) => {
  for (const [name, value] of Object.entries({ height, offsetTop, scale })) {
    Object.defineProperty(visualViewport, name, { configurable: true, get: () => value });
  }
  visualViewport.dispatchEvent(new Event("resize"));
}"""
"""What Safari on iOS tells when its keyboard comes, goes, or the page is pinched."""


def open_menu(page: Page, name: str) -> None:
    show_toolbar(page)
    page.locator("summary", has_text=name).click()


def lies_between(element: Locator, top: int, bottom: int) -> bool:
    box = element.bounding_box()
    return box is not None and top <= box["y"] and box["y"] + box["height"] <= bottom


# ---- clipboards -------------------------------------------------------------------------------------------


def test_text_that_is_too_long_is_refused_before_it_is_lost(visit: Visits) -> None:
    alice = visit(ALICE)
    alice.connect(DESKTOP, "800x600")
    page = alice.page
    open_menu(page, "Clipboard")

    page.get_by_label("Text of the session's clipboard").fill("é" * 131_073)
    page.get_by_role("button", name="Send to the session").click()
    expect(page.get_by_text(TOO_LONG)).to_be_visible()
    page.get_by_label("Text of the session's clipboard").fill("é" * 131_072)
    page.get_by_role("button", name="Send to the session").click()
    expect(page.get_by_text("Sent to the session's clipboard.")).to_be_visible()


def test_the_clipboard_is_shared_by_itself_when_it_is_wanted(visit: Visits) -> None:
    alice = visit(NOBODY)
    alice.log_in(ALICE)
    alice.context.grant_permissions(CLIPBOARD)
    session = alice.start(TYPING)
    page = alice.page
    wait_for_state(page, "connected")
    open_menu(page, "Clipboard")
    page.get_by_label("Share this computer's clipboard with the session by itself").check()
    page.keyboard.press("Escape")

    page.evaluate("navigator.clipboard.writeText('grüße, 你好')")
    page.get_by_role("button", name="Enter session").click()

    def pasted() -> bool:
        """The session asks for the text when it is pasted, and an Enter that follows at once may overtake it."""
        before = typed(session).count("\n")
        page.keyboard.press("Shift+Insert")
        page.keyboard.press("Enter")
        eventually(lambda: typed(session).count("\n") > before, within=15)
        return "grüße, 你好" in typed(session)

    eventually(pasted, within=15)

    # The terminal has twelve lines. However many of them the pastes took, the word begins those in the middle, and a
    # double click on it selects and copies it.
    page.keyboard.type("copiedInTheSession\n" * 8)
    eventually(lambda: typed(session).count("copiedInTheSession") == 8, within=15)
    page.mouse.click(900, 600)
    expect(page.locator("body")).to_have_attribute("data-toolbar", "hidden")
    lines = itertools.cycle((5, 6, 7))

    def copied() -> bool:
        page.locator("#screen canvas").dblclick(position={"x": 80, "y": FIRST_LINE + LINE_HEIGHT * next(lines)})
        page.wait_for_timeout(BETWEEN_DOUBLE_CLICKS)
        return bool(page.evaluate("navigator.clipboard.readText()") == "copiedInTheSession")

    eventually(copied, within=15)


def test_the_clipboard_goes_by_itself_to_ones_own_sessions_alone(site: BrowserSite, visit: Visits) -> None:
    """What somebody copies elsewhere is nothing for whoever asked staff to look at a session."""
    session = visit(ALICE).connect(PATTERN)
    site.say_why(ROOT, session)
    staff = visit(ROOT)
    page = staff.open()
    page.evaluate("localStorage.setItem('viewer.clipboard', 'automatic')")
    page.goto(session_path(session))
    wait_for_state(page, "connected")
    expect(page.get_by_role("banner").get_by_text("of alice")).to_be_visible()
    expect(page.locator("#clipboard-automatic")).not_to_be_checked()
    page.evaluate("localStorage.removeItem('viewer.clipboard')")


def test_what_is_too_long_to_be_shared_is_told_on_the_screen(visit: Visits) -> None:
    alice = visit(NOBODY)
    alice.log_in(ALICE)
    alice.context.grant_permissions(CLIPBOARD)
    alice.connect(DESKTOP, "800x600")
    page = alice.page
    page.evaluate("navigator.clipboard.writeText('x'.repeat(262145))")
    open_menu(page, "Clipboard")
    page.get_by_label("Share this computer's clipboard with the session by itself").check()
    expect(page.get_by_text(TOO_LONG)).to_be_visible()


# ---- keys -------------------------------------------------------------------------------------------------


def test_a_modifier_of_the_toolbar_stays_down_until_pressed_again(visit: Visits) -> None:
    alice = visit(ALICE)
    session = alice.start(TYPING)
    page = alice.page
    wait_for_state(page, "connected")
    page.keyboard.type("oops")
    open_menu(page, "Keys")
    control = page.get_by_role("button", name="Ctrl", exact=True)

    control.click()
    expect(control).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#screen canvas")).to_be_focused()
    page.keyboard.press("u")  # Control+U: the line is empty again
    control.click()
    expect(control).to_have_attribute("aria-pressed", "false")
    page.keyboard.type("better\n")
    wait_for_text(session, "better")


def test_keys_that_the_browser_keeps_are_on_the_toolbar(visit: Visits) -> None:
    alice = visit(ALICE)
    session = alice.start(TYPING)
    page = alice.page
    wait_for_state(page, "connected")
    open_menu(page, "Keys")
    for name in ("Esc", "F1", "F12", "Tab"):
        page.get_by_role("button", name=name, exact=True).click()
    page.keyboard.press("Enter")

    wait_for_text(session, "\x1b\x1bOP\x1b[24~\t")


# ---- a touch screen ---------------------------------------------------------------------------------------


@pytest.fixture
def phone(chromium: Browser, site: BrowserSite, guard: Guard) -> Iterator[Visitor]:
    """Alice at her phone."""
    context = chromium.new_context(base_url=site.url, viewport=PHONE, has_touch=True, is_mobile=True)
    guard.watch(context, site.url)
    visitor = Visitor(context, ALICE)
    visitor.log_in(ALICE)
    yield visitor
    guard.release(context)
    context.close()


def test_a_touch_screen_has_its_keyboard_and_a_handle_for_the_toolbar(phone: Visitor) -> None:
    session = phone.start(TYPING)
    page = phone.page
    wait_for_state(page, "connected")
    button = page.get_by_role("button", name="On-screen keyboard")
    field = page.get_by_label("What is typed here goes to the session")

    button.tap()
    expect(field).to_be_focused()
    expect(button).to_have_attribute("aria-pressed", "true")
    page.keyboard.insert_text("Grüße 你")  # as such keyboards do: text, and no keys
    page.keyboard.press("Backspace")
    page.keyboard.insert_text("!")
    # A suggestion replaces the word that was written.
    field.evaluate("""(field) => {
      field.value = field.value.replace("Grüße", "Hello");
      field.dispatchEvent(new InputEvent("input"));
    }""")
    page.keyboard.press("Enter")
    wait_for_text(session, "Hello !")

    button.tap()
    expect(field).to_be_disabled()
    expect(button).to_have_attribute("aria-pressed", "false")
    handle = page.get_by_role("button", name="Show the toolbar")
    expect(handle).to_be_visible()
    handle.tap()
    expect(page.locator("body")).to_have_attribute("data-toolbar", "shown")
    expect(handle).to_be_hidden()


def test_a_keyboard_that_lies_over_the_page_leaves_the_whole_screen_in_view(phone: Visitor) -> None:
    phone.connect(PATTERN)
    page = phone.page
    screen, canvas = page.locator("#screen"), page.locator("#screen canvas")
    whole = {"x": 0, "y": 0, **PHONE}
    assert screen.bounding_box() == whole

    page.evaluate(IOS_KEYBOARD, [400, 30, 1])
    assert screen.bounding_box() == {"x": 0, "y": 30, "width": 360, "height": 400}
    eventually(lambda: lies_between(canvas, 30, 430))
    page.evaluate(IOS_KEYBOARD, [370, 100, 2])  # pinched: less of the page is seen, and nothing lies over it
    assert screen.bounding_box() == whole
    page.evaluate(IOS_KEYBOARD, [740, 0, 1])
    assert screen.bounding_box() == whole


def test_a_session_keeps_its_size_while_a_keyboard_takes_room_from_the_page(phone: Visitor) -> None:
    asked: list[tuple[int, int]] = []

    def sends(frame: str | bytes) -> None:
        if isinstance(frame, bytes) and frame[0] == SET_DESKTOP_SIZE:
            asked.append(struct.unpack_from("!HH", frame, 2))

    page = phone.page
    page.on("websocket", lambda socket: socket.on("framesent", sends))
    phone.start(TYPING)
    wait_for_state(page, "connected")
    page.locator("summary", has_text="View").tap()
    page.get_by_label("Resize the session's screen").check()
    canvas = page.locator("#screen canvas")
    expect(canvas).to_have_attribute("height", "740")

    assert asked == [(360, 740)]
    button = page.get_by_role("button", name="On-screen keyboard")

    def keyboard_comes_and_goes() -> float:
        """How many seconds the page stays small from the tap that sends the keyboard away; on phones about 0.3."""
        expect(canvas).to_have_attribute("height", "740")
        asked.clear()
        button.tap()
        # A tap is a click only a moment later.
        expect(button).to_have_attribute("aria-pressed", "true")
        page.set_viewport_size(WITH_KEYBOARD)
        eventually(lambda: lies_between(canvas, 0, 400))
        began = time.monotonic()
        button.tap()
        expect(button).to_have_attribute("aria-pressed", "false")
        page.set_viewport_size(PHONE)
        return time.monotonic() - began

    eventually(lambda: keyboard_comes_and_goes() < 1.2, within=30)
    page.wait_for_timeout(1600)  # until sizes count again
    page.set_viewport_size({"width": 740, "height": 360})  # turned
    expect(canvas).to_have_attribute("height", "360")
    assert asked == [(740, 360)]
