"""Viewers' rows: who comes, who leaves and how, and many of them at once."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from remote_service.errors import NotAllowedError
from remote_service.models import Gateway, Session, SessionEvent, Viewer
from remote_service.relay import visits
from remote_service.relay.closing import CLEAN, CUT
from remote_service.relay.grants import Admission, admit_again
from remote_service.relay.traffic import Traffic
from remote_service.relay.visits import Parting, Visit
from remote_service.relay.watch import GONE, Glimpse
from remote_service.reservations import Reservation
from remote_service.rfb.policy import Policy
from remote_service.states import State
from tests.unit.relay.coming import GATEWAY, come, grant_for, leave, opened
from tests.unit.relay.scopes import log_in

Reserve = Callable[..., Reservation]


def viewer(pk: int) -> Viewer:
    return Viewer.objects.get(pk=pk)


# ---- coming ----------------------------------------------------------------------------------------------


def test_a_viewer_that_comes_is_a_row_of_its_gateway_and_an_event(reserve: Reserve, alice: Any) -> None:
    session = reserve(alice).session

    log_in(alice, "hers")

    [(pk, admission)] = come(grant_for(session, alice, login="hers"))

    found = viewer(pk)
    assert (found.session, found.user, found.address) == (session, alice, "192.0.2.7")
    assert (found.gateway_id, found.closed_at, found.ending, found.superseded) == (GATEWAY, None, "", False)
    assert Gateway.objects.get().pk == GATEWAY
    assert SessionEvent.objects.filter(session=session, what="viewer opened", who="alice").count() == 1
    assert admission.glimpse == Glimpse(State.RESERVED, "", "", None, "rfb")
    assert admission.policy == Policy()


def test_all_viewers_of_a_gateway_refer_to_the_same_row(reserve: Reserve) -> None:
    session = reserve().session

    assert viewer(opened(session)).gateway == viewer(opened(session)).gateway


def test_who_comes_back_makes_good_the_lines_that_were_cut(reserve: Reserve, alice: Any, bob: Any) -> None:
    session = reserve(alice).session
    cut, other, still_open = opened(session, alice), opened(session, bob), opened(session, alice)
    Viewer.objects.filter(pk__in=[cut, other]).update(closed_at=timezone.now(), ending="cut")

    opened(session, alice)

    assert viewer(cut).superseded
    assert not viewer(other).superseded
    assert not viewer(still_open).superseded


def test_clients_of_the_rest_have_no_name_and_count_as_one(reserve: Reserve) -> None:
    session, another = reserve().session, reserve().session
    first, elsewhere = opened(session), opened(another)
    leave(first, clean=False)
    leave(elsewhere, clean=False)

    opened(session)

    assert viewer(first).superseded
    assert not viewer(elsewhere).superseded


def test_one_user_has_no_more_lines_open_to_a_session_than_so_many(
    reserve: Reserve, alice: Any, bob: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visits, "MOST_VIEWERS", 2)
    session, another = reserve(alice).session, reserve(alice).session
    first = opened(session, alice)
    opened(session, alice)

    log_in(alice, "hers")
    [refusal] = visits.write(GATEWAY, [partial(admit_again, grant_for(session, alice, login="hers"))])[0]

    assert isinstance(refusal, NotAllowedError)
    assert str(refusal) == "Who opened the websocket has 2 viewers open on this session already."
    assert Viewer.objects.count() == 2
    event = SessionEvent.objects.get(session=session, what="viewer refused")
    assert (event.who, event.why) == ("alice", str(refusal))
    # Others, other sessions, and who closes one are none the worse for it.
    assert opened(session, bob)
    assert opened(another, alice)
    leave(first, clean=True)
    assert opened(session, alice)


def test_clients_of_the_rest_are_as_many_as_come(reserve: Reserve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "MOST_VIEWERS", 2)
    session = reserve().session

    assert len({opened(session) for _ in range(4)}) == 4


# ---- leaving ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("clean", "ending"), [(True, "clean"), (False, "cut")])
def test_a_viewer_that_leaves_is_written_once(reserve: Reserve, alice: Any, clean: bool, ending: str) -> None:
    session = reserve(alice).session
    pk = opened(session, alice)

    assert leave(pk, clean=clean) == {Parting(session.pk, soon=False)}
    first = viewer(pk)
    assert leave(pk, clean=not clean) == set()

    assert (viewer(pk).ending, viewer(pk).closed_at) == (ending, first.closed_at)
    assert first.closed_at is not None
    assert not first.superseded


@pytest.mark.parametrize("clean", [True, False])
def test_with_which_code_it_was_sent_away_is_written(reserve: Reserve, clean: bool) -> None:
    pk = opened(reserve().session)

    leave(pk, clean=clean, close_code=4008)
    assert leave(pk, clean=clean, close_code=1000) == set()

    assert viewer(pk).close_code == 4008


def test_a_code_that_is_known_only_later_is_added_and_changes_nothing_else(reserve: Reserve) -> None:
    session = reserve().session
    pk = opened(session)
    leave(pk, clean=False)
    first = viewer(pk)

    assert leave(pk, clean=True, close_code=1000) == {Parting(session.pk, soon=False)}

    found = viewer(pk)
    assert found.close_code == 1000
    assert (found.ending, found.closed_at, found.superseded) == ("cut", first.closed_at, first.superseded)


def test_a_viewer_that_was_never_there_is_no_harm(db: None) -> None:
    assert leave(4711, clean=True) == leave(4711, clean=True, close_code=1000) == set()


@pytest.mark.parametrize(
    ("limits", "clean", "soon"),
    [
        ({"linger": 0}, True, True),
        ({"linger": 0}, False, False),
        ({"reconnect": 0.5}, False, True),
        ({"reconnect": 0.5}, True, False),
        ({"linger": 1}, True, False),
        ({"linger": None}, True, False),
    ],
)
def test_it_is_said_when_the_session_may_end_at_once(
    reserve: Reserve, put: Callable[..., Session], limits: dict[str, Any], clean: bool, soon: bool
) -> None:
    session = reserve().session
    put(session, State.RUNNING, stored_limits={**session.stored_limits, **limits})

    assert leave(opened(session), clean=clean) == {Parting(session.pk, soon=soon)}


def test_a_line_that_is_found_cut_after_its_user_came_back_does_not_count(reserve: Reserve, alice: Any) -> None:
    session = reserve(alice).session
    old, new = opened(session, alice), opened(session, alice)

    leave(new, clean=True)
    leave(old, clean=False)

    assert viewer(old).superseded
    assert not viewer(new).superseded


def test_of_two_lines_that_are_cut_the_later_one_counts(reserve: Reserve, alice: Any) -> None:
    session = reserve(alice).session
    old, new = opened(session, alice), opened(session, alice)

    leave(new, clean=False)
    leave(old, clean=False)

    assert [viewer(pk).superseded for pk in (old, new)] == [True, False]


def test_an_older_window_that_is_closed_counts_beside_a_newer_one(reserve: Reserve, alice: Any) -> None:
    session = reserve(alice).session
    old, _new = opened(session, alice), opened(session, alice)

    leave(old, clean=True)

    assert not viewer(old).superseded


@pytest.mark.parametrize("clean", [True, False])
def test_that_staff_had_a_look_does_not_count(
    reserve: Reserve, alice: Any, make_user: Callable[..., Any], clean: bool
) -> None:
    staff = make_user("staff")
    of_alice, of_rest = reserve(alice).session, reserve().session
    looks = [opened(of_alice, staff), opened(of_rest, staff)]

    for pk in looks:
        leave(pk, clean=clean)

    assert all(viewer(pk).superseded for pk in looks)


# ---- many at once ----------------------------------------------------------------------------------------


def test_who_comes_and_who_leaves_at_the_same_time_is_written_in_one_transaction(
    reserve: Reserve, alice: Any, bob: Any, django_assert_num_queries: Any
) -> None:
    session, another = reserve(alice).session, reserve(bob).session
    stays, goes = opened(session, alice), opened(another, bob)
    comes = [partial(admit_again, grant_for(one, user)) for one, user in ((session, alice), (another, bob))]

    # Two that come: two rows found and three statements each, and one that makes Bob's line good that he leaves; who
    # leaves: two, and one for what it has carried.
    with django_assert_num_queries(2 * (2 + 3) + 1 + 2 + 1 + 1 + 2):
        found, partings = visits.write(GATEWAY, comes, {goes: CLEAN}, {goes: Traffic(1, 2, 3, 4)})

    assert [one.admission.grant.user_id for one in found if isinstance(one, Visit)] == [alice.pk, bob.pk]
    assert partings == {Parting(another.pk, soon=False)}
    assert viewer(stays).closed_at is None
    assert (viewer(goes).ending, viewer(goes).bytes_down) == ("clean", 1)


def test_who_left_before_is_made_good_by_who_comes_at_the_same_time(reserve: Reserve, alice: Any) -> None:
    session = reserve(alice).session
    cut = opened(session, alice)

    visits.write(GATEWAY, [partial(admit_again, grant_for(session, alice))], {cut: CUT})

    assert viewer(cut).superseded


def test_who_is_refused_keeps_nobody_else_from_coming(reserve: Reserve) -> None:
    session = reserve().session

    def refuse() -> Admission:
        raise NotAllowedError("no")

    found, _partings = visits.write(GATEWAY, [refuse, partial(admit_again, grant_for(session))])

    assert [type(one) for one in found] == [NotAllowedError, Visit]
    assert Viewer.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_nothing_is_written_when_something_cannot_be(reserve: Reserve, alice: Any) -> None:
    session = reserve(alice).session
    stays = opened(session, alice)
    gone = Session(pk=uuid.uuid4())

    with pytest.raises(IntegrityError):
        visits.write(GATEWAY, [partial(admit_again, grant_for(one)) for one in (session, gone)], {stays: CLEAN})

    assert viewer(stays).closed_at is None
    assert Viewer.objects.count() == 1


def test_a_session_that_has_gone_is_seen_so(db: None) -> None:
    admission = admit_again(grant_for(Session(pk=uuid.uuid4())))

    assert (admission.glimpse, admission.policy) == (GONE, Policy())
