"""Tests of a session's page, while it lives and when it is over."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from remote_service import sharing
from remote_service.actors import Actor
from remote_service.models import Session, SessionEvent, Share, Site
from remote_service.sharing import Offer
from remote_service.states import State
from tests.conftest import GROUP

Visit = Callable[[User], Client]
MakeSession = Callable[..., Session]


def page(browser: Client, session: Session) -> str:
    response = browser.get(f"/sessions/{session.pk}/")
    assert response.status_code == 200
    return str(response.content.decode())


@pytest.mark.django_db
def test_a_visitor_who_is_not_logged_in_is_led_to_the_login_page_and_back(
    client: Client, make_session: MakeSession
) -> None:
    session = make_session(None)
    response = client.get(f"/sessions/{session.pk}/")
    assert response["Location"] == f"/login/?next=/sessions/{session.pk}/"


def test_another_users_session_is_not_there(
    alice: User, bob: User, staff: User, visit: Visit, make_session: MakeSession
) -> None:
    session = make_session(alice)
    for user in (bob, staff):
        assert visit(user).get(f"/sessions/{session.pk}/").status_code == 404
    assert visit(bob).get(f"/sessions/{uuid.uuid4()}/").status_code == 404


def test_a_look_at_the_page_starts_nothing(alice: User, visit: Visit, make_session: MakeSession) -> None:
    session = make_session(alice, State.RESERVED)
    page(visit(alice), session)
    session.refresh_from_db()
    assert (session.state, session.wanted) == ("reserved", "")
    assert not SessionEvent.objects.exists()


# ---- while it lives ---------------------------------------------------------------------------------------


def test_the_script_gets_what_it_needs_from_the_page(alice: User, visit: Visit, make_session: MakeSession) -> None:
    session = make_session(alice, State.QUEUED, type_name="Desk <1>", progress="Place <3>")
    shown = page(visit(alice), session)
    data = dict(re.findall(r'\bdata-([a-z]+)="([^"]*)"', shown[shown.index('id="viewer"') :]))
    assert data["websocket"] == f"/sessions/{session.pk}/websockify"
    assert data["status"] == f"/sessions/{session.pk}/status"
    assert (data["state"], data["control"], data["login"]) == ("queued", "true", "/login/")
    assert "Waiting in the queue" in shown
    assert "Place &lt;3&gt;" in shown
    assert "Desk &lt;1&gt;</h1>" in shown
    assert "Desk <1>" not in shown
    found = re.search(r'<script id="viewer-texts" type="application/json">(.*?)</script>', shown)
    assert found is not None
    assert json.loads(found[1])["connected"] == "Connected"


def test_a_touch_screens_keyboard_takes_its_room_from_the_page(
    alice: User, visit: Visit, make_session: MakeSession
) -> None:
    browser = visit(alice)
    plain = '<meta name="viewport" content="width=device-width, initial-scale=1'
    assert f'{plain}, interactive-widget=resizes-content">' in page(browser, make_session(alice, State.RUNNING))
    assert f'{plain}">' in page(browser, make_session(alice, State.ENDED))


def test_the_page_has_no_script_or_style_of_its_own(alice: User, visit: Visit, make_session: MakeSession) -> None:
    shown = page(visit(alice), make_session(alice))
    assert re.findall(r"<script(?![^>]*(?:\bsrc=|application/json))", shown) == []
    assert re.findall(r"<style|\bstyle=|\bon[a-z]+=", shown) == []


def test_the_page_holds_no_secret(alice: User, visit: Visit, make_session: MakeSession) -> None:
    session = make_session(alice, sealed_token="sealed-token", sealed_password="sealed-password", token_hash="the-hash")
    shown = page(visit(alice), session)
    for secret in ("sealed-token", "sealed-password", "the-hash"):
        assert secret not in shown


def test_novnc_is_fetched_ahead(alice: User, visit: Visit, make_session: MakeSession) -> None:
    shown = page(visit(alice), make_session(alice))
    assert '<link rel="modulepreload" href="/static/vendor/novnc/core/rfb.js">' in shown


def test_a_watcher_may_look_and_is_told_so(
    alice: User, watcher: User, visit: Visit, make_session: MakeSession, say_why: Callable[..., None]
) -> None:
    session = make_session(alice)
    say_why(watcher, session)
    shown = page(visit(watcher), session)
    assert 'data-control="false"' in shown
    assert "You may look at this session, and not control it." in shown
    assert f"/sessions/{session.pk}/stop" not in shown
    assert "Ctrl-Alt-Del" not in shown
    assert 'id="view-only"' not in shown
    assert 'id="soft-keyboard"' not in shown
    assert "<dd>alice</dd>" in shown


CLOSED = "This session&#x27;s clipboard is closed"
OUT = "What is copied in the session appears here."
IN = "put text here, send it, and paste there."
STAYS = "What is copied in the session stays there."


@pytest.mark.parametrize(
    ("policy", "said", "sends"),
    [
        ({}, {OUT, IN}, True),
        ({"no_clipboard_in": True}, {OUT}, False),
        ({"no_clipboard_out": True}, {IN, STAYS}, True),
        ({"no_clipboard_in": True, "no_clipboard_out": True}, {CLOSED}, False),
        ({"view_only": True}, {OUT}, False),
    ],
)
def test_the_clipboards_panel_offers_what_the_type_allows(
    alice: User, visit: Visit, make_session: MakeSession, policy: dict[str, bool], said: set[str], sends: bool
) -> None:
    shown = page(visit(alice), make_session(alice, stored_viewer_policy=policy)).replace("session's", "session&#x27;s")
    assert {text for text in (CLOSED, OUT, IN, STAYS) if text in shown} == said
    assert ('id="clipboard-send"' in shown) is sends


def test_a_type_that_is_only_to_be_looked_at_has_no_tools_to_act(
    alice: User, visit: Visit, make_session: MakeSession
) -> None:
    shown = page(visit(alice), make_session(alice, stored_viewer_policy={"view_only": True}))
    assert 'data-control="false"' in shown
    assert "Ctrl-Alt-Del" not in shown
    assert "/stop" in shown


def test_a_screen_whose_size_is_fixed_offers_no_other(alice: User, visit: Visit, make_session: MakeSession) -> None:
    browser, resize = visit(alice), 'name="scale" value="resize"'
    assert resize in page(browser, make_session(alice))
    assert resize not in page(browser, make_session(alice, stored_viewer_policy={"no_resize": True}))


def test_a_manager_may_control_and_stop(
    alice: User, manager: User, visit: Visit, make_session: MakeSession, say_why: Callable[..., None]
) -> None:
    session = make_session(alice)
    say_why(manager, session)
    shown = page(visit(manager), session)
    assert 'data-control="true"' in shown
    assert f'formaction="/sessions/{session.pk}/stop"' in shown


@pytest.mark.parametrize("role", ["watcher", "manager"])
def test_staff_is_asked_why_before_it_sees_anothers_screen(
    alice: User, visit: Visit, make_session: MakeSession, request: pytest.FixtureRequest, role: str
) -> None:
    user = request.getfixturevalue(role)
    session = make_session(alice)
    browser = visit(user)
    shown = page(browser, session)
    assert "Why do you look at “Pattern”?" in shown
    assert 'id="screen"' not in shown
    reaches = "What you type and click reaches it, since you may manage every session. Its owner is told so."
    drops = "You only look: what you type and click does not reach it."
    assert (reaches in shown, drops in shown) == (role == "manager", role == "watcher")

    refused = browser.post(f"/sessions/{session.pk}/watch", {"reason": " "})
    assert (refused.status_code, "This field is required." in refused.content.decode()) == (400, True)
    assert 'id="screen"' not in page(browser, session)

    answer = browser.post(f"/sessions/{session.pk}/watch", {"reason": "Ticket  4711"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/sessions/{session.pk}/")
    assert 'id="screen"' in page(browser, session)
    event = session.events.get(what="staff looks")
    assert (event.who, event.why) == (user.username, "Ticket 4711")


def test_nobody_else_is_asked_why(alice: User, bob: User, visit: Visit, make_session: MakeSession) -> None:
    session = make_session(alice)
    assert visit(bob).post(f"/sessions/{session.pk}/watch", {"reason": "Curious"}).status_code == 404
    assert visit(alice).post(f"/sessions/{session.pk}/watch", {"reason": "Mine"}).status_code == 303
    assert not session.staff_looks.exists()


def test_who_holds_a_share_sees_the_screen_and_no_more(
    alice: User, bob: User, visit: Visit, make_session: MakeSession, make_type: Callable[..., Any]
) -> None:
    make_type("Pattern")
    session = make_session(alice)
    _, secret = sharing.make_share(session, Offer(), alice, Actor("alice", "", "web"))
    sharing.accept(secret, bob, Actor("bob", "", "web"))
    browser = visit(bob)

    shown = page(browser, session)

    assert 'data-control="false"' in shown
    assert "You may look at this session, and not control it." in shown
    assert 'id="tool-share"' not in shown
    for address in ("details/", "log", "stop", "shares/"):
        assert f"/sessions/{session.pk}/{address}" not in shown
    assert browser.get(f"/sessions/{session.pk}/status").status_code == 200
    for address in ("details/", "log", "log/part"):
        assert browser.get(f"/sessions/{session.pk}/{address}").status_code == 404
    assert browser.post(f"/sessions/{session.pk}/stop").status_code == 404


def test_the_page_says_what_leaving_means(alice: User, visit: Visit, make_session: MakeSession) -> None:
    browser = visit(alice)
    assert "It ends 15 seconds after its last viewer has left." in page(browser, make_session(alice))
    kept = make_session(alice, on_last_disconnect="keep")
    assert "It goes on running when you leave, until it is stopped." in page(browser, kept)


def test_a_session_is_called_by_the_name_that_its_user_gave(
    alice: User, visit: Visit, make_session: MakeSession
) -> None:
    shown = page(visit(alice), make_session(alice, title="Blade <3>"))
    assert "<h1>Blade &lt;3&gt;</h1>" in shown
    assert "<title>Blade &lt;3&gt; ·" in shown
    assert 'data-name="Blade &lt;3&gt;"' in shown
    assert "<dd>Pattern</dd>" in shown


def test_every_function_key_is_on_the_toolbar(alice: User, visit: Visit, make_session: MakeSession) -> None:
    shown = page(visit(alice), make_session(alice))
    assert re.findall(r'data-key="(F\d+)"', shown) == [f"F{number}" for number in range(1, 13)]


def test_what_needs_a_screen_says_so(alice: User, visit: Visit, make_session: MakeSession) -> None:
    shown = page(visit(alice), make_session(alice))
    for control in ("tool-enter", "tool-screenshot", "clipboard-send", "tool-ctrl-alt-del", "tool-keyboard"):
        assert re.search(f'id="{control}" data-needs="(screen|control)"', shown)


def test_a_session_without_a_screen_has_no_viewer(alice: User, visit: Visit, make_session: MakeSession) -> None:
    shown = page(visit(alice), make_session(alice, stream="raw"))
    assert "This session has no screen" in shown
    assert "viewer.js" not in shown


# ---- when it is over --------------------------------------------------------------------------------------


def test_a_failed_session_says_why_with_the_end_of_its_log(
    alice: User, visit: Visit, make_session: MakeSession, write_log: Callable[[Session, str], None]
) -> None:
    session = make_session(alice, State.FAILED, end_reason="start_failed", end_detail="No <licence>.")
    write_log(session, "".join(f"\x1b[31mline {number} <b>\x1b[0m\n" for number in range(100)))
    shown = page(visit(alice), session)
    assert "It could not be started. No &lt;licence&gt;." in shown
    assert "line 99 &lt;b&gt;" in shown
    assert "line 60 &lt;b&gt;" in shown
    assert "line 59" not in shown
    assert "\x1b" not in shown
    assert f"quote the reference {session.reference}" in shown
    assert 'data-state="failed"' in shown
    assert "<title>Failed: Pattern" in shown
    assert "novnc" not in shown


def test_a_session_without_a_log_says_so(
    alice: User, visit: Visit, make_session: MakeSession, write_log: Callable[[Session, str], None]
) -> None:
    session = make_session(alice, State.ENDED)
    shown = page(visit(alice), session)
    assert "Nothing was written to its log." in shown
    assert f"/sessions/{session.pk}/log" not in shown


def again(shown: str) -> str:
    """Where "Start again" posts to; empty without such a button."""
    form = re.search(r'<form method="post" action="([^"]+)" id="again">', shown)
    return "" if form is None else form[1]


def test_it_can_be_started_again_with_the_same_options_and_name(
    alice: User, visit: Visit, make_session: MakeSession, make_type: Callable[..., Any]
) -> None:
    make_type(options={"sizes": ["1x1", "2x2"]}, form=[{"name": "title", "type": "text"}])
    options = {"size": "2x2", "title": '"mine"', "username": "alice"}
    browser = visit(alice)
    address = again(page(browser, make_session(alice, State.ENDED, options=options, title="Wing")))
    assert browser.post(address).status_code == 303
    started = Session.objects.live().get()
    assert (started.options, started.title) == (options, "Wing")


def test_it_cannot_be_started_again_by_who_may_not(
    alice: User, watcher: User, charlie: User, visit: Visit, make_session: MakeSession, make_type: Callable[..., Any]
) -> None:
    make_type(options={"group": GROUP})
    hers = make_session(alice, State.ENDED)
    assert again(page(visit(alice), hers))
    assert not again(page(visit(watcher), hers))
    assert not again(page(visit(charlie), make_session(charlie, State.ENDED)))


def test_it_cannot_be_started_again_when_its_type_has_gone_or_launching_is_off(
    alice: User, visit: Visit, make_session: MakeSession, make_type: Callable[..., Any]
) -> None:
    browser, session = visit(alice), make_session(alice, State.ENDED)
    assert not again(page(browser, session))
    make_type()
    assert again(page(browser, session))
    Site.objects.update(external_sessions_enabled=False)
    assert not again(page(browser, session))


# ---- guests -----------------------------------------------------------------------------------------------


@pytest.fixture
def as_guest(
    make_type: Callable[..., Any], with_guests: Any, browse: Callable[..., str], come_as_guest: Callable[..., Any]
) -> Callable[..., Client]:
    """A browser that is a guest of a session; keywords are of the offer."""
    make_type("Pattern")

    def come(session: Session, **offer: Any) -> Client:
        browser = Client()
        browser.cookies["gateway_session"] = key = browse()
        come_as_guest(session, browser=key, **offer)
        return browser

    return come


def test_a_guest_sees_the_screen_and_no_way_to_anything_else(
    alice: User, visit: Visit, make_session: MakeSession, as_guest: Callable[..., Client]
) -> None:
    session = make_session(alice, host="n8.internal")
    shown = page(as_guest(session), session)

    assert 'data-control="false"' in shown
    assert "You may look at this session, and not control it." in shown
    assert "n8.internal" in page(visit(alice), session)
    assert "n8.internal" not in shown
    for tool in ("tool-share", "tool-stop", "notice-login", "notice-back", "tool-details"):
        assert f'id="{tool}"' not in shown
    linked = set(re.findall(r'(?:href|action|formaction)="(/[^"]*)"', shown))
    pages = {address for address in linked if not address.startswith("/static/")}
    assert pages == {"/share/", "/theme/", f"/sessions/{session.pk}/keep"}


def test_a_guest_with_control_has_the_tools_to_act(
    alice: User, make_session: MakeSession, as_guest: Callable[..., Client]
) -> None:
    session = make_session(alice)
    shown = page(as_guest(session, control=True), session)
    assert 'data-control="true"' in shown
    assert "Ctrl-Alt-Del" in shown
    assert 'id="tool-stop"' not in shown


def test_a_guest_gets_no_other_page(
    alice: User, make_session: MakeSession, make_type: Callable[..., Any], as_guest: Callable[..., Client]
) -> None:
    session, other = make_session(alice), make_session(alice)
    browser = as_guest(session, control=True)
    assert browser.get(f"/sessions/{session.pk}/status").status_code == 200
    for address in (
        "/", f"/sessions/{other.pk}/", f"/sessions/{other.pk}/status", "/launch/Pattern", "/dashboard/",
        *(f"/sessions/{session.pk}/{part}" for part in ("details/", "log", "log/part")),
    ):  # fmt: skip
        answer = browser.get(address)
        assert (answer.status_code, answer["Location"]) == (302, f"/login/?next={address}")
    for address in ("/launch/", *(f"/sessions/{session.pk}/{act}" for act in ("keep", "stop", "watch", "shares/"))):
        assert browser.post(address, {"type": "Pattern"})["Location"].startswith("/login/")
    assert Session.objects.count() == 2


@pytest.mark.parametrize("end", ["revoked", "over", "switched off"])
def test_a_guest_whose_right_has_ended_finds_no_page(
    alice: User, make_session: MakeSession, as_guest: Callable[..., Client], settings: Any, with_guests: Any, end: str
) -> None:
    session = make_session(alice)
    browser = as_guest(session)
    match end:
        case "revoked":
            sharing.revoke(Share.objects.get(), Actor("alice", "", "web"))
        case "over":
            Session.objects.update(state=State.ENDED)
        case "switched off":
            settings.REMOTE_SERVICE = replace(with_guests, guests=False)
    for part in ("", "status"):
        assert browser.get(f"/sessions/{session.pk}/{part}").status_code == 404


def test_a_guest_whose_browser_was_closed_is_a_stranger(
    alice: User, make_session: MakeSession, as_guest: Callable[..., Client]
) -> None:
    session = make_session(alice)
    browser = as_guest(session)
    browser.cookies.clear()
    assert browser.get(f"/sessions/{session.pk}/")["Location"] == f"/login/?next=/sessions/{session.pk}/"


def test_the_owner_reads_who_the_guest_says_they_are(
    alice: User,
    visit: Visit,
    make_session: MakeSession,
    make_type: Callable[..., Any],
    with_guests: Any,
    come_as_guest: Callable[..., Any],
) -> None:
    make_type("Pattern")
    session = make_session(alice)
    session.viewers.create(guest=come_as_guest(session, "<b>Maria</b>"))
    shown = page(visit(alice), session)
    assert "guest “&lt;b&gt;Maria&lt;/b&gt;”" in shown
    assert "<b>Maria" not in shown
