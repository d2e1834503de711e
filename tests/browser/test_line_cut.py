"""The line between browser and server is cut, or the server goes away: the viewer says so and comes back by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.desktop import TERMINAL_TEXT, wait_for_prompt
from tests.browser.guard import BAD_GATEWAY, NO_SERVER, REFUSED_SOCKET, Guard
from tests.browser.line import Line
from tests.browser.served import ALICE, DESKTOP, PATTERN, BrowserSite
from tests.browser.visitor import pixels, viewer, wait_for_end, wait_for_screen, wait_for_state
from tests.browser.visits import Visits
from tests.integration.leftovers import marked
from tests.waiting import eventually


@pytest.fixture
def line(site: BrowserSite) -> Iterator[Line]:
    """A line to the shared site."""
    made = Line(site.port)
    yield made
    made.close()


def test_a_cut_line_is_told_and_the_viewer_comes_back_to_the_same_session(
    site: BrowserSite, visit: Visits, guard: Guard, line: Line
) -> None:
    alice = visit(ALICE, by=line.url)
    session = alice.connect(PATTERN)
    page = alice.page
    runners = marked(session)
    assert runners

    guard.announce(NO_SERVER)
    line.cut()
    wait_for_state(page, "reconnecting")
    notice = page.get_by_role("region", name="The line was cut")
    expect(notice).to_contain_text("If the session goes on, this page reconnects to it by itself.")

    line.mend()
    wait_for_screen(page)
    expect(notice).to_be_hidden()
    assert viewer(page, "connects") == 2
    assert page.locator("canvas").count() == 1
    assert marked(session) == runners
    assert site.live() == [session]


def test_who_does_not_want_to_wait_can_try_at_once(visit: Visits, guard: Guard, line: Line) -> None:
    alice = visit(ALICE, by=line.url)
    alice.connect(PATTERN)
    page = alice.page

    guard.announce(NO_SERVER)
    line.cut()
    # Until the wait for the next try is so long that it cannot come first.
    expect(page.get_by_text("Next try in 4 s.")).to_be_visible()
    line.mend()
    page.get_by_role("button", name="Try now").click()

    wait_for_screen(page)


@pytest.mark.parametrize("own_site", [[DESKTOP]], indirect=True)
@pytest.mark.parametrize("proxy", [False, True], ids=["direct", "behind a proxy"])
def test_a_server_that_restarts_is_waited_for_and_shows_the_same_desktop(
    own_site: BrowserSite, visit: Visits, guard: Guard, proxy: bool
) -> None:
    own_site.start()
    line = Line(own_site.port)
    line.bad_gateway = proxy
    alice = visit(ALICE, at=own_site, by=line.url)
    session = alice.connect(DESKTOP)
    page = alice.page
    wait_for_prompt(page)
    empty = pixels(page, TERMINAL_TEXT)
    page.keyboard.type("this is not forgotten " * 3)
    eventually(lambda: pixels(page, TERMINAL_TEXT) > empty + 100, within=10)
    processes = marked(session)

    guard.announce(NO_SERVER)
    guard.announce(BAD_GATEWAY)
    assert own_site.leave().status == 0
    wait_for_state(page, "reconnecting")
    notice = page.get_by_role("region", name="The server is stopping or restarting")
    expect(notice).to_contain_text("If the session goes on, this page reconnects to it by itself once the server is")
    expect(page.locator("#viewer-state")).to_have_text("Waiting for the server")
    # Until it has tried in vain more often than it would at a server that answers.
    expect(page.get_by_text("Next try in 8 s.")).to_be_visible(timeout=30_000)

    own_site.start()
    line.server_port = own_site.port
    wait_for_screen(page)
    expect(notice).to_be_hidden()
    eventually(lambda: pixels(page, TERMINAL_TEXT) > empty + 100, within=10)
    assert viewer(page, "connects") == 2
    assert marked(session) == processes
    assert own_site.states() == {session: "running"}
    line.close()


def test_a_server_that_ends_its_sessions_is_waited_for_and_says_so(
    own_site: BrowserSite, visit: Visits, guard: Guard
) -> None:
    own_site.start()
    line = Line(own_site.port)
    alice = visit(ALICE, at=own_site, by=line.url)
    session = alice.connect(PATTERN)
    page = alice.page

    guard.announce(NO_SERVER)
    assert own_site.stop().status == 0
    wait_for_state(page, "reconnecting")

    guard.announce(REFUSED_SOCKET)  # the session has ended with the server
    own_site.start()
    line.server_port = own_site.port
    wait_for_end(page, "The server was stopped.")
    assert own_site.states()[session] == "ended"
    line.close()
