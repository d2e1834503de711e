"""The viewer's toolbar: when it hides, how it comes back, and what of it works when."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.guard import NO_SERVER, Guard
from tests.browser.line import Line
from tests.browser.served import ALICE, GATED, NOBODY, PATTERN, BrowserSite
from tests.browser.visitor import Visitor, show_toolbar, viewer, wait_for_screen, wait_for_state
from tests.browser.visits import Visits


def with_a_browser_of_her_own(visit: Visits) -> Visitor:
    """Alice in a browser that remembers only what is chosen in this test."""
    alice = visit(NOBODY)
    alice.log_in(ALICE)
    return alice


def expect_toolbar(page: Page, how: str) -> None:
    expect(page.locator("body")).to_have_attribute("data-toolbar", how)


def test_it_hides_itself_and_comes_back_at_the_top_edge(visit: Visits) -> None:
    alice = with_a_browser_of_her_own(visit)
    alice.connect(PATTERN)
    page = alice.page
    screen = page.locator("#screen")
    box = screen.bounding_box()
    assert box == {"x": 0, "y": 0, "width": 1280, "height": 800}

    expect_toolbar(page, "shown")
    page.mouse.move(600, 400)
    expect_toolbar(page, "hidden")
    expect(page.get_by_role("button", name="Full screen")).not_to_be_in_viewport()
    page.mouse.move(600, 20)
    expect_toolbar(page, "hidden")
    page.mouse.move(600, 0)
    expect_toolbar(page, "shown")
    expect(page.get_by_role("button", name="Full screen")).to_be_in_viewport()
    assert screen.bounding_box() == box
    page.mouse.click(600, 400)
    assert page.locator("body").get_attribute("data-toolbar") == "hidden"


def test_it_stays_while_it_is_used(visit: Visits) -> None:
    alice = with_a_browser_of_her_own(visit)
    alice.connect(PATTERN)
    page = alice.page
    canvas = page.locator("#screen canvas")

    page.keyboard.press("Control+Alt+Shift")
    page.mouse.move(600, 400)
    page.wait_for_timeout(5000)  # that it does not hide is seen only by waiting for longer than it takes
    expect_toolbar(page, "shown")
    expect(page.get_by_role("button", name="Enter session")).to_be_focused()
    page.keyboard.press("Enter")
    expect(canvas).to_be_focused()
    expect_toolbar(page, "hidden")
    page.keyboard.press("Control+Alt+Shift")
    expect_toolbar(page, "shown")
    expect(page.get_by_role("button", name="Enter session")).to_be_in_viewport()


def test_it_stays_for_who_wants_it_to_and_then_covers_nothing(visit: Visits) -> None:
    alice = with_a_browser_of_her_own(visit)
    alice.connect(PATTERN)
    page = alice.page

    page.locator("summary", has_text="View").click()
    page.get_by_label("Keep the toolbar in view").check()
    expect_toolbar(page, "kept")
    bar, screen = page.locator("#viewer-bar").bounding_box(), page.locator("#screen").bounding_box()
    assert bar is not None and screen is not None
    assert screen["y"] == bar["height"]
    page.reload()
    wait_for_screen(page)
    expect_toolbar(page, "kept")


def test_it_stays_where_the_system_asks_for_reduced_motion(visit: Visits) -> None:
    alice = with_a_browser_of_her_own(visit)
    alice.connect(PATTERN)
    page = alice.page

    page.emulate_media(reduced_motion="reduce")
    expect_toolbar(page, "kept")
    page.emulate_media(reduced_motion="no-preference")
    expect_toolbar(page, "shown")


def test_what_needs_a_screen_is_disabled_without_one(site: BrowserSite, visit: Visits, guard: Guard) -> None:
    line = Line(site.port)
    alice = visit(ALICE, by=line.url)
    alice.start(GATED)
    page = alice.page
    wait_for_state(page, "starting")
    tools = [page.get_by_role("button", name=name) for name in ("Enter session", "Save picture")]
    for tool in tools:
        expect(tool).to_be_disabled()
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_enabled()

    site.gate.touch()
    wait_for_screen(page)
    for tool in tools:
        expect(tool).to_be_enabled()
    guard.announce(NO_SERVER)
    line.cut()
    for tool in tools:
        expect(tool).to_be_disabled()
    line.mend()
    line.close()


def test_who_only_wants_to_look_sends_nothing(visit: Visits) -> None:
    alice = visit(ALICE)
    alice.connect(PATTERN)
    page = alice.page

    page.locator("summary", has_text="View").click()
    page.get_by_label("Only look, send no keys and clicks").check()
    expect(page.locator("#viewer-state")).to_have_text("Connected, view only")
    assert viewer(page, "rfb.viewOnly") is True
    page.keyboard.press("Escape")
    page.locator("summary", has_text="Keys").click()
    expect(page.get_by_role("button", name="Ctrl-Alt-Del")).to_be_disabled()
    page.locator("summary", has_text="Keys").click()
    page.locator("summary", has_text="View").click()
    page.get_by_label("Only look, send no keys and clicks").uncheck()
    expect(page.locator("#viewer-state")).to_have_text("Connected")
    assert viewer(page, "rfb.viewOnly") is False


def test_leaving_says_what_becomes_of_the_session(visit: Visits) -> None:
    alice = visit(ALICE)
    alice.connect(PATTERN)
    leave = alice.page.get_by_role("link", name="Leave")
    expect(leave).to_have_attribute("title", "Leave: It ends 2 seconds after its last viewer has left.")


def test_the_whole_screen_is_given_and_taken_back(visit: Visits) -> None:
    alice = visit(ALICE)
    alice.connect(PATTERN)
    page = alice.page
    show_toolbar(page)
    button = page.get_by_role("button", name="Full screen")

    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("document.fullscreenElement !== null")
    expect(page.locator("#screen canvas")).to_be_focused()
    show_toolbar(page)
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
