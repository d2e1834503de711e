"""The warning before a limit ends a session, with limits so short that they run out while one looks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.guard import NO_SERVER, Guard
from tests.browser.line import Line
from tests.browser.served import ALICE, BrowserSite, browser_site
from tests.browser.test_accessibility import check
from tests.browser.visitor import viewer, wait_for_end, wait_for_screen, wait_for_state
from tests.browser.visits import Visits

IDLE, EXTENDED, FINAL = "Idle", "Extended", "Final"
KEEP = "Keep the session"


def of(**limits: float) -> dict[str, Any]:
    return {"script": "test_pattern.py", "count": 1, "options": {"sizes": ["640x480"]}, "limits": limits}


TYPES = {IDLE: of(idle_timeout=12), EXTENDED: of(max_lifetime=24, most_lifetime=60), FINAL: of(max_lifetime=8)}
"""Of limits so short, users are warned when half of them is left."""


@pytest.fixture(scope="module")
def brief_site(template: Path) -> Iterator[BrowserSite]:
    """A site whose sessions end soon."""
    with browser_site(template) as site:
        site.write_sessions(TYPES)
        site.start()
        yield site


def warning(page: Page) -> Locator:
    return page.get_by_role("region", name="The session is about to end")


def events(site: BrowserSite, session: str, what: str) -> list[tuple[Any, ...]]:
    asked = "SELECT why, who FROM remote_service_sessionevent WHERE session_id = ? AND what = ?"
    return site.query(asked, session.replace("-", ""), what)


def test_an_idle_session_warns_is_kept_and_ends_when_nobody_keeps_it(brief_site: BrowserSite, visit: Visits) -> None:
    alice = visit(ALICE, at=brief_site)
    session = alice.connect(IDLE)
    page = alice.page

    expect(warning(page)).to_contain_text("Nobody has used keyboard or pointer for a while, so this session ends in ")
    said = page.locator("#announcements")
    expect(said).to_contain_text("Control, Alt and Shift together lead to the button that keeps it.")
    expect(warning(page)).to_contain_text("ends in 4 sec")
    warning(page).get_by_role("button", name=KEEP).click()
    expect(warning(page)).to_be_hidden()
    expect(page.get_by_text("The session goes on.")).to_be_visible()
    expect(page.locator("#screen canvas")).to_be_focused()
    assert events(brief_site, session, "kept") == [("It counts as used now.", ALICE)]

    expect(warning(page)).to_be_visible()
    wait_for_end(page, "Nobody used keyboard or pointer for too long.")
    assert len(events(brief_site, session, "end near")) == 2


def test_a_key_in_the_session_takes_the_warning_away(brief_site: BrowserSite, visit: Visits) -> None:
    alice = visit(ALICE, at=brief_site)
    session = alice.connect(IDLE)
    page = alice.page

    expect(warning(page)).to_be_visible()
    page.keyboard.press("a")
    expect(warning(page)).to_be_hidden()

    assert brief_site.live() == [session]
    brief_site.end_all_sessions()


def test_a_session_is_extended_by_keyboard_after_its_line_was_cut(
    brief_site: BrowserSite, visit: Visits, guard: Guard
) -> None:
    line = Line(brief_site.port)
    alice = visit(ALICE, at=brief_site, by=line.url)
    session = alice.connect(EXTENDED)
    page = alice.page

    expect(warning(page)).to_contain_text("Its time can be extended.")
    check(page)
    guard.announce(NO_SERVER)
    line.cut()
    wait_for_state(page, "reconnecting")
    expect(warning(page)).to_be_visible()
    line.mend()
    wait_for_screen(page)
    expect(warning(page)).to_be_visible()
    page.keyboard.press("Control+Alt+Shift")
    expect(warning(page).get_by_role("button", name=KEEP)).to_be_focused()
    page.keyboard.press("Enter")
    expect(warning(page)).to_be_hidden()

    assert viewer(page, "state") == "connected"
    assert events(brief_site, session, "kept") == [("It may run 24 s longer.", ALICE)]
    line.close()
    brief_site.end_all_sessions()


def test_a_longest_time_that_cannot_be_extended_is_told_without_a_button(
    brief_site: BrowserSite, visit: Visits
) -> None:
    alice = visit(ALICE, at=brief_site)
    alice.connect(FINAL)
    page = alice.page

    expect(warning(page)).to_contain_text("Save your work.")
    expect(warning(page).get_by_role("button")).to_have_count(0)
    page.reload()
    expect(warning(page)).to_contain_text("Save your work.")
    wait_for_end(page, "It reached the longest time that it may run.")
