"""Pages follow what happens elsewhere, by their websocket, without taking anything from who reads them."""

from __future__ import annotations

import time

from playwright.sync_api import Page, expect

from tests.browser.guard import NO_SERVER, Guard
from tests.browser.served import ALICE, BOB, CHARLIE, JOB, MEMBERS, PATTERN, ROOT, BrowserSite
from tests.browser.visitor import wait_for_end, wait_for_screen
from tests.browser.visits import Visits
from tests.waiting import eventually

FALLBACK = 30.0
"""Seconds between two polls: what is there sooner has come by the websocket."""


def listening(page: Page) -> None:
    """Waits until the page has its websocket."""
    expect(page.locator("body")).to_have_attribute("data-live", "socket")


def by(page: Page, way: str) -> None:
    expect(page.locator("body")).to_have_attribute("data-live-by", way)


def test_what_happens_on_one_page_is_on_another_by_websocket(site: BrowserSite, visit: Visits) -> None:
    alice, bob = visit(ALICE), visit(BOB)
    listening(alice.open())
    listening(bob.open())
    bob_sees = bob.type_card(PATTERN)
    expect(bob_sees).to_contain_text("3 of 3 free")
    watching = alice.new_tab("/")
    listening(watching)

    began = time.monotonic()
    session = alice.start(PATTERN)
    expect(alice.session_card(session, watching)).to_contain_text("Running")
    expect(bob_sees).to_contain_text("2 of 3 free")
    assert time.monotonic() - began < FALLBACK / 2

    by(watching, "socket")
    by(bob.page, "socket")
    expect(alice.session_card(session, bob.page)).to_have_count(0)
    wait_for_screen(alice.page)
    expect(alice.session_card(session, watching)).to_contain_text("1 viewer")
    expect(watching.locator("#announcements")).to_have_text(f"{PATTERN}: Running")


def test_a_card_says_when_its_session_ends_after_the_last_viewer_has_gone(site: BrowserSite, visit: Visits) -> None:
    alice = visit(ALICE)
    session = alice.connect(JOB)
    watching = alice.new_tab("/")
    listening(watching)
    card = alice.session_card(session, watching)
    expect(card).to_contain_text("1 viewer")

    alice.page.goto("about:blank")

    expect(card.get_by_text("unless you open it")).to_be_visible()
    expect(card.get_by_text("Ends in")).to_be_visible()
    expect(card).to_have_count(0)
    expect(watching.get_by_text("Its last viewer left.").first).to_be_visible()


def test_the_focus_and_what_is_entered_stay_while_the_page_changes(site: BrowserSite, visit: Visits) -> None:
    alice, bob = visit(ALICE), visit(BOB)
    page = alice.open()
    listening(page)
    form = alice.type_card(PATTERN)
    form.get_by_label("Name of the session").fill("half a na")
    form.get_by_label("Size").select_option("800x600")
    start = form.get_by_role("button", name="Start")
    start.focus()

    bob.start(PATTERN)
    expect(form).to_contain_text("2 of 3 free")
    other = alice.new_tab("/")
    alice.page, page = other, alice.page
    session = alice.start(PATTERN, "640x480")
    expect(alice.session_card(session, page)).to_be_visible()
    expect(form).to_contain_text("1 of 3 free")

    expect(start).to_be_focused()
    expect(form.get_by_label("Name of the session")).to_have_value("half a na")
    expect(form.get_by_label("Size")).to_have_value("800x600")


def test_when_the_focused_card_goes_the_focus_goes_to_its_heading(site: BrowserSite, visit: Visits) -> None:
    alice = visit(ALICE)
    session = alice.connect(PATTERN)
    watching = alice.new_tab("/")
    listening(watching)
    alice.session_card(session, watching).get_by_role("link", name="Open").focus()

    site.end_all_sessions()

    expect(alice.session_card(session, watching)).to_have_count(0)
    expect(watching.get_by_role("heading", name="Your sessions")).to_be_focused()


def test_a_reader_who_is_logged_out_elsewhere_is_led_to_the_login_page(own_site: BrowserSite, visit: Visits) -> None:
    own_site.start()
    alice = visit(ALICE, at=own_site)
    listening(alice.open())
    own_site.manage("shell", "-c", "from django.contrib.sessions.models import Session; Session.objects.all().delete()")

    expect(alice.page.get_by_role("button", name="Log in")).to_be_visible()


def test_a_page_finds_the_server_again_and_what_changed_meanwhile(
    own_site: BrowserSite, visit: Visits, guard: Guard
) -> None:
    own_site.start()
    alice = visit(ALICE, at=own_site)
    listening(alice.open())
    guard.announce(NO_SERVER)
    own_site.stop()
    expect(alice.page.locator("body")).not_to_have_attribute("data-live", "socket")
    own_site.start()
    listening(alice.page)


def test_types_are_found_as_one_types(site: BrowserSite, visit: Visits) -> None:
    alice = visit(ALICE)
    page = alice.open()
    find = page.get_by_label("Find a type")
    find.press_sequentially("mov pict")

    expect(alice.type_card(PATTERN)).to_be_visible()
    expect(alice.type_card(MEMBERS)).to_be_hidden()
    expect(page.locator("#announcements")).to_have_text("1 type found")
    find.fill("nothing like it")
    expect(page.locator("#find-count")).to_have_text("No type found. Escape shows all again.")
    find.press("Escape")
    expect(find).to_have_value("")
    expect(find).to_be_focused()
    expect(alice.type_card(MEMBERS)).to_be_visible()


def test_a_session_is_started_again_as_it_was(site: BrowserSite, visit: Visits) -> None:
    alice = visit(ALICE)
    alice.open()
    alice.type_card(PATTERN).get_by_label("Name of the session").fill("Wing")
    alice.press_start(PATTERN, "800x600")
    wait_for_screen(alice.page)
    site.end_all_sessions()
    wait_for_end(alice.page, "It was stopped by staff.")
    page = alice.open()

    page.get_by_role("region", name="Ended within a day").get_by_role("button", name="Start again").first.click()

    shown = wait_for_screen(page)
    assert (shown.width, shown.height) == (800, 600)
    alice.open()
    expect(page.locator(".card.session")).to_contain_text(["Wing"])


def test_a_link_fills_the_form_in_and_the_form_starts(site: BrowserSite, visit: Visits) -> None:
    alice = visit(ALICE)
    page = alice.open("/launch/Batch%20job?size=800x600&field-memory=3&field-notify=true&field-address=a@b.example&x=1")
    listening(page)
    expect(page.get_by_text("this was left out: x.")).to_be_visible()
    form = alice.type_card(JOB)
    expect(form.get_by_label("Memory")).to_have_value("3")
    expect(form.get_by_label("Mail address")).to_have_value("a@b.example")
    assert site.live() == []
    form.get_by_role("button", name="Start").click()
    wait_for_screen(page)


def test_who_may_not_use_a_type_gets_no_link_to_it(site: BrowserSite, visit: Visits, guard: Guard) -> None:
    guard.announce(r"status of 404")
    charlie = visit(CHARLIE)
    charlie.open("/launch/For%20members")
    expect(charlie.page.get_by_role("heading", level=1)).to_be_visible()
    expect(charlie.page.get_by_role("form", name=MEMBERS)).to_have_count(0)


def test_a_page_that_cannot_listen_asks_instead(site: BrowserSite, visit: Visits) -> None:
    alice, root = visit(ALICE), visit(ROOT)
    page = alice.page
    page.route_web_socket("**/live/**", lambda socket: socket.close())
    page.goto("/")
    session = root.start(PATTERN)
    assert session in site.live()

    expect(alice.type_card(PATTERN)).to_contain_text("2 of 3 free")

    by(page, "poll")
    eventually(lambda: page.locator("body").get_attribute("data-live") == "poll", within=5)
