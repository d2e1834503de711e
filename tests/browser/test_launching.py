"""The launch form: what is entered is checked by the server and reaches the script, and survives a refusal."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Locator, expect

from tests.browser.guard import REFUSED_PAGE, Guard
from tests.browser.served import ALICE, BOB, JOB, PATTERN, ROOT, BrowserSite
from tests.browser.visitor import Visitor, wait_for_screen
from tests.browser.visits import Visits


def fill(form: Locator) -> None:
    """Fills Alice's job in."""
    form.get_by_label("Size").select_option("800x600")
    form.get_by_label("Memory").fill("3")
    form.get_by_label("Queue").select_option("long")
    form.get_by_label("Tell me by mail").check()
    form.get_by_label("Mail address").fill("a@b.example")


def given_to_script(site: BrowserSite, session: str) -> Any:
    """The options that the script was started with."""
    lines = site.session_log(session).splitlines()
    return json.loads(next(line for line in lines if line.startswith("options ")).removeprefix("options "))


def test_what_is_entered_reaches_the_script(site: BrowserSite, visit: Visits) -> None:
    alice = visit(ALICE)
    alice.open()
    form = alice.type_card(JOB)
    address = form.get_by_label("Mail address")
    form.get_by_label("Tell me by mail").uncheck()  # the form holds what she entered last
    expect(address).to_be_hidden()
    fill(form)
    expect(address).to_be_visible()

    session = send(alice)

    entered = {"memory": "3", "queue": "long", "notify": "true", "address": "a@b.example"}
    assert given_to_script(site, session) == {"size": "800x600", "username": "alice", **entered}


def test_what_the_form_hides_is_not_sent(site: BrowserSite, visit: Visits) -> None:
    alice = visit(ALICE)
    alice.open()
    form = alice.type_card(JOB)
    fill(form)
    form.get_by_label("Tell me by mail").uncheck()
    expect(form.get_by_label("Mail address")).to_be_hidden()

    session = send(alice)

    entered = {"memory": "3", "queue": "long", "notify": "false"}
    assert given_to_script(site, session) == {"size": "800x600", "username": "alice", **entered}


def send(visitor: Visitor) -> str:
    """Presses Start, waits for the screen, and returns the session's id."""
    visitor.press_start(JOB)
    wait_for_screen(visitor.page)
    return visitor.page.url.rstrip("/").rsplit("/", 1)[-1]


def test_the_server_says_beside_each_field_what_is_wrong_with_it(
    site: BrowserSite, visit: Visits, guard: Guard
) -> None:
    alice = visit(ALICE)
    alice.open()
    form = alice.type_card(JOB)
    fill(form)
    # Past the browser's own checks, which would not let this through.
    form.evaluate("(form) => { form.noValidate = true; }")
    form.get_by_label("Memory").fill("9")
    form.get_by_label("Mail address").fill("a@b")
    guard.announce(REFUSED_PAGE)
    alice.press_start(JOB)

    expect(alice.page.get_by_role("alert")).to_contain_text(f"“{JOB}” was not started.")
    memory, address = form.get_by_label("Memory"), form.get_by_label("Mail address")
    for field in (memory, address):
        expect(field).to_have_attribute("aria-invalid", "true")
    expect(memory).to_have_accessible_description('Memory: found "9"; expected a number from 1 to 8 GB.')
    expect(address).to_have_accessible_description('Mail address: found "a@b"; expected 5 to 256 printable characters.')
    expect(memory).to_be_focused()
    kept(form, memory="9", address="a@b")
    assert site.live() == []

    memory.fill("3")
    address.fill("a@b.example")
    send(alice)


def kept(form: Locator, *, memory: str, address: str) -> None:
    """The form holds what was entered."""
    expect(form.get_by_label("Size")).to_have_value("800x600")
    expect(form.get_by_label("Memory")).to_have_value(memory)
    expect(form.get_by_label("Queue")).to_have_value("long")
    expect(form.get_by_label("Tell me by mail")).to_be_checked()
    expect(form.get_by_label("Mail address")).to_have_value(address)


def test_when_all_slots_are_taken_the_page_says_so_and_keeps_the_form(
    site: BrowserSite, visit: Visits, guard: Guard
) -> None:
    alice, bob = visit(ALICE), visit(BOB)
    bob.open()
    fill(bob.type_card(JOB))
    alice.start(JOB)

    guard.announce(REFUSED_PAGE)
    with bob.page.expect_response("**/launch/") as answered:
        bob.press_start(JOB)

    assert answered.value.status == 409
    refusal = bob.page.get_by_role("alert")
    expect(refusal).to_contain_text(f"“{JOB}” was not started.")
    expect(refusal).to_contain_text("in use. Try again when somebody has finished.")
    kept(bob.type_card(JOB), memory="3", address="a@b.example")
    expect(bob.type_card(JOB)).to_contain_text("The only slot is in use")
    assert len(site.live()) == 1


def test_switched_off_sites_offer_no_start_and_let_running_sessions_go_on(own_site: BrowserSite, visit: Visits) -> None:
    own_site.start()
    alice, admin = visit(ALICE, at=own_site), visit(ROOT, at=own_site)
    alice.connect(PATTERN)
    turn_switch(admin, on=False)

    picker = alice.new_tab("/")

    expect(picker.get_by_text("Launching sessions is switched off at this site at the moment.")).to_be_visible()
    expect(picker.get_by_role("form", name=PATTERN)).to_be_visible()
    expect(picker.get_by_role("button", name="Start")).to_have_count(0)
    wait_for_screen(alice.page)
    turn_switch(admin, on=True)
    picker.reload()
    expect(picker.get_by_role("button", name="Start")).not_to_have_count(0)


def turn_switch(admin: Visitor, *, on: bool) -> None:
    """Turns the site's switch in the administration."""
    page = admin.open("/admin/remote_service/site/1/change/")
    page.get_by_role("checkbox").set_checked(on)
    page.get_by_role("button", name="Save", exact=True).click()
    page.locator(".messagelist .success").wait_for()
