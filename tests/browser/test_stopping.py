"""Sessions that are stopped, by whom, and what their viewers are told."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.guard import REFUSED_SOCKET, Guard
from tests.browser.served import ALICE, FAILING, PATTERN, ROOT, BrowserSite
from tests.browser.visitor import wait_for_end, wait_for_state
from tests.browser.visits import Visits
from tests.waiting import eventually


def test_its_user_stops_a_session_from_the_picker_when_asked_twice(site: BrowserSite, visit: Visits) -> None:
    alice = visit(ALICE)
    session = alice.connect(PATTERN)
    viewing = alice.page
    picker = alice.new_tab("/")

    stop = alice.session_card(session, picker).get_by_role("button", name="Stop")
    stop.click()
    question = picker.get_by_role("dialog", name="Stop this session?")
    expect(question).to_contain_text(PATTERN)
    question.get_by_role("button", name="Keep it running").click()
    expect(question).to_be_hidden()
    expect(stop).to_be_focused()
    assert site.states()[session] == "running"
    wait_for_state(viewing, "connected")

    stop.click()
    question.get_by_role("button", name="Stop the session").click()
    expect(picker.get_by_text(f"“{PATTERN}” is being ended.")).to_be_visible()
    wait_for_end(viewing, "It was stopped by its user.")
    eventually(lambda: site.free_slots(PATTERN) == 3)
    picker.reload()
    expect(alice.session_card(session, picker)).to_have_count(0)
    expect(picker.get_by_role("region", name="Ended within a day").get_by_role("listitem").first).to_contain_text(
        "It was stopped by its user."
    )


def test_rows_of_ended_sessions_stand_below_each_other(site: BrowserSite, visit: Visits, guard: Guard) -> None:
    guard.announce(REFUSED_SOCKET)  # the failing one may have ended before the page's websocket comes
    alice = visit(ALICE)
    alice.start(FAILING)
    wait_for_end(alice.page, "It could not be started.")
    alice.connect(PATTERN)
    site.end_all_sessions()
    wait_for_end(alice.page, "It was stopped by staff.")

    page = alice.open()
    rows = page.get_by_role("region", name="Ended within a day").get_by_role("listitem")
    expect(rows.first).to_be_visible()
    rows.first.locator(".row-facts").evaluate("facts => facts.prepend('a day, 23 hours and ')")
    columns = rows.evaluate_all("rows => rows.map(row => [...row.children].map(cell => cell.offsetLeft).join())")
    assert len(columns) >= 2
    assert len(set(columns)) == 1


def test_a_viewer_says_that_staff_stopped_its_session(site: BrowserSite, visit: Visits) -> None:
    alice = visit(ALICE)
    session = alice.connect(PATTERN)
    root = visit(ROOT)
    root.open()

    card = root.session_card(session)
    expect(card).to_contain_text(ALICE)
    card.get_by_role("button", name="Stop").click()
    root.page.get_by_role("button", name="Stop the session").click()

    wait_for_end(alice.page, "It was stopped by staff.")
    assert site.states()[session] == "ended"


def test_leaving_by_the_toolbar_ends_the_session_after_a_moment(site: BrowserSite, visit: Visits) -> None:
    alice = visit(ALICE)
    session = alice.connect(PATTERN)

    alice.page.get_by_role("link", name="Leave").click()

    expect(alice.session_card(session)).to_contain_text("Running")
    # The list follows by itself.
    expect(alice.session_card(session)).to_have_count(0)
    expect(alice.page.get_by_text("Its last viewer left.").first).to_be_visible()
    assert site.states()[session] == "ended"
