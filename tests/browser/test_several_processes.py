"""A site of several processes, as its users see it: nothing of it shows, even when one of them dies."""

from __future__ import annotations

import psutil
import pytest

from tests.browser.guard import NO_SERVER, Guard
from tests.browser.served import ALICE, PATTERN, BrowserSite
from tests.browser.visitor import viewer, wait_for_screen, wait_for_state
from tests.browser.visits import Visits
from tests.integration.leftovers import command, marked
from tests.waiting import eventually

PAGES, RELAY, SUPERVISOR = "serve_part pages", "relay_process", "serve_part supervisor"


def kill(site: BrowserSite, part: str) -> None:
    """Kills all processes that do this part, and waits until others do it."""
    before = [child for child in psutil.Process(site.pid).children() if part in command(child)]
    for process in before:
        process.kill()
    psutil.wait_procs(before, 10)


@pytest.mark.parametrize("own_site", [[PATTERN]], indirect=True)
def test_pages_and_supervisor_may_die_behind_a_screen_and_a_relay_is_waited_for(
    own_site: BrowserSite, visit: Visits, guard: Guard
) -> None:
    own_site.start("--workers", "2")
    alice = visit(ALICE, at=own_site)
    session = alice.connect(PATTERN)
    page = alice.page
    runners = marked(session)
    guard.announce(NO_SERVER)  # what else the page asks for may meet a process that has just died

    kill(own_site, PAGES)
    page.wait_for_timeout(500)  # nothing happens, for which nobody can wait
    assert (page.locator("body").get_attribute("data-viewer-state"), viewer(page, "connects")) == ("connected", 1)

    kill(own_site, SUPERVISOR)
    eventually(lambda: "found again" in own_site.output, within=20)
    assert (page.locator("body").get_attribute("data-viewer-state"), viewer(page, "connects")) == ("connected", 1)

    kill(own_site, RELAY)
    wait_for_state(page, "reconnecting")
    wait_for_screen(page)
    assert viewer(page, "connects") == 2
    assert marked(session) == runners
    assert own_site.live() == [session]
