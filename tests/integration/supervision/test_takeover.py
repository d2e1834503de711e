"""Several supervisors and one lease: who has it supervises, who waits takes over, who has lost it changes nothing."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError

from remote_service import lease, lifecycle, supervisor
from remote_service.decisions import Action, Decision
from remote_service.hosting.machine import place_of
from remote_service.lease import Fence, FencedError
from remote_service.leftovers import socket_path
from remote_service.models import Lease, Session, SessionEvent, SessionType, Site
from remote_service.states import EndReason, State
from tests.integration.probe_site import Probed, ProbeSite
from tests.waiting import eventually_async

LEASE_TIME = 1.0
STOP = Decision(Action.STOP, EndReason.USER)


@pytest.fixture
def site(site: ProbeSite) -> ProbeSite:
    """One whose lease runs out soon."""
    site.settings = replace(site.settings, lease_time=LEASE_TIME)
    return site


async def supervises(one: Probed, epoch: int, within: float = 8.0) -> float:
    """Waits until a supervisor holds the lease of this epoch; for how many seconds."""
    began = time.monotonic()
    await eventually_async(lambda: hasattr(one, "fence") and one.fence.epoch == epoch, within)
    return time.monotonic() - began


async def everything(*models: type[Any]) -> list[Any]:
    """All that stands in these tables."""
    return [[row async for row in model.objects.order_by("pk").values()] for model in models]


# ---- standing by ------------------------------------------------------------------------------------------


async def test_a_second_one_stands_by_and_does_nothing(site: ProbeSite, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        first, second = await site.start(), await site.start()
    place = place_of(site.settings.run_dir)
    assert f"another supervisor is at work ({place}, epoch 1); standing by" in caplog.messages
    await site.run()
    assert (first.fence.epoch, hasattr(second, "fence")) == (1, False)
    assert second.catalogue.entries == {}
    await site.end(second)
    assert await Session.objects.filter(state=State.RUNNING).acount() == 1, "who stands by ends no sessions"
    assert caplog.messages[-1] == (
        f"another supervisor ({place}, process {os.getpid()}) holds the sessions, which go on; Ctrl-C there ends them"
    )


async def test_of_two_that_begin_together_one_supervises(site: ProbeSite) -> None:
    both = [site.begin(), site.begin()]
    await eventually_async(lambda: all(each.ready.is_set() for each in both), within=8.0)
    assert [hasattr(each, "fence") for each in both].count(True) == 1
    assert await site.run()


@pytest.mark.parametrize("how", ["stopped", "ended", "killed"])
async def test_when_the_first_one_is_no_more_the_next_takes_over_at_once(site: ProbeSite, how: str) -> None:
    site.settings = replace(site.settings, lease_time=5.0)
    first, second = await site.start(), await site.start()
    session = await site.run(mark="blue")
    await {"stopped": site.stop, "ended": site.end, "killed": site.kill}[how](first)
    assert await supervises(second, 2) < 2.0
    if how == "ended":
        assert site.calls == ["start 0 blue", "stop 0 blue"]
        return
    await site.adopted(second, session)
    await site.ask_to_stop(session)
    await site.until(session, State.ENDED)
    assert site.calls == ["start 0 blue", "stop 0 blue"]


async def test_one_that_has_stood_by_for_a_while_has_the_types_ready(site: ProbeSite) -> None:
    first, second = await site.start(), await site.start()
    await eventually_async(lambda: second.ready_hosts, within=20.0)
    before = await everything(Site, SessionType)
    hosts = second.ready_hosts
    assert await everything(Site, SessionType) == before
    assert site.calls == []

    site.pause(first)
    await supervises(second, 2)
    session = await site.run(mark="blue")

    assert [entry.host.pid for entry in second.catalogue.entries.values()] == hosts
    assert site.calls == ["start 0 blue"]
    await site.ask_to_stop(session)
    await site.until(session, State.ENDED)


async def test_when_the_first_one_does_not_go_on_the_next_takes_over_within_twice_the_leases_time(
    site: ProbeSite,
) -> None:
    first, second = await site.start(), await site.start()
    session = await site.run(mark="blue")
    await asyncio.sleep(LEASE_TIME)
    assert not hasattr(second, "fence"), "the lease was renewed"
    site.pause(first)
    assert await supervises(second, 2) < 2 * LEASE_TIME
    await site.adopted(second, session)
    assert site.calls == ["start 0 blue"]


async def test_one_whose_loop_hangs_is_succeeded_although_it_could_renew(site: ProbeSite) -> None:
    site.settings = replace(site.settings, lease_time=0.5)
    first, second = await site.start(), await site.start()

    go_on = asyncio.Event()

    async def hang() -> None:
        await go_on.wait()

    first.term.tick = hang  # type: ignore[method-assign, assignment]
    took = await supervises(second, 2)
    go_on.set()
    assert 0.5 < took < 0.5 * (supervisor.MOST_LOOKS + 2)


# ---- the fence --------------------------------------------------------------------------------------------


async def test_whatever_one_does_that_was_overtaken_changes_nothing(
    site: ProbeSite, caplog: pytest.LogCaptureFixture
) -> None:
    site.write(Probe={"count": 4})
    first, second = await site.start(), await site.start()
    running, reserved, other = await site.run(mark="blue"), await site.reserve(), await site.reserve()
    await site.adopted(first, running)
    site.pause(first)
    await supervises(second, 2)
    running = await site.adopted(second, running)
    kept = second.term.charges[str(running.pk)]
    await eventually_async(lambda: second.term.loaded and kept.remembered, within=8.0)
    rows = await everything(Session, SessionEvent, Lease, SessionType, Site)
    processes = site.processes(running)

    late = first.term
    charge = late.charges[str(running.pk)]
    attempts: list[Callable[[], Awaitable[Any]]] = [
        late.rows.check,
        lambda: late.operations.launch(reserved, charge),
        lambda: late.operations.drop(other, STOP),
        lambda: late.operations.stop(running, charge, STOP),
        lambda: late.recovery.recover(running, EndReason.RUNNER_LOST),
        lambda: late.recovery.succeed(running, charge),
        lambda: late.recovery.declare(running, STOP),
        lambda: late.recovery.end_without_script(running),
        lambda: late.runners.fork(reserved),
        lambda: late.runners.replace(running),
        lambda: late.rows.write(lifecycle.remember, running.pk, "late", "", []),
        lambda: late.rows.write(lifecycle.doubt, running.pk, "late"),
    ]
    for attempt in attempts:
        with pytest.raises(FencedError):
            await attempt()
    for attempt in (first.fence.check, lambda: first.fence.write(list)):
        with pytest.raises(FencedError):
            await sync_to_async(attempt)()
    await sync_to_async(first.fence.give_back)()
    assert charge.link is not None
    with suppress(OSError):  # refused, and hung up on
        await charge.link.order("stop", timeout=1.0)
        await charge.link.order("dismiss")

    now = await everything(Session, SessionEvent, Lease, SessionType, Site)
    assert now[:2] + now[3:] == rows[:2] + rows[3:]
    assert (now[2][0]["epoch"], now[2][0]["holder"]) == (2, second.fence.holder)
    assert (site.processes(running), site.calls) == (processes, ["start 0 blue"])
    assert not any(socket_path(site.settings.run_dir, str(each.pk)).exists() for each in (reserved, other))


async def test_one_that_wakes_up_after_it_was_overtaken_stands_by_and_may_take_over_again(
    site: ProbeSite, caplog: pytest.LogCaptureFixture
) -> None:
    site.write(Probe={"count": 4, "limits": {"reservation_timeout": 600}})
    first, second = await site.start(), await site.start()
    sessions = [await site.run(mark=colour) for colour in ("blue", "red")]
    for session in sessions:
        await site.adopted(first, session)
    site.pause(first)
    await supervises(second, 2)
    for session in sessions:
        await site.adopted(second, session)
    await site.ask_to_stop(sessions[0])
    await site.until(sessions[0], State.ENDED)
    fresh = await site.run(mark="grey")
    rows, calls = await everything(Session, SessionEvent), site.calls

    site.wake(first)
    overtaken = ("remote_service.supervisor", logging.WARNING, "another supervisor has taken over; standing by")
    await eventually_async(lambda: overtaken in caplog.record_tuples, within=8.0)
    assert first.catalogue.entries == {}
    assert (await everything(Session, SessionEvent), site.calls) == (rows, calls)

    await site.stop(second)
    await supervises(first, 3)
    for session in (sessions[1], fresh):
        assert (await site.adopted(first, session)).state == State.RUNNING
        await site.ask_to_stop(session)
        await site.until(session, State.ENDED)
    assert sorted(site.calls) == sorted([*calls, "stop 1 red", f"stop {fresh.index} grey"])


async def test_the_runner_tells_in_the_sessions_log_whom_it_refused(site: ProbeSite) -> None:
    first, second = await site.start(), await site.start()
    session = await site.run()
    await site.adopted(first, session)
    site.pause(first)
    await supervises(second, 2)
    await site.adopted(second, session)
    charge = first.term.charges[str(session.pk)]
    assert charge.link is not None
    await charge.link.order("stop", timeout=1.0)
    log = site.settings.session_logs / f"{session.pk}.log"
    refused = "an order of the epoch 1 is refused: a supervisor of 2 has taken over"
    await eventually_async(lambda: refused in log.read_text())
    await eventually_async(lambda: charge.runner == "lost")
    assert (await Session.objects.aget(pk=session.pk)).state == State.RUNNING


async def test_one_that_is_overtaken_while_it_loads_publishes_nothing(
    site: ProbeSite, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    load, loaded, go_on = supervisor.load_catalogue, asyncio.Event(), asyncio.Event()

    async def slowly(settings: Any) -> Any:
        found = await load(settings)
        loaded.set()
        try:
            await go_on.wait()
        except asyncio.CancelledError:
            await found.close()
            raise
        return found

    monkeypatch.setattr(supervisor, "load_catalogue", slowly)
    first = site.begin()
    await asyncio.wait_for(loaded.wait(), 8.0)
    assert await sync_to_async(lambda: lease.take(lease.look(), "n9:/srv/state/run"))()
    go_on.set()
    overtaken = ("remote_service.supervisor", logging.WARNING, "another supervisor has taken over; standing by")
    await eventually_async(lambda: overtaken in caplog.record_tuples, within=8.0)
    assert await SessionType.objects.acount() == 0
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert first.catalogue.entries == {}


# ---- stop() -----------------------------------------------------------------------------------------------


async def test_one_that_stops_gives_the_lease_back_and_ends_nothing_but_its_script_hosts(site: ProbeSite) -> None:
    running = await site.start()
    session = await site.run()
    processes, hosts = site.processes(session), [entry.host for entry in running.catalogue.entries.values()]
    await site.stop(running)
    assert (await Lease.objects.aget()).holder == ""
    assert [host.alive for host in hosts] == [False]
    assert (site.processes(session), site.calls) == (processes, ["start 0"])
    assert (await Session.objects.aget(pk=session.pk)).state == State.RUNNING


async def test_what_is_under_way_when_it_stops_is_done_once(site: ProbeSite) -> None:
    site.write(Probe={"count": 9})
    running = await site.start()
    stopping = await site.run(**{"stop takes": "0.3"})
    launched = [await site.launch() for _ in range(4)]
    await site.ask_to_stop(stopping)
    await site.until(stopping, State.STOPPING)
    await site.stop(running)
    await site.start()
    assert (await site.until(stopping)).ending == "It was stopped by its user."
    for session in launched:
        await site.until(session, State.RUNNING)
    assert sorted(site.calls) == sorted([*(f"start {index}" for index in range(5)), "stop 0"])


async def test_what_cannot_be_done_in_time_when_it_stops_is_not_taken_for_a_failure(
    site: ProbeSite, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(supervisor, "SETTLE_PATIENCE", 0.1)
    running = await site.start()
    move = running.term.rows.move

    async def slowly(*arguments: Any, **keywords: Any) -> bool:
        await asyncio.sleep(0.5)
        return await move(*arguments, **keywords)

    monkeypatch.setattr(running.term.rows, "move", slowly)
    session = await site.launch()
    await eventually_async(lambda: any(charge.busy for charge in running.term.charges.values()))
    await site.stop(running)
    await site.start()
    await site.until(session, State.RUNNING)
    assert site.calls == ["start 0"]
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR]


# ---- without a database -----------------------------------------------------------------------------------


def failing(times: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which the database does not answer at first."""
    left = iter(range(times))

    def call(*arguments: Any, **keywords: Any) -> Any:
        if next(left, None) is not None:
            raise OperationalError("database is locked")
        return function(*arguments, **keywords)

    return call


@pytest.mark.parametrize(
    ("where", "level", "message"),
    [
        ((lease, "look"), logging.ERROR, "the database does not answer, so nobody can supervise; trying again: "),
        ((Fence, "renew"), logging.WARNING, "the lease could not be renewed; trying again: "),
        (
            (supervisor, "publish"),
            logging.ERROR,
            "the database does not answer, so the types are not published; trying again: ",
        ),
    ],
    ids=["taking", "renewing", "publishing"],
)
async def test_what_the_database_does_not_answer_is_tried_again(
    site: ProbeSite,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    where: tuple[Any, str],
    level: int,
    message: str,
) -> None:
    monkeypatch.setattr(*where, failing(2, getattr(*where)))
    running = await site.start()
    await site.run()
    logged = ("remote_service.supervisor", level, f"{message}database is locked")
    await eventually_async(lambda: caplog.record_tuples.count(logged) == 2)
    assert running.fence.epoch == 1


async def test_a_lease_that_cannot_be_given_back_runs_out(
    site: ProbeSite, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = await site.start(), await site.start()
    session = await site.run()
    monkeypatch.setattr(first.fence, "give_back", failing(1, first.fence.give_back))
    await site.stop(first)
    assert await supervises(second, 2) < 2 * LEASE_TIME
    assert (await site.adopted(second, session)).state == State.RUNNING


# ---- a supervisor before the lease ------------------------------------------------------------------------


async def test_beside_a_server_before_the_lease_it_stands_by_until_that_has_ended(
    site: ProbeSite, caplog: pytest.LogCaptureFixture
) -> None:
    with open(site.settings.state_dir / "server.pid", "w+b") as theirs:
        fcntl.flock(theirs, fcntl.LOCK_EX)
        ours = site.begin()
        await eventually_async(ours.ready.is_set, within=8.0)
        assert [message for message in caplog.messages if "which knows no lease, is at work" in message]
        assert not hasattr(ours, "fence")
    await supervises(ours, epoch=1)
