"""People without an account: the link, the screen that they see, what their owner sees of them, and the end of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.guard import REFUSED_PAGE, REFUSED_SOCKET, Guard
from tests.browser.served import ALICE, BOB, CHARLIE, MEMBERS, NOBODY, PATTERN, BrowserSite, browser_site
from tests.browser.test_accessibility import check
from tests.browser.test_sharing import open_panel
from tests.browser.visitor import Visitor, session_path, show_toolbar, viewer, wait_for_screen
from tests.browser.visits import Visits

WITHOUT_ACCOUNT = "guests without an account"
AT_ONCE = 2.0
"""Seconds until a guest who was thrown out sees nothing any more; a browser gets some more to say so."""


@pytest.fixture(scope="module")
def running_guest_site(template: Path) -> Iterator[BrowserSite]:
    with browser_site(template, [PATTERN, MEMBERS]) as site:
        site.environment["REMOTE_SERVICE_GUESTS"] = "1"
        site.start()
        yield site


@pytest.fixture
def guest_site(running_guest_site: BrowserSite) -> Iterator[BrowserSite]:
    """A site that lets guests in, without any session of another test."""
    yield running_guest_site
    running_guest_site.end_all_sessions()


def shared(site: BrowserSite, visit: Visits, **fields: str) -> tuple[Visitor, str, str]:
    """Alice at a session that runs, its id, and a link to it for guests."""
    alice = visit(ALICE, at=site)
    session = alice.connect(PATTERN)
    return alice, session, f"/share/#{site.share(ALICE, session, **{'audience': 'guests', **fields})}"


def come(guest: Visitor, link: str, name: str = "") -> Page:
    """Opens a link and says yes, by this name."""
    page = guest.open(link)
    page.get_by_label("Your name, if you like").fill(name)
    page.get_by_role("button", name="Open the session").click()
    wait_for_screen(page)
    return page


# ---- the whole story ----------------------------------------------------------------------------------------


def test_an_owner_lets_a_guest_look_hands_control_over_and_throws_them_out(
    guest_site: BrowserSite, visit: Visits, guard: Guard
) -> None:
    alice, maria = visit(ALICE, at=guest_site), visit(NOBODY, at=guest_site)
    session = alice.connect(PATTERN)
    open_panel(alice.page)
    warning = alice.page.get_by_text("Whoever gets hold of this link is let in.")
    expect(warning).to_be_hidden()
    alice.page.get_by_label("For", exact=True).select_option(WITHOUT_ACCOUNT)
    expect(warning).to_be_visible()
    expect(alice.page.get_by_label("People who may accept it")).to_be_visible()
    alice.page.get_by_role("button", name="Make the link").click()
    expect(alice.page.get_by_label("The link")).to_be_focused()
    link = alice.page.get_by_label("The link").input_value()
    expect(alice.page.locator("#shares .share")).to_contain_text("guests, and all who have the link")

    page = maria.open(link)
    expect(page.locator("#share-offer")).to_contain_text("alice lets you in to the session “Pattern”.")
    expect(page.locator("#share-offer")).to_contain_text("You come as a guest, with this browser")
    assert "#" not in page.url
    page.get_by_label("Your name, if you like").fill("Maria <b>")
    page.get_by_role("button", name="Open the session").click()
    wait_for_screen(page)
    assert page.url.endswith(session_path(session))
    assert viewer(page, "rfb.viewOnly") is True
    expect(alice.page.get_by_text("guest “Maria <b>” looks at this session now.")).to_be_visible()
    expect(alice.page.locator("#watchers")).to_contain_text("1")
    expect(alice.page.locator("#shares .share")).to_contain_text("Accepted by: guest “Maria <b>” (looking now)")

    alice.page.get_by_role("button", name="Give control", exact=True).click()
    expect(page.locator("#viewer")).to_have_attribute("data-control", "true")
    wait_for_screen(page)
    assert viewer(page, "rfb.viewOnly") is False
    alice.page.get_by_role("button", name="Take control back", exact=True).click()
    expect(page.locator("#viewer")).to_have_attribute("data-control", "false")
    wait_for_screen(page)

    guard.announce(REFUSED_PAGE)
    began = time.monotonic()
    alice.page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("heading", name="This session is not there for you")).to_be_visible()
    assert time.monotonic() - began < AT_ONCE + 1
    expect(page.get_by_role("link", name="Log in")).to_have_count(0)
    assert viewer(alice.page, "state") == "connected"
    assert not [address for address in guard.asked if link.partition("#")[2] in address]


def test_nobody_else_gets_in_by_it(guest_site: BrowserSite, visit: Visits, guard: Guard) -> None:
    guard.announce(REFUSED_PAGE)
    _alice, session, link = shared(guest_site, visit, most_uses="1")
    come(visit(NOBODY, at=guest_site), link)

    stranger = visit(NOBODY, at=guest_site).open(session_path(session))
    expect(stranger.get_by_label("Password")).to_be_visible()
    stranger.goto(link)
    expect(stranger.locator("#share-log-in")).to_contain_text("Without an account this link does not let you in")
    expect(stranger.get_by_role("button", name="Open the session")).to_be_hidden()
    charlie = visit(CHARLIE, at=guest_site).open(session_path(session))
    expect(charlie.get_by_role("heading", name="There is no such page")).to_be_visible()
    charlie.goto(link)
    expect(charlie.locator("#share-refused")).to_contain_text("This link leads nowhere")


def test_a_guest_finds_no_other_page_and_comes_back_by_the_links(
    guest_site: BrowserSite, visit: Visits, guard: Guard
) -> None:
    _alice, session, link = shared(guest_site, visit)
    page = come(visit(NOBODY, at=guest_site), link)
    show_toolbar(page)
    for tool in ("Share", "Stop"):
        expect(page.get_by_title(tool, exact=True)).to_have_count(0)
    page.locator("#tool-leave").click()
    expect(page.get_by_text("With this browser you are a guest.")).to_be_visible()
    page.get_by_role("link", name="Open “Pattern” of alice").click()
    wait_for_screen(page)
    assert page.url.endswith(session_path(session))
    page.goto("/")
    expect(page.get_by_label("Password")).to_be_visible()


def test_a_guest_is_told_that_the_session_is_over(guest_site: BrowserSite, visit: Visits, guard: Guard) -> None:
    guard.announce(REFUSED_PAGE)
    _alice, session, link = shared(guest_site, visit)
    page = come(visit(NOBODY, at=guest_site), link)
    guest_site.stop_session(ALICE, session)
    expect(page.get_by_role("heading", name="The session is over")).to_be_visible()


def test_two_guests_without_names_are_two(guest_site: BrowserSite, visit: Visits) -> None:
    alice, _session, link = shared(guest_site, visit)
    for number in ("1", "2"):
        come(visit(NOBODY, at=guest_site), link)
        expect(alice.page.locator("#watchers")).to_contain_text(number)
        expect(alice.page.locator("#viewer-message")).to_have_text("a guest looks at this session now.")


# ---- with an account ----------------------------------------------------------------------------------------


def test_who_has_an_account_logs_in_over_a_link_for_users(guest_site: BrowserSite, visit: Visits, guard: Guard) -> None:
    guard.announce(REFUSED_PAGE)
    _alice, _session, link = shared(guest_site, visit, audience="user", user=BOB)
    page = visit(NOBODY, at=guest_site).open(link)
    expect(page.locator("#share-log-in")).to_contain_text("Log in to see what was shared with you.")
    page.locator("#share-login").click()
    page.get_by_label("Username").fill(BOB)
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Open the session").click()
    wait_for_screen(page)


# ---- where no guests may come -------------------------------------------------------------------------------


def test_no_type_with_a_group_offers_it(guest_site: BrowserSite, visit: Visits) -> None:
    alice = visit(ALICE, at=guest_site)
    alice.connect(MEMBERS)
    open_panel(alice.page)
    expect(alice.page.get_by_label("For", exact=True).get_by_role("option", name=WITHOUT_ACCOUNT)).to_have_count(0)


def test_no_site_does_that_lets_no_guests_in(site: BrowserSite, visit: Visits) -> None:
    alice = visit(ALICE)
    session = alice.connect(PATTERN)
    open_panel(alice.page)
    expect(alice.page.get_by_label("For", exact=True).get_by_role("option", name=WITHOUT_ACCOUNT)).to_have_count(0)
    page = visit(NOBODY).open(f"/share/#{site.share(ALICE, session)}")
    expect(page.get_by_text("Log in to see what was shared with you.")).to_be_visible()
    expect(page.get_by_role("button", name="Open the session")).to_have_count(0)


# ---- accessibility ------------------------------------------------------------------------------------------


def offered(site: BrowserSite, visit: Visits) -> Page:
    _alice, _session, link = shared(site, visit)
    page = visit(NOBODY, at=site).open(link)
    expect(page.locator("#share-offer")).to_be_visible()
    return page


def refused(site: BrowserSite, visit: Visits) -> Page:
    page = visit(NOBODY, at=site).open("/share/#nobody-has-this")
    expect(page.locator("#share-log-in")).to_be_visible()
    return page


def left(site: BrowserSite, visit: Visits) -> Page:
    _alice, _session, link = shared(site, visit)
    page = come(visit(NOBODY, at=site), link)
    page.goto("/share/")
    expect(page.locator("#guest-of")).to_be_visible()
    return page


def at_the_screen(site: BrowserSite, visit: Visits) -> Page:
    _alice, _session, link = shared(site, visit)
    page = come(visit(NOBODY, at=site), link, "Maria")
    show_toolbar(page)
    return page


def panel_with_guests(site: BrowserSite, visit: Visits) -> Page:
    alice, _session, link = shared(site, visit)
    for name in ("Maria", ""):
        come(visit(NOBODY, at=site), link, name)
    open_panel(alice.page)
    expect(alice.page.locator("#shares [data-watcher]")).to_have_count(2)
    return alice.page


@pytest.mark.parametrize(
    "opened", [offered, refused, left, at_the_screen, panel_with_guests], ids=lambda page: page.__name__
)
def test_axe_finds_no_violation(guest_site: BrowserSite, visit: Visits, guard: Guard, opened: object) -> None:
    guard.announce(REFUSED_PAGE)
    guard.announce(REFUSED_SOCKET)
    assert callable(opened)
    check(opened(guest_site, visit))
