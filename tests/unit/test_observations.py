"""What a look at the database gives to the decisions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from remote_service import observations
from remote_service.ages import Ages
from remote_service.config.schema import Limits
from remote_service.decisions import Departure, Known, Runner
from remote_service.hosting.status import Phase, Status
from remote_service.models import Gateway, Session, Viewer
from remote_service.observations import GATEWAY_SILENCE, look, silent_gateways
from remote_service.states import EndReason, State

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def ago(seconds: float) -> Any:
    return NOW - timedelta(seconds=seconds)


def make_session(index: int = 0, **fields: Any) -> Session:
    return Session.objects.create(type_name="Desktop", index=index, door="web", token_hash=f"{index}", **fields)


def known(session: Session, viewers: tuple[Viewer, ...] = (), **more: Any) -> Known:
    ages = Ages()
    ages.look(1000.0, NOW)
    return observations.known(
        session, list(viewers), ages, more.get("status"), runner=more.get("runner", Runner.UNSEEN)
    )


def test_it_sees_live_sessions_with_their_viewers_in_four_queries(django_assert_num_queries: Any) -> None:
    sessions = [make_session(index) for index in range(3)]
    over = make_session(3, state=State.ENDED)
    gateway = Gateway.objects.create()
    watching = [Viewer.objects.create(session=session, gateway=gateway) for session in sessions[:2]]
    left = Viewer.objects.create(session=sessions[0], closed_at=NOW, ending=Viewer.Ending.CUT)
    Viewer.objects.create(session=sessions[0], closed_at=NOW, ending=Viewer.Ending.CUT, superseded=True)
    Viewer.objects.create(session=over)
    observations.Site.load()
    with django_assert_num_queries(4):
        seen = look()
    assert set(seen.sessions) == set(sessions)
    assert {key: set(viewers) for key, viewers in seen.viewers.items()} == {
        str(sessions[0].pk): {watching[0], left},
        str(sessions[1].pk): {watching[1]},
    }
    assert seen.viewers[str(sessions[2].pk)] == []
    assert seen.gateways == [gateway]
    assert seen.site.external_sessions_enabled is True
    assert timedelta(0) <= timezone.now() - seen.at < timedelta(seconds=5)


def test_a_reserved_session_is_known_by_its_age() -> None:
    session = make_session(state_since=ago(7), stored_limits=Limits(linger=1).model_dump(mode="json"))
    assert known(session) == Known(
        state=State.RESERVED,
        wanted="",
        wanted_reason=None,
        wanted_detail="",
        limits=Limits(linger=1),
        keep=False,
        state_age=7.0,
    )


def test_a_running_session_is_known_with_all_that_counts() -> None:
    session = make_session(
        state=State.RUNNING,
        state_since=ago(50),
        running_at=ago(50),
        last_input_at=ago(20),
        wanted="stop",
        wanted_reason=EndReason.STAFF,
        wanted_detail="Maintenance.",
        on_last_disconnect="keep",
    )
    watching = Viewer.objects.create(session=session)
    closed = Viewer.objects.create(session=session, closed_at=ago(3), ending=Viewer.Ending.CLEAN)
    cut = Viewer.objects.create(session=session, closed_at=ago(5), ending=Viewer.Ending.CUT)
    status = Status(str(session.pk), Phase.READY)
    assert known(session, (watching, closed, cut), status=status, runner=Runner.LOST) == Known(
        state=State.RUNNING,
        wanted="stop",
        wanted_reason=EndReason.STAFF,
        wanted_detail="Maintenance.",
        limits=Limits(),
        keep=True,
        state_age=50.0,
        running_age=50.0,
        unseen_age=50.0,
        input_age=20.0,
        viewers=1,
        departures=(Departure(3.0, clean=True), Departure(5.0, clean=False)),
        status=status,
        runner=Runner.LOST,
    )


def test_before_the_first_input_idle_time_counts_from_the_moment_of_running() -> None:
    assert known(make_session(state=State.RUNNING, running_at=ago(50))).input_age == 50.0


def test_nobody_pays_for_the_time_in_which_no_supervisor_ran() -> None:
    since = {"state_since": ago(500), "running_at": ago(500), "last_input_at": ago(400)}
    session, reserved = make_session(0, state=State.RUNNING, **since), make_session(1, state_since=ago(500))
    left = Viewer.objects.create(session=session, closed_at=ago(300), ending=Viewer.Ending.CLEAN)
    ages = Ages(gap=1000.0)
    for now, expected in ((0.0, 0.0), (3.0, 3.0)):
        ages.look(now, ago(-now))
        found = observations.known(session, [left], ages, None, runner=Runner.UNSEEN)
        assert (found.unseen_age, found.input_age, found.departures[0].age) == (expected,) * 3
        assert (found.state_age, found.running_age) == (500.0 + now,) * 2, "but its longest time goes on"
        assert observations.known(reserved, [], ages, None, runner=Runner.UNSEEN).state_age == expected


def test_ages_of_two_sessions_and_of_their_columns_are_kept_apart() -> None:
    one = make_session(0, state=State.RUNNING, state_since=ago(1), running_at=ago(2), last_input_at=ago(3))
    other = make_session(1, state=State.RUNNING, state_since=ago(4), running_at=ago(5), last_input_at=ago(6))
    ages = Ages()
    ages.look(0.0, NOW)
    found = [observations.known(session, [], ages, None, runner=Runner.UNSEEN) for session in (one, other)]
    assert [(each.state_age, each.running_age, each.input_age) for each in found] == [(1, 2, 3), (4, 5, 6)]


@pytest.fixture
def gateway() -> Gateway:
    return Gateway.objects.create(beats=3)


@pytest.fixture
def viewer(gateway: Gateway) -> Viewer:
    return Viewer.objects.create(session=make_session(), gateway=gateway)


@pytest.fixture
def expire() -> Callable[..., int]:
    """One look at all gateways at this many monotonic seconds; those that a clock shows while it is written."""
    seen: dict[str, tuple[int, float]] = {}

    def look_once(now: float, *clock: float) -> int:
        silent = silent_gateways(list(Gateway.objects.all()), seen, now)
        return (
            observations.expire(silent, seen, lambda write: write(), iter(clock or (now, now)).__next__)
            if silent
            else 0
        )

    return look_once


def test_the_viewers_of_a_silent_gateway_count_as_cut(expire: Callable[[float], int], viewer: Viewer) -> None:
    left = Viewer.objects.create(
        session=viewer.session, gateway=viewer.gateway, closed_at=NOW, ending=Viewer.Ending.CLEAN
    )
    assert expire(0.0) == 0
    assert expire(GATEWAY_SILENCE - 0.1) == 0
    assert expire(GATEWAY_SILENCE) == 1
    viewer.refresh_from_db()
    left.refresh_from_db()
    assert (viewer.ending, viewer.closed_at is None) == (Viewer.Ending.CUT, False)
    assert (left.ending, left.closed_at) == (Viewer.Ending.CLEAN, NOW)
    assert not Gateway.objects.exists()
    assert expire(GATEWAY_SILENCE + 1) == 0


def test_while_the_database_holds_writes_up_no_gateway_counts_as_silent(
    expire: Callable[..., int], viewer: Viewer
) -> None:
    """Its counter could not move; after that it has its whole time again."""
    assert expire(0.0) == 0
    assert expire(GATEWAY_SILENCE, GATEWAY_SILENCE, GATEWAY_SILENCE + 8, GATEWAY_SILENCE + 8) == 0
    assert expire(GATEWAY_SILENCE + 9) == 0
    late = 2 * GATEWAY_SILENCE + 8
    assert expire(late, late, late) == 1


def test_when_a_transaction_cannot_be_begun_all_gateways_have_their_whole_time_again(viewer: Viewer) -> None:
    def locked(_write: Callable[[], int]) -> int:
        raise OperationalError("database is locked")

    gateway = viewer.gateway
    assert gateway is not None
    seen = {str(gateway.pk): (3, 0.0)}
    with pytest.raises(OperationalError):
        observations.expire([gateway.pk], seen, locked, iter((10.0, 15.0)).__next__)
    assert seen == {str(gateway.pk): (3, 15.0)}
    viewer.refresh_from_db()
    assert viewer.closed_at is None


def test_a_gateway_whose_counter_moves_keeps_its_viewers(
    expire: Callable[[float], int], gateway: Gateway, viewer: Viewer
) -> None:
    for step in range(10):
        Gateway.objects.update(beats=step)
        assert expire(step * (GATEWAY_SILENCE - 1)) == 0
    viewer.refresh_from_db()
    assert (viewer.closed_at, viewer.gateway) == (None, gateway)


def test_only_the_silent_one_of_two_gateways_is_given_up(
    expire: Callable[[float], int], gateway: Gateway, viewer: Viewer
) -> None:
    alive = Gateway.objects.create()
    watching = Viewer.objects.create(session=viewer.session, gateway=alive)
    expire(0.0)
    Gateway.objects.filter(pk=alive.pk).update(beats=1)
    assert expire(GATEWAY_SILENCE) == 1
    watching.refresh_from_db()
    assert (watching.closed_at, list(Gateway.objects.all())) == (None, [alive])


def test_without_gateways_nothing_is_written(expire: Callable[[float], int], django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert expire(0.0) == 0
