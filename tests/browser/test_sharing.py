"""Letting others in: the owner's panel, the link's page, what guests see, and staff who say why."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.guard import REFUSED_PAGE, REFUSED_SOCKET, Guard
from tests.browser.served import ALICE, BOB, CHARLIE, MEMBERS, NOBODY, PATTERN, ROOT, BrowserSite
from tests.browser.sharing import (
    NO_LINK,
    Shared,
    accept,
    expect_sent_away,
    hand_control_over_and_take_it_back,
    log_in_over_the_link,
    make_link,
    open_panel,
    share_session,
)
from tests.browser.test_accessibility import check
from tests.browser.visitor import session_path, show_toolbar, viewer, wait_for_screen, wait_for_state
from tests.browser.visits import Visits

NOWHERE = "This link leads nowhere"


def shared(site: BrowserSite, visit: Visits, **fields: str) -> Shared:
    """Alice shares a session of a type that has a group."""
    return share_session(site, visit, MEMBERS, **fields)


# ---- the whole story ----------------------------------------------------------------------------------------


def test_an_owner_lets_somebody_look_hands_control_over_and_throws_them_out(visit: Visits, guard: Guard) -> None:
    alice, bob = visit(ALICE), visit(BOB)
    session = alice.connect(MEMBERS)
    open_panel(alice.page)
    expect(alice.page.locator("#shares")).to_contain_text("Nobody else looks at this session, and it is not shared.")
    link = make_link(alice.page, user=BOB)
    secret = link.partition("#")[2]
    expect(alice.page.locator("#shares .share")).to_contain_text("Nobody has accepted it yet.")

    page = bob.open(link)
    expect(page.locator("#share-offer")).to_contain_text("alice lets you in to the session “For members”.")
    expect(page.locator("#share-offer")).to_contain_text("You may look at it; what you type and click does not reach")
    assert "#" not in page.url
    accept(page)
    assert page.url.endswith(session_path(session))
    expect(alice.page.locator("#watchers")).to_contain_text("1")
    expect(alice.page.get_by_text("bob looks at this session now.")).to_be_visible()
    expect(alice.page.locator("#shares .share")).to_contain_text("Accepted by: bob (looking now)")
    hand_control_over_and_take_it_back(alice.page, page)

    guard.announce(REFUSED_PAGE)
    expect(alice.page.get_by_label("The link")).to_have_value(link)
    alice.page.get_by_role("button", name="Revoke").click()
    expect_sent_away(page)
    expect(alice.page.locator("#share-made")).to_be_hidden()
    expect(alice.page.locator("#shares")).to_contain_text("Nobody else looks at this session, and it is not shared.")
    assert viewer(alice.page, "state") == "connected"
    assert not [address for address in guard.asked if secret in address]


def test_of_two_who_hold_one_link_the_owner_hands_control_to_one_and_sends_one_away(
    site: BrowserSite, visit: Visits, guard: Guard
) -> None:
    alice, session, link = share_session(site, visit, PATTERN)
    bob, charlie = (accept(visit(name).open(link)) for name in (BOB, CHARLIE))
    open_panel(alice.page)
    row = alice.page.locator("#shares .person", has_text=BOB)
    expect(row).to_contain_text("looks only")

    row.get_by_role("button", name="Give control").click()
    expect(bob.locator("#viewer")).to_have_attribute("data-control", "true")
    expect(row).to_contain_text("may type and click")
    wait_for_screen(bob)
    bob.reload()
    wait_for_screen(bob)
    assert viewer(bob, "rfb.viewOnly") is False
    assert viewer(charlie, "rfb.viewOnly") is True

    row.get_by_role("button", name="Take control back").click()
    expect(bob.locator("#viewer")).to_have_attribute("data-control", "false")
    wait_for_screen(bob)

    guard.announce(REFUSED_PAGE)
    row.get_by_role("button", name="Send away").click()
    expect_sent_away(bob)
    expect(row).to_contain_text("sent away")
    assert viewer(charlie, "state") == "connected"
    details = alice.open(f"{session_path(session)}details/")
    row = details.locator("#shares .person", has_text=BOB)
    row.get_by_role("button", name="Let in again").click()
    expect(row.get_by_role("button", name="Give control")).to_be_visible()
    bob.reload()
    wait_for_screen(bob)


def test_what_is_shared_appears_on_the_first_page_and_goes_with_it(
    site: BrowserSite, visit: Visits, guard: Guard
) -> None:
    guard.announce(REFUSED_PAGE)
    bob = visit(BOB)
    page = bob.open()
    expect(page.get_by_role("heading", name="Shared with you")).to_be_hidden()
    alice, _session, link = shared(site, visit)
    accept(bob.new_tab(link))
    card = page.locator("#shared-list .card")
    expect(card).to_contain_text("alice")
    expect(card).to_contain_text("look only")
    expect(card.get_by_role("link", name="Open")).to_be_visible()

    open_panel(alice.page)
    alice.page.get_by_role("button", name="Revoke").click()
    expect(card).to_have_count(0)
    expect(page.get_by_role("heading", name="Shared with you")).to_be_hidden()


def test_a_guest_is_told_that_the_session_is_over(site: BrowserSite, visit: Visits, guard: Guard) -> None:
    guard.announce(REFUSED_PAGE)
    _alice, session, link = shared(site, visit)
    page = accept(visit(BOB).open(link))
    site.stop_session(ALICE, session)
    expect(page.get_by_role("heading", name="The session is over")).to_be_visible()
    expect(page.locator("#notice-reason")).to_have_text("It was stopped by its user.")


# ---- the link's page ----------------------------------------------------------------------------------------


def test_a_link_waits_over_the_login(site: BrowserSite, visit: Visits) -> None:
    _alice, _session, link = shared(site, visit)
    page = visit(NOBODY).open(link)
    expect(page.get_by_text("Log in to see what was shared with you.")).to_be_visible()
    assert "#" not in page.url
    log_in_over_the_link(page, BOB)
    accept(page)
    assert page.evaluate("sessionStorage.getItem('share')") is None


def test_the_offer_outlives_a_reload_until_it_is_accepted(site: BrowserSite, visit: Visits) -> None:
    _alice, _session, link = shared(site, visit)
    page = visit(BOB).open(link)
    expect(page.locator("#share-offer")).to_be_visible()
    page.reload()
    expect(page.locator("#share-offer")).to_be_visible()
    assert "#" not in page.url
    accept(page)
    assert page.evaluate("sessionStorage.getItem('share')") is None


def test_who_it_is_not_for_is_told_as_little_as_for_a_wrong_link(
    site: BrowserSite, visit: Visits, guard: Guard
) -> None:
    guard.announce(REFUSED_PAGE)
    _alice, _session, link = shared(site, visit)
    for wrong in (link, NO_LINK):
        page = visit(CHARLIE).open(wrong)
        expect(page.locator("#share-refused")).to_contain_text(NOWHERE)
        expect(page.get_by_role("button", name="Open the session")).to_be_hidden()
        assert page.evaluate("sessionStorage.getItem('share')") is None


def test_the_page_without_a_link_says_what_is_missing(visit: Visits) -> None:
    page = visit(BOB).open("/share/")
    expect(page.get_by_text("what is behind its # is missing here")).to_be_visible()


def test_another_link_in_the_same_tab_is_asked_about_anew(site: BrowserSite, visit: Visits, guard: Guard) -> None:
    guard.announce(REFUSED_PAGE)
    _alice, _session, link = shared(site, visit)
    page = visit(BOB).open(NO_LINK)
    expect(page.locator("#share-refused")).to_be_visible()
    page.evaluate("(link) => { location.href = link; }", link)
    expect(page.locator("#share-offer")).to_be_visible()


def test_one_link_more_stays_in_view_when_another_share_is_revoked(site: BrowserSite, visit: Visits) -> None:
    alice, _session, _link = shared(site, visit)
    open_panel(alice.page)
    link = make_link(alice.page, user=BOB)
    expect(alice.page.locator("#shares .share")).to_have_count(2)
    alice.page.locator(".share", has_text="all who have the link").get_by_role("button", name="Revoke").click()
    expect(alice.page.locator("#shares .share")).to_have_count(1)
    expect(alice.page.get_by_label("The link")).to_have_value(link)
    expect(alice.page.get_by_label("The link")).to_be_visible()


# ---- the form -----------------------------------------------------------------------------------------------


def test_a_link_is_made_with_the_keyboard_alone(visit: Visits, guard: Guard) -> None:
    guard.announce(REFUSED_PAGE)
    alice = visit(ALICE)
    alice.connect(MEMBERS)
    page = alice.page
    show_toolbar(page)
    page.locator("#tool-share > summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("They may", exact=True)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("textbox", name="User name")).to_be_focused()
    page.keyboard.type(CHARLIE)
    page.keyboard.press("Enter")
    name = page.get_by_role("textbox", name="User name")
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(name).to_be_focused()
    expect(page.get_by_text("“charlie” may not see sessions of this type.")).to_be_visible()
    name.fill("")
    page.keyboard.type(BOB)
    page.keyboard.press("Enter")
    expect(page.get_by_label("The link")).to_be_focused()
    assert re.fullmatch(r"http://[^/]+/share/#[\w-]{43}", page.get_by_label("The link").input_value())
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#share-note")).to_have_text(re.compile(r"Copied\.|Select the link and copy it\."))
    page.keyboard.press("Escape")
    expect(page.locator("#tool-share > summary")).to_be_focused()


def test_it_asks_only_for_what_the_choice_needs(visit: Visits) -> None:
    alice = visit(ALICE)
    session = alice.start(MEMBERS)
    page = alice.open(f"{session_path(session)}details/")
    page.get_by_role("link", name="Share").click()
    audience = page.get_by_label("For", exact=True)
    seen = {}
    for choice in ("one user", "a group of yours", "all who may use this type"):
        audience.select_option(choice)
        labels = ("User name", "Group", "People who may accept it")
        seen[choice] = [label for label in labels if page.get_by_label(label, exact=True).is_visible()]
    assert seen == {
        "one user": ["User name"],
        "a group of yours": ["Group", "People who may accept it"],
        "all who may use this type": ["People who may accept it"],
    }
    make_link(page)
    expect(page.locator("#shares .share")).to_contain_text("all who have the link")


@pytest.mark.parametrize("width", [1280, 360])
def test_each_choice_beside_the_screen_has_the_whole_width_to_say_itself(visit: Visits, width: int) -> None:
    alice = visit(ALICE)
    alice.connect(MEMBERS)
    alice.page.set_viewport_size({"width": width, "height": 800})
    open_panel(alice.page)
    form = alice.page.locator("#share-make").bounding_box()
    assert form is not None
    for label in ("They may", "For", "It counts"):
        box = alice.page.get_by_label(label, exact=True).bounding_box()
        assert box is not None
        assert box["width"] == pytest.approx(form["width"], abs=2)


# ---- staff --------------------------------------------------------------------------------------------------


def test_staff_says_why_and_the_owner_reads_it_beside_the_screen(visit: Visits) -> None:
    alice, root = visit(ALICE), visit(ROOT)
    session = alice.connect(MEMBERS)
    page = root.open(session_path(session))
    expect(page.locator("#screen")).to_have_count(0)
    expect(page.locator("#watch-rights")).to_contain_text("What you type and click reaches it")
    page.get_by_label("Reason").fill("Ticket 4711")
    page.get_by_role("button", name="Look at it").click()
    wait_for_state(page, "connected")

    expect(alice.page.get_by_text("root, of the staff, looks, and may type and click: “Ticket 4711”")).to_be_visible()
    open_panel(alice.page)
    root_s = alice.page.locator("#shares .person")
    expect(root_s.locator("p")).to_have_text([re.compile(r"root\s+may type and click"), "Staff: “Ticket 4711”"])


@pytest.mark.parametrize("width", [1280, 360])
def test_what_is_said_over_the_screen_does_not_lie_on_the_open_panel(visit: Visits, width: int) -> None:
    alice, bob = visit(ALICE), visit(BOB)
    alice.connect(MEMBERS)
    alice.page.set_viewport_size({"width": width, "height": 800})
    open_panel(alice.page)
    link = make_link(alice.page)
    accept(bob.open(link))
    said = alice.page.get_by_text("bob looks at this session now.")
    expect(said).to_be_visible()
    message, panel = said.bounding_box(), alice.page.locator("#tool-share .tool-panel").bounding_box()
    assert message is not None and panel is not None
    beside = message["x"] + message["width"] <= panel["x"]
    below = panel["y"] + panel["height"] <= message["y"]
    assert beside or below, (message, panel)


def test_staff_is_asked_again_when_the_reason_counts_no_more(site: BrowserSite, visit: Visits) -> None:
    alice, root = visit(ALICE), visit(ROOT)
    session = alice.connect(MEMBERS)
    site.say_why(ROOT, session)
    page = root.open(session_path(session))
    wait_for_state(page, "connected")
    site.write("UPDATE remote_service_stafflook SET at = '2026-01-01 00:00:00'")
    expect(page.get_by_label("Reason")).to_be_visible()
    assert viewer(alice.page, "state") == "connected"


# ---- accessibility ------------------------------------------------------------------------------------------


def offered(site: BrowserSite, visit: Visits) -> Page:
    _alice, _session, link = shared(site, visit)
    page = visit(BOB).open(link)
    expect(page.locator("#share-offer")).to_be_visible()
    return page


def refused(site: BrowserSite, visit: Visits) -> Page:
    page = visit(BOB).open(NO_LINK)
    expect(page.locator("#share-refused")).to_be_visible()
    return page


def before_the_login(site: BrowserSite, visit: Visits) -> Page:
    return visit(NOBODY).open(NO_LINK)


def asked_why(site: BrowserSite, visit: Visits) -> Page:
    session = visit(ALICE).start(MEMBERS)
    return visit(ROOT).open(session_path(session))


def panel_with_everything(site: BrowserSite, visit: Visits) -> Page:
    alice, _session, link = shared(site, visit, control="control")
    accept(visit(BOB).open(link))
    open_panel(alice.page)
    make_link(alice.page, user=BOB)
    expect(alice.page.locator("#shares .share")).to_have_count(2)
    return alice.page


def details_with_everything(site: BrowserSite, visit: Visits) -> Page:
    alice, session, link = shared(site, visit)
    accept(visit(BOB).open(link))
    page = alice.new_tab(f"{session_path(session)}details/")
    make_link(page, user=BOB)
    return page


def picker_with_a_shared_session(site: BrowserSite, visit: Visits) -> Page:
    _alice, _session, link = shared(site, visit)
    bob = visit(BOB)
    accept(bob.open(link))
    return bob.new_tab("/")


@pytest.mark.parametrize(
    "opened",
    [
        offered, refused, before_the_login, asked_why, panel_with_everything, details_with_everything,
        picker_with_a_shared_session,
    ],
    ids=lambda page: page.__name__,
)  # fmt: skip
def test_axe_finds_no_violation(site: BrowserSite, visit: Visits, guard: Guard, opened: object) -> None:
    guard.announce(REFUSED_PAGE)
    guard.announce(REFUSED_SOCKET)
    assert callable(opened)
    check(opened(site, visit))
