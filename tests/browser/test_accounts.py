"""Logging in and out, and passwords."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.guard import REFUSED_PAGE, Guard
from tests.browser.served import ALICE, BOB, CHANGING, FORGETFUL, NOBODY, PATTERN, BrowserSite
from tests.browser.visitor import Visitor, session_path, wait_for_state
from tests.browser.visits import Visits
from tests.integration.pages import PASSWORD

NEW_PASSWORD = "tomorrow's other phrase"


@pytest.fixture
def fresh_alice(site: BrowserSite, visit: Visits) -> Visitor:
    """Alice with a login that no other test uses."""
    alice = visit(NOBODY)
    alice.log_in(ALICE)
    return alice


def test_ten_wrong_passwords_lock_the_name_for_this_address_and_nobody_else(visit: Visits, guard: Guard) -> None:
    visitor = visit(NOBODY)
    page = visitor.page
    for _ in range(9):
        visitor.enter(FORGETFUL, "not this one")
        expect(page.get_by_role("alert")).to_contain_text("Please enter a correct username and password.")

    guard.announce(REFUSED_PAGE)
    for password in ("not this one", PASSWORD):
        with page.expect_response(lambda response: response.request.method == "POST") as answered:
            visitor.enter(FORGETFUL, password)
        assert answered.value.status == 429
        expect(page.get_by_role("heading", name="Locked for a few minutes")).to_be_visible()
        assert password not in page.content()
    visitor.log_in(BOB)


def test_a_changed_password_is_the_one_that_counts(visit: Visits) -> None:
    visitor = visit(NOBODY)
    visitor.log_in(CHANGING)
    page = visitor.page
    page.locator("summary", has_text=CHANGING).click()
    page.get_by_role("link", name="Change password").click()
    page.get_by_label("Old password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("New password confirmation").fill("another one")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("The two password fields didn\N{RIGHT SINGLE QUOTATION MARK}t match.")).to_be_visible()

    page.get_by_label("Old password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("New password confirmation").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Your password was changed.")).to_be_visible()

    again = visit(NOBODY)
    again.enter(CHANGING, PASSWORD)
    expect(again.page.get_by_role("alert")).to_be_visible()
    again.log_in(CHANGING, NEW_PASSWORD)


def test_logging_out_closes_the_viewers_of_that_login(site: BrowserSite, visit: Visits, fresh_alice: Visitor) -> None:
    elsewhere = visit(ALICE)
    session = elsewhere.connect(PATTERN)
    here = fresh_alice.new_tab(session_path(session))
    wait_for_state(here, "connected")

    page = fresh_alice.open()
    page.locator("summary", has_text=ALICE).click()
    page.get_by_role("button", name="Log out").click()

    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    notice = here.get_by_role("region", name="You are logged out")
    expect(notice).to_contain_text("Log in again to get back to the session, which may still be running.")
    assert here.evaluate("window.__viewer.lastClose.code") == 4001
    wait_for_state(elsewhere.page, "connected")

    notice.get_by_role("link", name="Log in").click()
    here.get_by_label("Username").fill(ALICE)
    here.get_by_label("Password").fill(PASSWORD)
    here.get_by_role("button", name="Log in").click()
    wait_for_state(here, "connected")
    assert here.url.endswith(session_path(session))


def test_a_page_asked_for_before_logging_in_is_shown_after_it(visit: Visits) -> None:
    visitor = visit(NOBODY)
    page = visitor.open("/password/")
    expect(page.get_by_text("Log in to see the page that you asked for.")).to_be_visible()
    page.get_by_label("Username").fill(BOB)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Change password")).to_be_visible()
