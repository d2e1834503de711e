"""Everything by keyboard alone: log in, find a type, start, leave the screen, stop."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.browser.served import ALICE, MEMBERS, NOBODY, PATTERN, BrowserSite
from tests.browser.visitor import session_of, wait_for_screen
from tests.browser.visits import Visits
from tests.integration.pages import PASSWORD
from tests.waiting import eventually

MOST_TABS = 60


def tab_to(page: Page, wanted: Locator) -> None:
    """Presses Tab until an element has the focus."""
    expect(wanted).to_be_visible()
    for _ in range(MOST_TABS):
        if wanted.evaluate("(element) => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{wanted} does not get the focus within {MOST_TABS} times Tab")


def test_a_session_can_be_used_without_a_pointer(site: BrowserSite, visit: Visits) -> None:
    alice = visit(NOBODY)
    page = alice.open()
    tab_to(page, page.get_by_label("Username"))
    page.keyboard.type(ALICE)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Start a session")).to_be_visible()
    find = page.get_by_label("Find a type")
    tab_to(page, find)
    page.keyboard.type("moving")
    expect(alice.type_card(MEMBERS)).to_be_hidden()
    expect(page.locator("#announcements")).to_have_text("1 type found")
    expect(find).to_be_focused()
    tab_to(page, alice.type_card(PATTERN).get_by_role("button", name="Start"))
    page.keyboard.press("Enter")
    wait_for_screen(page)
    session = session_of(page)
    canvas = page.locator("#screen canvas")
    expect(canvas).to_be_focused()
    page.keyboard.press("Tab")
    expect(canvas).to_be_focused()

    page.keyboard.press("Control+Alt+Shift")
    expect(canvas).not_to_be_focused()
    expect(page.get_by_role("button", name="Enter session")).to_be_focused()
    page.keyboard.press("Enter")
    expect(canvas).to_be_focused()
    page.keyboard.press("Control+Alt+Shift")
    tab_to(page, page.get_by_role("button", name="Stop", exact=True))
    page.keyboard.press("Enter")
    question = page.get_by_role("dialog", name="Stop this session?")
    expect(question.get_by_role("button", name="Keep it running")).to_be_focused()
    page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, question.get_by_role("button", name="Stop the session"))
    page.keyboard.press("Enter")

    expect(page.get_by_text(f"“{PATTERN}” is being ended.")).to_be_visible()
    eventually(lambda: site.states()[session] == "ended", within=10)
