"""The page of a session's details: its log grows while one looks, the reader's place is kept, and times are local."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.guard import REFUSED_PAGE, REFUSED_SOCKET, Guard
from tests.browser.served import ALICE, BOB, FAILING, JOB, PATTERN, ROOT, BrowserSite
from tests.browser.visitor import session_path, wait_for_end, wait_for_screen
from tests.browser.visits import Visits


def details_path(session: str) -> str:
    return f"{session_path(session)}details/"


def add_to_log(site: BrowserSite, session: str, text: str) -> None:
    """Writes into a session's log as its programs would."""
    with (site.state / "logs" / "sessions" / f"{session}.log").open("a") as file:
        file.write(text)


def scrolled(page: Page) -> float:
    """How far from its end the log is shown, in pixels."""
    return float(page.locator("#log").evaluate("(box) => box.scrollHeight - box.scrollTop - box.clientHeight"))


def test_the_card_leads_to_the_details_and_these_to_the_screen(site: BrowserSite, visit: Visits) -> None:
    alice = visit(ALICE)
    session = alice.start(JOB, "800x600")
    wait_for_screen(alice.page)
    picker = alice.new_tab("/")
    alice.session_card(session, picker).get_by_role("link", name="Details").click()
    expect(picker).to_have_url(f"{site.url}{details_path(session)}")
    options = picker.get_by_role("region", name="Started with")
    expect(options).to_contain_text("Memory")
    expect(options).to_contain_text("2 GB")
    expect(picker.get_by_role("region", name="Viewers")).to_contain_text("alice is looking")
    expect(picker.get_by_role("region", name="What happened")).to_contain_text("Its screen was there")
    picker.get_by_role("link", name="Open its screen").click()
    wait_for_screen(picker)


def test_the_log_grows_and_the_readers_place_is_kept(site: BrowserSite, visit: Visits) -> None:
    alice = visit(ALICE)
    session = alice.connect(PATTERN)
    page = alice.new_tab(details_path(session))
    log = page.get_by_role("log")
    expect(page.get_by_text("New lines appear by themselves.")).to_be_visible()

    add_to_log(site, session, "".join(f"line {number}\n" for number in range(200)) + "half a ")
    expect(log).to_contain_text("line 199")
    expect(log).not_to_contain_text("half a")
    assert scrolled(page) < 32

    log.evaluate("(box) => { box.scrollTop = 0; }")
    add_to_log(site, session, "line <b>&\x1b[31m red\x1b[0m\n")
    expect(log).to_contain_text("half a line <b>& red")
    assert log.evaluate("(box) => box.scrollTop") == 0
    assert log.inner_text().count("line 199\n") == 1


def test_a_paused_log_stands_still_until_one_goes_on(site: BrowserSite, visit: Visits) -> None:
    alice = visit(ALICE)
    session = alice.connect(PATTERN)
    page = alice.new_tab(details_path(session))
    log = page.get_by_role("log")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused.")).to_be_visible()
    add_to_log(site, session, "while it was paused\n")
    page.wait_for_timeout(2500)
    expect(log).not_to_contain_text("while it was paused")
    page.get_by_role("button", name="Go on").click()
    expect(log).to_contain_text("while it was paused")


def test_the_page_follows_the_session_to_its_end(site: BrowserSite, visit: Visits) -> None:
    alice = visit(ALICE)
    session = alice.connect(PATTERN)
    alice.page.close()
    page = alice.new_tab(details_path(session))
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Stop the session").click()
    page.wait_for_url(f"{site.url}/")
    page.goto(details_path(session))
    expect(page.get_by_text("It was stopped by its user.").first).to_be_visible()
    expect(page.get_by_role("region", name="What happened")).to_contain_text("It had ended")
    expect(page.get_by_text("The session is over; this is the end of its log.")).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)


def test_staff_see_addresses_and_a_stop_on_a_page_that_is_open_already(site: BrowserSite, visit: Visits) -> None:
    alice, root = visit(ALICE), visit(ROOT)
    session = alice.connect(PATTERN)
    hers = alice.new_tab(details_path(session))
    theirs = root.open(details_path(session))
    expect(theirs.get_by_role("region", name="Viewers")).to_contain_text("from 127.0.0.1")
    expect(hers.get_by_role("region", name="Viewers")).to_contain_text("alice is looking")
    expect(hers.locator("main")).not_to_contain_text("127.0.0.1")
    site.stop_session(ROOT, session)
    expect(hers.get_by_text("It was stopped by staff.").first).to_be_visible()
    expect(hers.get_by_text("The session is over; this is the end of its log.")).to_be_visible()


def test_times_are_those_of_the_reader(site: BrowserSite, visit: Visits) -> None:
    alice = visit(ALICE)
    session = alice.start(PATTERN)
    page = alice.new_tab(details_path(session))
    first = page.locator("time").first
    expect(first).not_to_contain_text("UTC")
    assert str(first.get_attribute("title")).endswith(" UTC")
    assert page.locator("time[data-local]").count() == 0


def test_the_page_of_a_session_that_is_over_has_the_same_parts(site: BrowserSite, visit: Visits, guard: Guard) -> None:
    guard.announce(REFUSED_SOCKET)
    alice = visit(ALICE)
    session = alice.start(FAILING)
    wait_for_end(alice.page, "It could not be started.")
    expect(alice.page.get_by_role("region", name="What happened")).to_contain_text("It had failed")
    alice.page.get_by_role("link", name="More of it, with all details").click()
    expect(alice.page).to_have_url(f"{site.url}{details_path(session)}")
    with alice.page.expect_download() as saved:
        alice.page.get_by_role("link", name="Download the whole log").click()
    assert saved.value.suggested_filename == f"session-{session[:8]}.log"


def test_anothers_details_are_not_there(site: BrowserSite, visit: Visits, guard: Guard) -> None:
    guard.announce(REFUSED_PAGE)
    session = visit(ALICE).start(PATTERN)
    page = visit(BOB).open(details_path(session))
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
