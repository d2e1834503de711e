"""What the page shows while a session starts, and when it does not."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.guard import REFUSED_SOCKET, Guard
from tests.browser.served import ALICE, FAILING, GATED, BrowserSite
from tests.browser.visitor import session_of, viewer, wait_for_end, wait_for_screen, wait_for_state
from tests.browser.visits import Visits


def test_the_page_follows_a_start_until_the_screen_is_there(site: BrowserSite, visit: Visits) -> None:
    alice = visit(ALICE)
    alice.start(GATED)
    page = alice.page

    wait_for_state(page, "starting")
    progress = page.get_by_role("region", name="Your session is on its way")
    expect(progress).to_contain_text("Waiting for the gate to open")
    expect(progress.locator("[aria-current=step]")).to_have_text("The session is being started")
    site.gate.touch()
    wait_for_screen(page)
    expect(progress).to_be_hidden()
    assert viewer(page, "connects") == 1


def test_a_script_that_fails_is_told_with_its_log_made_harmless(site: BrowserSite, visit: Visits, guard: Guard) -> None:
    guard.announce(REFUSED_SOCKET)  # it may have failed before the page's websocket comes
    alice = visit(ALICE)
    page = alice.page
    opened: list[str] = []
    page.on("dialog", lambda dialog: opened.append(dialog.message))
    session = alice.start(FAILING)

    over = wait_for_end(page, "It could not be started.")
    expect(over).to_contain_text("the <b>licence</b> server does not answer")
    expect(over.locator(".pill")).to_have_text("Failed")
    log = page.locator("#log")
    expect(log).to_contain_text("<script>alert(1)</script> red done")
    assert "\x1b" not in log.inner_text()
    assert page.locator("article script, article b").count() == 0
    reference = over.get_by_text("quote the reference").inner_text().rstrip(".").split()[-1]
    assert session.startswith(reference)
    assert len(reference) >= 8
    assert site.states()[session] == "failed"

    page.get_by_role("button", name="Try again").click()
    page.wait_for_url(lambda url: session not in url)
    again = session_of(page)
    wait_for_end(page, "It could not be started.")
    assert site.states()[again] == "failed"
    assert opened == []
