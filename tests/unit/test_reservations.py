"""Taking a slot: who may, how many, which one, and what stands in the history when it is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from remote_service import reservations
from remote_service.actors import Actor
from remote_service.config.schema import Limits
from remote_service.errors import (
    InvalidOptionError,
    LimitReachedError,
    NoFreeSlotError,
    NotAllowedError,
    RefusedError,
    SwitchedOffError,
    UnknownTypeError,
)
from remote_service.models import Drain, Session, SessionEvent, Site
from remote_service.reservations import reserve_for_operator, reserve_for_rest, reserve_for_user
from remote_service.rfb.policy import Policy
from remote_service.sealing import token_hash, unseal
from remote_service.states import State
from tests.conftest import GROUP

pytestmark = pytest.mark.django_db
WEB = Actor("alice", "192.0.2.1", "web")
REST = Actor("", "192.0.2.2", "rest")
COMMAND = Actor("", "", "command")
SIZE = {"size": "1600x1200"}


@pytest.fixture(autouse=True)
def nudged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for each time that the supervisor was nudged."""
    heard: list[str] = []
    monkeypatch.setattr(reservations, "nudge_supervisor", lambda: heard.append("supervisor"))
    return heard


def refusals() -> list[tuple[str, ...]]:
    return list(SessionEvent.objects.filter(what="refused").values_list("why", "who", "address", "door", "type_name"))


def refuse(error: type[RefusedError], message: str, reserve: Callable[..., Any], *args: Any, by: Actor = WEB) -> None:
    """Has a reservation refused: with this whole message, as one event row, and nothing reserved."""
    before = Session.objects.count()
    with pytest.raises(error) as caught:
        reserve(*args, by)
    assert str(caught.value) == message
    assert refusals() == [(f"{error.code}: {message}", by.name, by.address, by.door, args[0])]
    assert Session.objects.count() == before


def rows(**changes: Any) -> None:
    Session.objects.update(**changes)


# ---- a user's ---------------------------------------------------------------------------------------------


def test_a_user_gets_the_first_slot_and_it_is_wanted_at_once(
    make_type: Callable[..., Any], alice: Any, nudged: list[str]
) -> None:
    make_type(
        "Desktop",
        limits={"linger": 3, "idle_timeout": None},
        on_last_disconnect="keep",
        stream="raw",
        options={"host": "n8"},
    )
    reservation = reserve_for_user("Desktop", alice, {**SIZE, "cores": "4"}, WEB)
    session = Session.objects.get()
    assert reservation.session == session
    assert (session.type_name, session.index, session.tile, session.wall) == ("Desktop", 0, 0, None)
    assert (session.state, session.wanted) == (State.RESERVED, "start")
    assert (session.owner, session.username, session.door) == (alice, "alice", "web")
    assert session.options == {"size": "1600x1200", "cores": "4", "username": "alice"}
    assert session.limits == Limits(linger=3)
    assert (session.on_last_disconnect, session.stream, session.type_hosts) == ("keep", "raw", ["n8"])
    assert nudged == ["supervisor"]


def test_a_session_has_the_viewer_policy_of_its_type(make_type: Callable[..., Any], alice: Any) -> None:
    make_type("Desktop", viewer_policy={"no_clipboard_out": True, "max_updates_per_second": 5})
    session = reserve_for_user("Desktop", alice, SIZE, WEB).session
    assert session.viewer_policy == Policy(no_clipboard_out=True, max_updates_per_second=5)


def test_the_token_is_stored_hashed_and_sealed(make_type: Callable[..., Any], alice: Any) -> None:
    make_type()
    reservation = reserve_for_user("Pattern", alice, SIZE, WEB)
    session = Session.objects.get()
    assert session.token_hash == token_hash(reservation.token)
    assert unseal(session.sealed_token) == reservation.token
    assert reservation.token not in repr(reservation)
    assert repr(reservation) == f"Reservation({session.pk})"


def test_it_stands_in_the_history(make_type: Callable[..., Any], alice: Any) -> None:
    make_type()
    session = reserve_for_user("Pattern", alice, SIZE, WEB).session
    event = SessionEvent.objects.get()
    assert (event.session, event.what, event.who, event.address, event.door, event.type_name) == (
        session,
        "reserved",
        "alice",
        "192.0.2.1",
        "web",
        "Pattern",
    )


def test_it_can_wait_for_its_start(make_type: Callable[..., Any], alice: Any) -> None:
    make_type()
    assert reserve_for_user("Pattern", alice, SIZE, WEB, start=False).session.wanted == ""


def test_what_a_user_enters_as_username_does_not_count(make_type: Callable[..., Any], alice: Any) -> None:
    make_type()
    session = reserve_for_user("Pattern", alice, {"username": "root"}, WEB).session
    assert (session.username, session.options) == ("alice", {"username": "alice"})


def test_each_gets_the_lowest_free_slot(make_type: Callable[..., Any], alice: Any) -> None:
    make_type(count=3)
    sessions = [reserve_for_user("Pattern", alice, SIZE, WEB).session for _ in range(3)]
    assert [session.index for session in sessions] == [0, 1, 2]
    Session.objects.filter(index=1).update(state=State.ENDED)
    assert reserve_for_user("Pattern", alice, SIZE, WEB).session.index == 1


def test_slots_of_another_type_do_not_count(make_type: Callable[..., Any], alice: Any) -> None:
    make_type("One", count=1)
    make_type("Two", count=1)
    assert [reserve_for_user(name, alice, SIZE, WEB).session.index for name in ("One", "Two")] == [0, 0]


@pytest.mark.parametrize("state", [state for state in State if state not in (State.ENDED, State.FAILED)])
def test_without_a_free_slot_it_is_refused(make_type: Callable[..., Any], alice: Any, bob: Any, state: State) -> None:
    make_type(count=1)
    reserve_for_user("Pattern", bob, SIZE, WEB)
    rows(state=state)
    message = "The only slot of 'Pattern' is in use. Try again when somebody has finished."
    refuse(NoFreeSlotError, message, reserve_for_user, "Pattern", alice, SIZE)


def test_a_slot_in_quarantine_is_not_free(make_type: Callable[..., Any], alice: Any) -> None:
    make_type(count=2)
    for _ in range(2):
        reserve_for_user("Pattern", alice, SIZE, WEB)
    rows(state=State.FAILED)
    Session.objects.filter(index=0).update(quarantined=True)
    assert reserve_for_user("Pattern", alice, SIZE, WEB).session.index == 1
    message = "All 2 slots of 'Pattern' are in use or out of service. Try again when somebody has finished."
    refuse(NoFreeSlotError, message, reserve_for_user, "Pattern", alice, SIZE)


@pytest.mark.parametrize(
    ("count", "message"),
    [
        (1, "The only slot of 'Pattern' is out of service until an admin has released it from quarantine."),
        (2, "All 2 slots of 'Pattern' are out of service until an admin has released them from quarantine."),
    ],
)
def test_when_all_slots_are_in_quarantine_waiting_is_not_advised(
    make_type: Callable[..., Any], alice: Any, count: int, message: str
) -> None:
    make_type(count=count)
    for _ in range(count):
        reserve_for_user("Pattern", alice, SIZE, WEB)
    rows(state=State.FAILED)
    Session.objects.update(quarantined=True)
    refuse(NoFreeSlotError, message, reserve_for_user, "Pattern", alice, SIZE)


def test_a_slot_that_was_taken_meanwhile_is_passed_over(
    make_type: Callable[..., Any], alice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_type(count=2)
    reserve_for_user("Pattern", alice, SIZE, WEB)
    monkeypatch.setattr(Session.objects, "holding_slots", Session.objects.none)
    assert reserve_for_user("Pattern", alice, SIZE, WEB).session.index == 1
    message = "All 2 slots of 'Pattern' are in use. Try again when somebody has finished."
    refuse(NoFreeSlotError, message, reserve_for_user, "Pattern", alice, SIZE)


def test_an_unknown_type_is_refused(make_type: Callable[..., Any], alice: Any) -> None:
    make_type("Desktop")
    message = "There is no session type 'Dekstop' that you may use."
    refuse(UnknownTypeError, message, reserve_for_user, "Dekstop", alice, SIZE)


def test_members_of_the_group_may(make_type: Callable[..., Any], alice: Any, bob: Any) -> None:
    make_type("Cluster", options={"group": ["Elsewhere", GROUP]})
    assert [reserve_for_user("Cluster", user, SIZE, WEB).session.owner for user in (alice, bob)] == [alice, bob]


def test_who_is_not_in_the_group_is_told_no_more_than_of_an_unknown_type(
    make_type: Callable[..., Any], charlie: Any
) -> None:
    make_type("Cluster", options={"group": GROUP})
    message = "There is no session type 'Cluster' that you may use."
    refuse(UnknownTypeError, message, reserve_for_user, "Cluster", charlie, SIZE)


def test_a_superuser_needs_the_group_too(make_type: Callable[..., Any], make_user: Callable[..., Any]) -> None:
    make_type("Cluster", options={"group": GROUP})
    message = "There is no session type 'Cluster' that you may use."
    refuse(UnknownTypeError, message, reserve_for_user, "Cluster", make_user("root", is_superuser=True), SIZE)


def test_a_group_that_does_not_exist_admits_nobody_until_it_does(
    make_type: Callable[..., Any], charlie: Any, django_user_model: Any
) -> None:
    make_type("Late", options={"group": "Latecomers"})
    message = "There is no session type 'Late' that you may use."
    refuse(UnknownTypeError, message, reserve_for_user, "Late", charlie, SIZE)
    charlie.groups.create(name="Latecomers")
    assert reserve_for_user("Late", charlie, SIZE, WEB).session.index == 0


def test_before_any_type_has_been_read_one_is_told_to_try_again(alice: Any) -> None:
    message = (
        "There is no session type 'Pattern' that you may use. The session types are still being read; "
        "try again in a moment."
    )
    refuse(UnknownTypeError, message, reserve_for_user, "Pattern", alice, SIZE)


def test_while_launching_is_switched_off_nobody_may(make_type: Callable[..., Any], alice: Any) -> None:
    make_type()
    Site.load()
    Site.objects.update(external_sessions_enabled=False)
    message = "Launching sessions is switched off at this site at the moment."
    refuse(SwitchedOffError, message, reserve_for_user, "Pattern", alice, SIZE)


@pytest.mark.parametrize("kind, name", [("type", "Cluster"), ("host", "n8")])
def test_what_is_drained_takes_no_new_session_and_says_why(
    make_type: Callable[..., Any], alice: Any, kind: str, name: str
) -> None:
    make_type("Cluster", options={"host": "n8"})
    make_type("Other", options={"host": "n9"})
    Drain.objects.create(kind=kind, name=name, text="Its disks are replaced until noon.")
    message = "'Cluster' takes no new sessions at the moment. Its disks are replaced until noon."
    refuse(SwitchedOffError, message, reserve_for_user, "Cluster", alice, SIZE)
    reserve_for_user("Other", alice, SIZE, WEB)


def test_the_rest_is_refused_a_drained_type_too(make_type: Callable[..., Any]) -> None:
    make_type()
    Drain.objects.create(kind="type", name="Pattern")
    message = "'Pattern' takes no new sessions at the moment."
    refuse(SwitchedOffError, message, reserve_for_rest, "Pattern", SIZE, by=REST)


def test_a_session_has_the_name_that_its_user_gives_it(make_type: Callable[..., Any], alice: Any) -> None:
    make_type()
    session = reserve_for_user("Pattern", alice, SIZE, WEB, title=" Wing,\n fine\0 mesh " + "x" * 100).session
    assert session.title == ("Wing, fine mesh " + "x" * 100)[:80]


def test_the_types_own_limit_counts_a_users_live_sessions_of_it(
    make_type: Callable[..., Any], alice: Any, bob: Any
) -> None:
    make_type("Desktop", count=9, limits={"per_user": 2})
    make_type("Other", count=9)
    for name in ("Desktop", "Desktop", "Other"):
        reserve_for_user(name, alice, SIZE, WEB)
    reserve_for_user("Desktop", bob, SIZE, WEB)
    message = "You have 2 live session(s) of 'Desktop', as many as one may have. Stop one first."
    refuse(LimitReachedError, message, reserve_for_user, "Desktop", alice, SIZE)
    Session.objects.filter(index=0, type_name="Desktop").update(state=State.ENDED)
    reserve_for_user("Desktop", alice, SIZE, WEB)


def test_the_sites_limit_counts_a_users_live_sessions_of_all_types(
    make_type: Callable[..., Any], alice: Any, bob: Any, settings: Any
) -> None:
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, per_user_total=2)
    make_type("One", count=9)
    make_type("Two", count=9)
    for user in (alice, bob):
        reserve_for_user("One", user, SIZE, WEB)
        reserve_for_user("Two", user, SIZE, WEB)
    message = "You have 2 live sessions, as many as one may have. Stop one first."
    refuse(LimitReachedError, message, reserve_for_user, "One", alice, SIZE)
    Session.objects.filter(owner=alice, type_name="Two").update(state=State.FAILED)
    reserve_for_user("One", alice, SIZE, WEB)


def test_the_limits_of_a_session_stay_as_they_were_when_it_was_reserved(
    make_type: Callable[..., Any], alice: Any
) -> None:
    found = make_type(limits={"linger": 3})
    session = reserve_for_user("Pattern", alice, SIZE, WEB).session
    found.stored_definition["limits"]["linger"] = 99.0
    found.save()
    session.refresh_from_db()
    assert session.limits.linger == 3


# ---- the stand-alone REST's -------------------------------------------------------------------------------


def test_a_rest_client_gets_a_slot_of_nobody_that_nothing_starts_yet(
    make_type: Callable[..., Any], nudged: list[str]
) -> None:
    make_type()
    session = reserve_for_rest("Pattern", SIZE, REST).session
    assert (session.owner, session.username, session.door, session.wanted) == (None, "", "rest", "")
    assert session.options == {"username": "", "size": "1600x1200"}
    assert nudged == []


def test_a_rest_client_may_say_for_whom(make_type: Callable[..., Any]) -> None:
    make_type()
    session = reserve_for_rest("Pattern", {"username": "u" * 256}, REST).session
    session.refresh_from_db()
    assert (session.owner, session.username, session.options) == (None, "u" * 150, {"username": "u" * 256})


def test_limits_per_user_do_not_count_for_rest_clients(
    make_type: Callable[..., Any], alice: Any, settings: Any
) -> None:
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, per_user_total=1)
    make_type(count=9, limits={"per_user": 1})
    for _ in range(3):
        reserve_for_rest("Pattern", {"username": "alice"}, REST)
    reserve_for_user("Pattern", alice, SIZE, WEB)


@pytest.mark.parametrize("asked", ["Nothing", "Closed"])
def test_a_type_that_is_unknown_or_closed_to_rest_is_refused(make_type: Callable[..., Any], asked: str) -> None:
    make_type("Closed", rest=False)
    refuse(UnknownTypeError, f"There is no session type '{asked}' here.", reserve_for_rest, asked, SIZE, by=REST)


def test_a_type_that_is_closed_to_rest_is_open_to_users(make_type: Callable[..., Any], alice: Any) -> None:
    make_type("Closed", rest=False)
    reserve_for_user("Closed", alice, SIZE, WEB)


def test_a_type_with_a_group_is_reserved_for_a_member(make_type: Callable[..., Any], alice: Any) -> None:
    make_type("Cluster", options={"group": GROUP})
    session = reserve_for_rest("Cluster", {"username": "alice"}, REST).session
    assert (session.owner, session.username) == (None, "alice")


@pytest.mark.parametrize("named", ["", "charlie", "nobody"])
def test_a_type_with_groups_needs_the_username_of_a_member(
    make_type: Callable[..., Any], alice: Any, charlie: Any, named: str
) -> None:
    make_type("Cluster", options={"group": [GROUP, "Elsewhere"]})
    options = {"username": named} if named else {}
    message = (
        "The type 'Cluster' is for members of ClusterRendering or Elsewhere; expected the username of one, "
        f"found '{named}'."
    )
    refuse(NotAllowedError, message, reserve_for_rest, "Cluster", options, by=REST)


def test_a_member_who_was_deactivated_is_none(make_type: Callable[..., Any], alice: Any) -> None:
    make_type("Cluster", options={"group": GROUP})
    alice.is_active = False
    alice.save()
    message = "The type 'Cluster' is for members of ClusterRendering; expected the username of one, found 'alice'."
    refuse(NotAllowedError, message, reserve_for_rest, "Cluster", {"username": "alice"}, by=REST)


def test_rest_clients_are_refused_while_launching_is_switched_off(make_type: Callable[..., Any]) -> None:
    make_type()
    Site.load()
    Site.objects.update(external_sessions_enabled=False)
    message = "Launching sessions is switched off at this site at the moment."
    refuse(SwitchedOffError, message, reserve_for_rest, "Pattern", SIZE, by=REST)


def test_rest_clients_share_the_slots_with_users(make_type: Callable[..., Any], alice: Any) -> None:
    make_type(count=1)
    reserve_for_user("Pattern", alice, SIZE, WEB)
    message = "The only slot of 'Pattern' is in use. Try again when somebody has finished."
    refuse(NoFreeSlotError, message, reserve_for_rest, "Pattern", SIZE, by=REST)


# ---- the operator's ---------------------------------------------------------------------------------------


def test_an_operator_needs_neither_group_nor_switch(make_type: Callable[..., Any], nudged: list[str]) -> None:
    make_type("Cluster", options={"group": GROUP, "sizes": ["1x1", "2x2"]}, rest=False)
    Site.load()
    Site.objects.update(external_sessions_enabled=False)
    session = reserve_for_operator("Cluster", {"size": "9x9"}, COMMAND).session
    assert (session.owner, session.username, session.door, session.wanted) == (None, "", "command", "start")
    assert session.options == {"username": "", "size": "9x9"}
    assert nudged == ["supervisor"]


@pytest.mark.parametrize(("known", "expected"), [(("Desktop", "Wall"), "'Desktop', 'Wall'"), ((), "none")])
def test_an_operator_is_told_which_types_there_are(
    make_type: Callable[..., Any], known: tuple[str, ...], expected: str
) -> None:
    for name in known:
        make_type(name)
    message = f"There is no session type 'Dekstop'; expected one of {expected}."
    refuse(UnknownTypeError, message, reserve_for_operator, "Dekstop", {}, by=COMMAND)


def test_an_operators_options_are_checked(make_type: Callable[..., Any]) -> None:
    make_type(form=[{"name": "cores", "type": "number", "min": 1, "max": 4, "default": 1}])
    asked: Mapping[str, str] = {"cores": "many"}
    with pytest.raises(InvalidOptionError) as caught:
        reserve_for_operator("Pattern", asked, COMMAND)
    assert list(caught.value.fields) == ["cores"]
    assert refusals() == [(f"invalid_option: {caught.value}", "", "", "command", "Pattern")]


def test_an_operator_needs_a_free_slot(make_type: Callable[..., Any]) -> None:
    make_type(count=1)
    reserve_for_operator("Pattern", {}, COMMAND)
    message = "The only slot of 'Pattern' is in use. Try again when somebody has finished."
    refuse(NoFreeSlotError, message, reserve_for_operator, "Pattern", {}, by=COMMAND)


@pytest.mark.django_db(transaction=True)
def test_open_pages_hear_of_a_taken_slot_once_it_is_taken_for_good(
    make_type: Callable[..., Any], alice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Any] = []
    monkeypatch.setattr(reservations, "nudge_gateways", lambda session_id: heard.append(Session.objects.get().pk))
    make_type("Pattern")
    reservation = reserve_for_user("Pattern", alice, SIZE, WEB)
    assert heard == [reservation.session.pk]
