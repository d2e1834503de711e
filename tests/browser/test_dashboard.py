"""What staff do at the dashboard, and what users see of it in their own browsers."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.guard import REFUSED_PAGE, REFUSED_SOCKET, Guard
from tests.browser.served import ALICE, PATTERN, BrowserSite
from tests.browser.visitor import show_toolbar, wait_for_end, wait_for_state
from tests.browser.visits import Visits

MANAGER = "manager"
"""May manage any session, and is no superuser."""


def said(page: Page, sentence: str) -> None:
    """Waits for the message of what was done."""
    expect(page.get_by_role("main").get_by_role("status").filter(has_text=sentence)).to_be_visible()


def test_staff_find_a_session_and_stop_it_with_a_reason_that_its_user_reads(
    site: BrowserSite, visit: Visits, guard: Guard
) -> None:
    guard.announce(REFUSED_SOCKET)
    alice = visit(ALICE)
    session = alice.connect(PATTERN)
    staff = visit(MANAGER).open()
    staff.locator("summary", has_text=MANAGER).click()
    staff.get_by_role("link", name="Dashboard").click()
    staff.get_by_role("link", name="1 live session").click()
    staff.get_by_label("Owner").fill("bob")
    staff.get_by_role("button", name="Show").click()
    expect(staff.get_by_text("No session fits all of that.")).to_be_visible()
    staff.get_by_label("Owner").fill("ali")
    row = staff.locator(f"tr[data-session='{session}']")
    expect(row).to_contain_text("1 viewer")

    row.get_by_role("link", name="Stop").click()
    staff.get_by_label("Reason").fill("The node is rebooted.")
    staff.get_by_role("button", name="Stop the session").click()
    said(staff, f"“{PATTERN}” is being ended.")
    expect(staff.get_by_label("Owner")).to_have_value("ali")
    alice.page.wait_for_url("**/sessions/**")
    wait_for_end(alice.page, "It was stopped by staff. The node is rebooted.")


def test_the_list_of_sessions_follows_its_filters_and_goes_on_following_what_happens(
    own_site: BrowserSite, visit: Visits
) -> None:
    own_site.start()
    alice = visit(ALICE, at=own_site)
    session = alice.connect(PATTERN)
    staff = visit(MANAGER, at=own_site).open("/dashboard/sessions/")
    row, owner = staff.locator(f"tr[data-session='{session}']"), staff.get_by_label("Owner")
    expect(row).to_be_visible()

    owner.press_sequentially("bob")
    expect(staff.get_by_text("No session fits all of that.")).to_be_visible()
    expect(staff.locator("#announcements")).to_have_text("0 sessions")
    expect(owner).to_be_focused()
    assert "owner=bob" in staff.url, "the address can be kept"
    owner.fill("")
    expect(row).to_be_visible()
    staff.get_by_label("State").select_option("Ended")
    expect(row).to_have_count(0)

    # What happens afterwards comes for the list that is shown now.
    show_toolbar(alice.page)
    alice.page.get_by_role("button", name="Stop").click()
    alice.page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(row).to_contain_text("Ended")
    expect(staff.get_by_label("State")).to_have_value("ended")


def test_a_filter_that_is_used_after_the_log_in_is_over_leads_to_the_log_in(visit: Visits, guard: Guard) -> None:
    guard.announce(REFUSED_SOCKET)
    # With a zone, so that it is a browser of this test's own: the next test needs the cookies of the shared one.
    staff = visit(MANAGER, zone="UTC").open("/dashboard/sessions/")
    staff.context.clear_cookies()
    staff.get_by_label("Owner").fill("bob")
    staff.wait_for_url("**/login/**")


def test_a_reload_tells_its_outcome_by_itself(own_site: BrowserSite, visit: Visits) -> None:
    own_site.start()
    staff = visit(MANAGER, at=own_site).open("/dashboard/catalogue/")
    expect(staff.get_by_text("1 session type serves, without any problem.")).to_be_visible()
    own_site.write_sessions({"Broken": {"script": "test_pattern.py", "count": 0, "options": {}}})
    staff.get_by_role("button", name="Read it again").click()
    expect(staff.locator("#changing")).to_have_attribute("data-outcome", "read")
    expect(staff.get_by_role("heading", name="Error E023 Broken")).to_be_visible()
    expect(staff.get_by_text("a whole number from 1 to 10000")).to_be_visible()


def test_an_announcement_is_seen_by_everybody_until_each_puts_it_away(own_site: BrowserSite, visit: Visits) -> None:
    own_site.start()
    alice = visit(ALICE, at=own_site)
    picker = alice.open()
    staff = visit(MANAGER, at=own_site).open("/dashboard/announcements/")
    staff.get_by_label("Text").fill("Cake at four.")
    staff.get_by_role("button", name="Announce").click()
    said(staff, "Users see it on every page in its time.")
    # It comes to a page that is open, and is read out there.
    expect(picker.get_by_role("region", name="Announcements")).to_contain_text("Cake at four.")
    expect(picker.locator("#announcements")).to_have_text("Cake at four.")
    session = alice.connect(PATTERN)
    shown = alice.page.get_by_role("region", name="Announcements")
    expect(shown).to_contain_text("Cake at four.")
    shown.get_by_role("button", name="Hide").click()
    expect(shown).to_have_count(0)
    wait_for_state(alice.page, "connected")
    assert alice.page.evaluate("window.__viewer.connects") == 1, "the viewer was not loaded again"
    expect(alice.new_tab("/password/").get_by_text("Cake at four.")).to_have_count(0)
    expect(staff.get_by_role("region", name="Announcements")).to_contain_text("Cake at four.")
    staff.get_by_label("Text").fill("Tea at five.")
    staff.get_by_role("button", name="Announce").click()
    expect(alice.page.get_by_role("region", name="Announcements")).to_contain_text("Tea at five.")
    assert alice.page.evaluate("window.__viewer.connects") == 1, "it came to the viewer that was open"
    page = alice.open()
    expect(page.get_by_role("region", name="Announcements")).to_have_text(re.compile(r"^\s*Tea at five\.\s*Hide\s*$"))
    staff.get_by_label("Text").fill("Bring a cup.")
    staff.get_by_role("button", name="Announce").click()
    shown = page.get_by_role("region", name="Announcements")
    expect(shown).to_have_text(re.compile(r"^\s*Bring a cup\.\s*Hide\s*Tea at five\.\s*Hide\s*$"))
    shown.get_by_role("button", name="Hide").first.click()
    expect(shown).to_have_text(re.compile(r"^\s*Tea at five\.\s*Hide\s*$"))
    own_site.stop_session(ALICE, session)


def test_the_times_of_an_announcement_say_what_they_are_on_the_readers_clock(visit: Visits) -> None:
    page = visit(MANAGER, zone="Asia/Tokyo").open("/dashboard/announcements/")
    beside = page.locator("output[for='id_shown_until']")
    expect(beside).to_have_text("")
    page.get_by_label("Until").fill("2040-01-02T18:30")
    expect(beside).to_have_text("On your clock: Jan 3, 2040, 03:30")
    page.get_by_label("Until").fill("")
    expect(beside).to_have_text("")


def test_the_dashboard_follows_what_happens(site: BrowserSite, visit: Visits, guard: Guard) -> None:
    guard.announce(REFUSED_SOCKET)
    staff = visit(MANAGER)
    numbers, listed = staff.open("/dashboard/"), staff.new_tab("/dashboard/sessions/?owner=ali")
    expect(numbers.locator("#n-live")).to_have_text("0 live sessions")
    alice = visit(ALICE)
    session = alice.connect(PATTERN)
    expect(numbers.locator("#n-live")).to_have_text("1 live session")
    row = listed.locator(f"tr[data-session='{session}']")
    expect(row).to_contain_text("1 viewer")
    for page in (numbers, listed):
        expect(page.locator("body")).to_have_attribute("data-live-by", "socket")
    site.stop_session(ALICE, session)
    expect(row).to_have_count(0)
    expect(listed.get_by_text("No session fits all of that.")).to_be_visible()
    expect(numbers.locator("#n-live")).to_have_text("0 live sessions")


def test_during_maintenance_open_viewers_go_on_and_pages_say_why_they_are_closed(
    own_site: BrowserSite, visit: Visits, guard: Guard
) -> None:
    guard.announce(r"status of 503")
    own_site.start()
    alice = visit(ALICE, at=own_site)
    alice.connect(PATTERN)
    picker = alice.new_tab("/")
    staff = visit(MANAGER, at=own_site).open("/dashboard/site/")
    staff.get_by_label("What users read").fill("New disks until noon.")
    staff.get_by_role("button", name="Close the pages").click()
    expect(staff.get_by_role("region", name="Maintenance").first).to_contain_text("New disks until noon.")

    expect(picker.get_by_role("heading", name="Closed for maintenance")).to_be_visible()
    expect(picker.get_by_text("New disks until noon.")).to_be_visible()
    wait_for_state(alice.page, "connected")

    staff.get_by_role("button", name="Open the pages").click()
    picker.get_by_role("link", name="Try again").click()
    expect(picker.get_by_role("heading", name="Start a session")).to_be_visible()


def test_a_blocked_user_is_out_at_once(own_site: BrowserSite, visit: Visits, guard: Guard) -> None:
    guard.announce(REFUSED_PAGE)
    guard.announce(REFUSED_SOCKET)
    own_site.start()
    alice = visit(ALICE, at=own_site)
    session = alice.connect(PATTERN)
    staff = visit(MANAGER, at=own_site).open("/dashboard/users/")
    staff.get_by_role("link", name="Block").click()
    staff.get_by_label("Reason").fill("The account was stolen.")
    staff.get_by_role("button", name="Block the user").click()
    said(staff, "“alice” is blocked, and 1 session is being ended.")
    expect(alice.new_tab("/").get_by_role("heading", name="Log in")).to_be_visible()
    staff.goto("/dashboard/sessions/?state=any")
    row = staff.locator(f"tr[data-session='{session}']")
    expect(row).to_contain_text("It was stopped by staff. The account was stolen.")
