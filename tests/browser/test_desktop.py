"""The main job with a real desktop: start it, see it, work in it, leave, and nothing of it stays."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.desktop import TERMINAL_TEXT, desktop_of, marker_file, wait_for_prompt
from tests.browser.served import ALICE, DESKTOP, ENDS_WITHIN, LINGER, NOBODY, BrowserSite
from tests.browser.visitor import pixels, session_path, show_toolbar, viewer, wait_for_picture, wait_for_screen
from tests.browser.visits import Visits
from tests.waiting import eventually


def test_alice_works_in_a_desktop_and_nothing_of_it_is_left(site: BrowserSite, visit: Visits) -> None:
    alice = visit(ALICE)
    session = alice.start(DESKTOP, "1024x768")
    page = alice.page

    shown = wait_for_screen(page)
    assert (shown.width, shown.height) == (1024, 768)
    wait_for_prompt(page)
    assert site.free_slots(DESKTOP) == 1

    with marker_file() as marker:
        # The blank in front keeps it out of the shell's history.
        page.keyboard.type(f" echo 'hello $(world)' > ~/{marker.name}\n")
        eventually(lambda: marker.exists() and marker.read_text() == "hello $(world)\n", within=10)
    with marker_file() as marker:
        paste(page, f" echo 'grüße, 你好' > ~/{marker.name}")
        eventually(lambda: marker.exists() and marker.read_text() == "grüße, 你好\n", within=10)

    desktop = desktop_of(session)
    assert desktop.left()
    page.close()
    eventually(lambda: site.free_slots(DESKTOP) == 2, within=ENDS_WITHIN)
    eventually(lambda: not desktop.left())
    assert site.states()[session] == "ended"


def paste(page: Page, text: str) -> None:
    """Sends text by the clipboard panel, then pastes it into the terminal and presses Enter."""
    show_toolbar(page)
    page.locator("summary", has_text="Clipboard").click()
    page.get_by_label("Text of the session's clipboard").fill(text)
    page.get_by_role("button", name="Send to the session").click()
    expect(page.get_by_text("Sent to the session's clipboard.")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Enter session").click()
    before = pixels(page, TERMINAL_TEXT)
    page.keyboard.press("Shift+Insert")
    # The terminal asks the X server for the text, and takes keys meanwhile.
    eventually(lambda: pixels(page, TERMINAL_TEXT) > before + 300, within=10)
    page.keyboard.press("Enter")


def test_what_is_copied_in_the_session_appears_in_the_clipboard_panel(visit: Visits) -> None:
    alice = visit(ALICE)
    alice.connect(DESKTOP, "800x600")
    page = alice.page
    wait_for_prompt(page)

    page.keyboard.type(" clear; yes copiedInTheSession | head -n 20\n")
    canvas = page.locator("#screen canvas")
    box = canvas.bounding_box()
    assert box is not None

    def copied() -> bool:
        # On a word in the middle of the screen, where every line is the same.
        canvas.dblclick(position={"x": box["width"] * 0.15, "y": box["height"] * 0.5})
        return bool(page.get_by_label("Text of the session's clipboard").input_value() == "copiedInTheSession")

    eventually(copied, within=10)


def test_a_session_lives_as_long_as_one_of_its_tabs_and_can_be_come_back_to(site: BrowserSite, visit: Visits) -> None:
    alice = visit(ALICE)
    session = alice.connect(DESKTOP, "800x600")
    second = alice.new_tab(session_path(session))
    wait_for_screen(second)
    server = desktop_of(session).x_server

    alice.page.close()
    # That it does not end is seen only by waiting for longer than it would take to end it.
    second.wait_for_timeout((LINGER + 1.5) * 1000)
    assert site.states()[session] == "running"
    assert viewer(second, "state") == "connected"
    assert viewer(second, "connects") == 1

    third = alice.context.new_page()
    second.close()
    third.goto(session_path(session))
    wait_for_screen(third)
    assert desktop_of(session).x_server == server


def test_the_screen_takes_the_size_of_the_window_when_asked_to(visit: Visits) -> None:
    alice = visit(NOBODY)
    alice.log_in(ALICE)  # with a browser of its own, which remembers what is chosen here
    alice.connect(DESKTOP, "800x600")
    page = alice.page

    page.locator("summary", has_text="View").click()
    page.get_by_label("Resize the session's screen").check()

    screen = page.locator("#screen").bounding_box()
    assert screen is not None
    size = (round(screen["width"]), round(screen["height"]))
    assert size != (800, 600)
    wait_for_picture(page, lambda shown: (shown.width, shown.height) == size)
