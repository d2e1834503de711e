"""The rows behind viewers: who is there, who left how, and which rights still hold."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session as LoginSession
from django.utils import timezone

from remote_service import guests, holders, sharing
from remote_service.actors import Actor
from remote_service.endpoints import Endpoint
from remote_service.hosting.machine import here
from remote_service.models import Gateway, Guest, Session, SessionEvent, Share, ShareHolder, Viewer
from remote_service.relay import rows
from remote_service.relay.proof import Claim
from remote_service.relay.watch import Glimpse, Grant
from remote_service.reservations import Reservation
from remote_service.rfb.policy import Policy
from remote_service.sealing import SealError, seal
from remote_service.sharing import Offer
from remote_service.states import State
from tests.unit.relay.coming import GATEWAY, come, grant_for, leave, opened

Reserve = Callable[..., Reservation]


def logged_in(expires: timedelta = timedelta(hours=1)) -> str:
    """The key of a login session."""
    store = SessionStore()
    store.create()
    LoginSession.objects.filter(session_key=store.session_key).update(expire_date=timezone.now() + expires)
    return str(store.session_key)


def viewer(pk: int) -> Viewer:
    return Viewer.objects.get(pk=pk)


def test_viewers_that_their_gateway_does_not_know_of_are_strays(reserve: Reserve, alice: Any) -> None:
    session = reserve(alice).session
    known, stray, left = opened(session, alice), opened(session, alice), opened(session, alice)
    leave(left, clean=True)
    Viewer.objects.filter(pk=opened(session, alice)).update(gateway=Gateway.objects.create(pk=uuid.uuid4()))

    assert rows.strays(GATEWAY, [known]) == [stray]


# ---- endpoints -------------------------------------------------------------------------------------------


def test_what_an_endpoint_is_judged_by(reserve: Reserve, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "session_uid", {settings.REMOTE_SERVICE.session_user: 999}.get)
    session = reserve().session

    glimpse = Glimpse(State.RUNNING, "", "", hosts=("n8",), elsewhere="n9")
    assert rows.claim_of(session.pk, glimpse) == Claim(str(session.pk), 999, ("n8",), "n9")


def test_a_server_that_lets_everybody_in_is_written_once(reserve: Reserve) -> None:
    session = reserve().session

    assert rows.mark_unprotected(session.pk, "tcp:n8:5901")
    assert not rows.mark_unprotected(session.pk, "tcp:n8:5901")

    session.refresh_from_db()
    assert session.unprotected
    events = SessionEvent.objects.filter(what="unprotected").values_list("session_id", "why")
    assert list(events) == [(session.pk, "The VNC server at tcp:n8:5901 asks for no password.")]


# ---- the first one ---------------------------------------------------------------------------------------


def running(session: Session, put: Callable[..., Session]) -> Session:
    return put(session, State.RUNNING, running_at=timezone.now())


def test_a_viewer_before_whom_nobody_came_is_the_first(reserve: Reserve, put: Callable[..., Session]) -> None:
    session = running(reserve().session, put)
    pk = opened(session)
    opened(session)

    assert rows.is_first_viewer(pk)


def test_a_viewer_after_one_that_is_still_there_is_not_the_first(reserve: Reserve, put: Callable[..., Session]) -> None:
    session = running(reserve().session, put)
    opened(session)

    assert not rows.is_first_viewer(opened(session))


def test_a_viewer_after_one_that_left_is_not_the_first(reserve: Reserve, put: Callable[..., Session]) -> None:
    session = running(reserve().session, put)
    leave(opened(session), clean=True)

    assert not rows.is_first_viewer(opened(session))


def test_one_that_left_before_the_session_ran_saw_nothing(reserve: Reserve, put: Callable[..., Session]) -> None:
    session = reserve().session
    leave(opened(session), clean=True)
    running(session, put)

    assert rows.is_first_viewer(opened(session))


# ---- heartbeat -------------------------------------------------------------------------------------------


def test_a_beat_moves_the_counter_and_marks_the_sessions_that_were_used(reserve: Reserve) -> None:
    used, unused = reserve().session, reserve().session
    pk = opened(used)

    rows.beat(GATEWAY, {used.pk}, [pk])
    rows.beat(GATEWAY, set(), [pk])

    assert Gateway.objects.get().beats == 2
    used.refresh_from_db()
    unused.refresh_from_db()
    assert used.last_input_at is not None
    assert unused.last_input_at is None


def test_a_gateway_that_was_taken_for_dead_gets_its_open_viewers_back(reserve: Reserve) -> None:
    session = reserve().session
    open_here, left_here = opened(session), opened(session)
    leave(left_here, clean=True)
    # As `observations.expire_silent_gateways` does it.
    Viewer.objects.filter(gateway=GATEWAY, closed_at=None).update(closed_at=timezone.now(), ending="cut")
    Gateway.objects.all().delete()

    rows.beat(GATEWAY, set(), [open_here])

    back = viewer(open_here)
    assert (back.gateway_id, back.closed_at, back.ending, back.superseded) == (GATEWAY, None, "", False)
    assert viewer(left_here).ending == "clean"
    assert Gateway.objects.get().pk == GATEWAY


def test_a_beat_leaves_a_viewer_that_lost_its_endpoint_as_it_is(reserve: Reserve) -> None:
    pk = opened(reserve().session)
    leave(pk, clean=False)

    rows.beat(GATEWAY, set(), [pk])

    assert viewer(pk).ending == "cut"


# ---- looking ---------------------------------------------------------------------------------------------


def test_a_glimpse_is_the_session_as_it_is(reserve: Reserve, put: Callable[..., Session]) -> None:
    endpoint = Endpoint.tcp("localhost", 5901)
    session = put(reserve().session, State.RUNNING, stored_endpoint=endpoint.as_dict(), stream="raw")
    over = put(reserve().session, State.FAILED, end_reason="start_failed", end_detail="No.")
    gone = Grant(uuid.uuid4(), None, "", Actor())

    grants = {grant_for(session), grant_for(over), gone}
    glimpses, policies = rows.look(grants)

    assert glimpses == {
        session.pk: Glimpse(State.RUNNING, "", "", endpoint, "raw"),
        over.pk: Glimpse(State.FAILED, "start_failed", "No.", None, "rfb"),
    }
    assert policies == dict.fromkeys(grants, Policy())


@pytest.mark.parametrize(
    ("changes", "elsewhere"),
    [
        ({}, ""),
        ({"home": ""}, ""),
        ({"place": "n9:/state/run", "home": "another pid:[1]"}, "n9"),
        ({"home": "another pid:[1]"}, "another machine named n8"),
        ({"boot": "another"}, "another machine named n8"),
        ({"place": "n9:/state/run", "home": ""}, "n9"),
    ],
)
def test_a_glimpse_tells_where_else_the_session_runs(
    changes: dict[str, str],
    elsewhere: str,
    reserve: Reserve,
    put: Callable[..., Session],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("platform.node", lambda: "n8")
    where = replace(here(Path("/state/run")), **changes)
    session = put(reserve().session, State.RUNNING, **where.as_columns())

    assert rows.glimpse_of(session).elsewhere == elsewhere


def test_looking_takes_as_many_queries_for_many_as_for_one(
    reserve: Reserve, alice: Any, django_assert_num_queries: Any
) -> None:
    login = logged_in()
    grants = {grant_for(reserve(alice).session, alice, login=login) for _ in range(4)}

    with django_assert_num_queries(3):
        assert rows.look(grants)[1].keys() == grants


def test_a_right_lasts_as_long_as_its_login(reserve: Reserve, alice: Any) -> None:
    session = reserve(alice).session
    good = grant_for(session, alice, login=logged_in())
    logged_out = grant_for(session, alice, login="gone")
    expired = grant_for(session, alice, login=logged_in(timedelta(seconds=-1)))
    without = grant_for(session, alice, login="")

    assert rows.look({good, logged_out, expired, without})[1].keys() == {good}


def test_a_new_password_ends_the_right(reserve: Reserve, alice: Any) -> None:
    grant = grant_for(reserve(alice).session, alice, login=logged_in())

    alice.set_password("another horse battery")
    alice.save()

    assert rows.look({grant})[1] == {}


@pytest.mark.parametrize("change", ["inactive", "deleted"])
def test_a_user_who_is_not_there_any_more_has_no_right(reserve: Reserve, alice: Any, change: str) -> None:
    grant = grant_for(reserve(alice).session, alice, login=logged_in())

    if change == "deleted":
        alice.delete()
    else:
        alice.is_active = False
        alice.save()

    assert rows.look({grant})[1] == {}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("view_any_session", "view_any_session"),
        ("manage_any_session", "manage_any_session"),
        ("view_any_session", "manage_any_session"),
        ("manage_any_session", "view_any_session"),
        ("manage_any_session", None),
        ("view_any_session", None),
    ],
)
def test_a_right_is_what_the_permission_allows_now(
    reserve: Reserve,
    alice: Any,
    make_user: Callable[..., Any],
    say_why: Callable[..., None],
    before: str,
    after: str | None,
) -> None:
    from django.contrib.auth.models import Permission

    allowed = {"view_any_session": Policy(view_only=True), "manage_any_session": Policy()}
    staff = make_user("staff", permissions=(before,))
    session = reserve(alice).session
    say_why(staff, session)
    grant = grant_for(session, staff, login=logged_in())
    assert rows.look({grant})[1] == {grant: allowed[before]}

    staff.user_permissions.set(Permission.objects.filter(codename=after) if after else [])

    assert rows.look({grant})[1] == ({grant: allowed[after]} if after else {})


def test_what_a_type_allows_nobody_is_allowed_to_nobody(
    reserve: Reserve,
    put: Callable[..., Session],
    alice: Any,
    make_user: Callable[..., Any],
    say_why: Callable[..., None],
) -> None:
    session = put(reserve(alice).session, State.RUNNING, stored_viewer_policy={"no_clipboard_out": True})
    looker = make_user("staff", permissions=("view_any_session",))
    say_why(looker, session)
    hers, theirs = (grant_for(session, user, login=logged_in()) for user in (alice, looker))
    programs = Grant(session.pk, None, "", Actor())

    assert rows.look({hers, theirs, programs})[1] == {
        hers: Policy(no_clipboard_out=True),
        theirs: Policy(view_only=True, no_clipboard_out=True),
        programs: Policy(no_clipboard_out=True),
    }


def test_a_right_that_ended_before_its_viewer_came_allows_nothing(reserve: Reserve, alice: Any) -> None:
    [(_pk, admission)] = come(grant_for(reserve(alice).session, alice, login="gone"))

    assert admission.policy is None


# ---- shares ----------------------------------------------------------------------------------------------


@pytest.fixture
def held(reserve: Reserve, alice: Any, bob: Any) -> tuple[Session, Share]:
    """A session of Alice's, and the share of it that Bob has accepted."""
    session = reserve(alice).session
    share, secret = sharing.make_share(session, Offer(user=bob), alice, Actor("alice", "", "web"))
    sharing.accept(secret, bob, Actor("bob", "", "web"))
    return session, share


@pytest.mark.parametrize("end", ["revoked", "expired", "blocked", "logged out", "over"])
def test_a_share_that_ends_ends_the_right(held: tuple[Session, Share], bob: Any, put: Any, end: str) -> None:
    session, share = held
    login = logged_in()
    grant = grant_for(session, bob, login=login)
    assert rows.look({grant})[1] == {grant: Policy(view_only=True)}
    match end:
        case "revoked":
            sharing.revoke(share, Actor("alice", "", "web"))
        case "expired":
            Share.objects.update(expires_at=timezone.now())
        case "blocked":
            type(bob).objects.filter(pk=bob.pk).update(is_active=False)
        case "logged out":
            LoginSession.objects.filter(session_key=login).delete()
        case "over":
            put(session, State.ENDED)

    assert rows.look({grant})[1] == {}


def test_control_that_is_given_and_taken_back_changes_the_policy(held: tuple[Session, Share], bob: Any) -> None:
    session, share = held
    grant = grant_for(session, bob, login=logged_in())
    for control, policy in ((True, Policy()), (False, Policy(view_only=True))):
        sharing.set_control(share, control, Actor("alice", "", "web"))
        assert rows.look({grant})[1] == {grant: policy}


def test_control_that_one_is_given_alone_changes_the_policy_of_no_other(
    held: tuple[Session, Share], bob: Any, charlie: Any
) -> None:
    session, share = held
    ShareHolder.objects.create(share=share, user=charlie)
    Share.objects.update(audience="anyone")
    his, others = (grant_for(session, user, login=logged_in()) for user in (bob, charlie))
    for control, policy in ((True, Policy()), (False, Policy(view_only=True))):
        holders.hand_over(share.holders.get(user=bob), control, Actor("alice", "", "web"))
        assert rows.look({his, others})[1] == {his: policy, others: Policy(view_only=True)}
    holders.send_away(share.holders.get(user=bob), Actor("alice", "", "web"))
    assert rows.look({his, others})[1] == {others: Policy(view_only=True)}


def test_who_was_sent_away_is_not_waited_for(held: tuple[Session, Share], bob: Any) -> None:
    session, share = held
    pk = opened(session, bob)
    holders.send_away(share.holders.get(), Actor("alice", "", "web"))
    leave(pk, clean=False)
    assert (viewer(pk).superseded, viewer(pk).ending) == (False, Viewer.Ending.CLEAN)


def test_whom_the_owner_let_in_counts_for_the_end_as_she_does(held: tuple[Session, Share], bob: Any) -> None:
    session, share = held
    pk = opened(session, bob)
    leave(pk, clean=True)
    assert not viewer(pk).superseded
    pk = opened(session, bob)
    sharing.revoke(share, Actor("alice", "", "web"))
    leave(pk, clean=False)
    found = viewer(pk)
    assert not found.superseded, "the owner may have left long ago, and needs her time to come back"
    assert found.ending == Viewer.Ending.CLEAN, "but who was thrown out is not waited for"


# ---- guests ----------------------------------------------------------------------------------------------


@pytest.fixture
def visited(
    reserve: Reserve, alice: Any, with_guests: Any, come_as_guest: Callable[..., Any]
) -> tuple[Session, Guest, Grant]:
    """A session of Alice's, its guest, and the grant of the guest's line."""
    session, login = reserve(alice).session, logged_in()
    guest = come_as_guest(session, "Maria", browser=login)
    actor = Actor("guest “Maria”", "192.0.2.7", "websocket")
    return session, guest, Grant(session.pk, None, login, actor, guest_id=guest.pk)


def test_a_guest_who_comes_is_a_row_and_an_event(visited: tuple[Session, Guest, Grant]) -> None:
    session, guest, grant = visited

    [(pk, admission)] = come(grant)

    assert (viewer(pk).user, viewer(pk).guest) == (None, guest)
    assert admission.policy == Policy(view_only=True)
    assert session.events.filter(what="viewer opened", who="guest “Maria”").count() == 1


GUESTS_ENDS = ["revoked", "expired", "switched off", "browser closed", "browser expired", "over", "moved", "gone"]


@pytest.mark.parametrize("end", GUESTS_ENDS)
def test_a_guests_right_ends(
    visited: tuple[Session, Guest, Grant], settings: Any, with_guests: Any, put: Any, end: str
) -> None:
    session, guest, grant = visited
    assert rows.look({grant})[1] == {grant: Policy(view_only=True)}
    match end:
        case "revoked":
            sharing.revoke(Share.objects.get(), Actor("alice", "", "web"))
        case "expired":
            Share.objects.update(expires_at=timezone.now())
        case "switched off":
            settings.REMOTE_SERVICE = replace(with_guests, guests=False)
        case "browser closed":
            LoginSession.objects.filter(session_key=grant.login).delete()
        case "browser expired":
            LoginSession.objects.filter(session_key=grant.login).update(expire_date=timezone.now())
        case "over":
            put(session, State.ENDED)
        case "moved":
            guests.move(grant.login, to=logged_in())
        case "gone":
            guest.delete()

    assert rows.look({grant})[1] == {}


def test_a_guests_control_follows_the_share(visited: tuple[Session, Guest, Grant]) -> None:
    _session, _guest, grant = visited
    for control, policy in ((True, Policy()), (False, Policy(view_only=True))):
        sharing.set_control(Share.objects.get(), control, Actor("alice", "", "web"))
        assert rows.look({grant})[1] == {grant: policy}


def test_a_guest_is_no_client_of_the_rest(visited: tuple[Session, Guest, Grant]) -> None:
    session, _guest, grant = visited
    [(cut, _admission)] = come(grant)
    leave(cut, clean=False)
    opened(session)
    assert not viewer(cut).superseded
    come(grant)
    assert viewer(cut).superseded, "the guest came back"

    Session.objects.update(owner=None)
    sharing.revoke(Share.objects.get(), Actor("alice", "", "web"))
    [(last, _admission)] = come(grant)
    leave(last, clean=True)
    assert viewer(last).superseded, "who came when there was no share any more is not waited for"


def test_of_a_session_that_is_gone_nobody_is_sent_away_before_they_are_told(
    visited: tuple[Session, Guest, Grant],
) -> None:
    session, _guest, grant = visited
    session.delete()
    assert rows.look({grant}) == ({}, {grant: Policy()})


def test_a_guest_counts_for_the_end_as_the_owner_does(visited: tuple[Session, Guest, Grant]) -> None:
    [(pk, _admission)] = come(visited[2])
    leave(pk, clean=True)
    assert not viewer(pk).superseded


# ---- passwords -------------------------------------------------------------------------------------------


def test_the_password_is_what_the_script_gave(reserve: Reserve, put: Callable[..., Session]) -> None:
    with_one = put(reserve().session, State.RUNNING, sealed_password=seal("secret12"))

    assert rows.password_of(with_one.pk) == "secret12"
    assert rows.password_of(reserve().session.pk) is None
    assert rows.password_of(uuid.uuid4()) is None


def test_a_password_sealed_under_another_key_cannot_be_had(
    reserve: Reserve, put: Callable[..., Session], settings: Any
) -> None:
    session = put(reserve().session, State.RUNNING, sealed_password=seal("secret12"))
    settings.SECRET_KEY = "another"

    with pytest.raises(SealError, match="SECRET_KEY has changed since it was stored"):
        rows.password_of(session.pk)
