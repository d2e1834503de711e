"""One supervisor's time with the lease: it looks, decides, does, and ends all sessions when that is wanted."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, cast

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError

from remote_service import decisions, leftovers, observations, supervisor
from remote_service.decisions import Runner
from remote_service.hosting.client import RunnerLink
from remote_service.hosting.status import Phase, Status
from remote_service.models import Session
from remote_service.states import EndReason, State
from remote_service.supervision import recovery, term
from remote_service.supervision.charges import Charge
from remote_service.supervision.term import Term
from tests.integration.probe_site import ProbeSite
from tests.waiting import eventually_async

# ---- looking ----------------------------------------------------------------------------------------------


async def test_a_look_that_began_before_a_session_was_over_does_not_end_it_again(
    site: ProbeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "RUNNER_GRACE", 0.5)
    running = await site.start()
    session = await site.run()
    killed: list[int] = []
    old_looks: list[observations.Look] = []

    def kill(pid: int, key: str) -> None:
        leftovers.kill_runner(pid, key)
        killed.append(pid)

    def late(function: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*arguments: Any) -> Any:
            found = await sync_to_async(function)(*arguments)
            if function is observations.look and killed and not old_looks:
                old_looks.append(found)
                await eventually_async(lambda: not running.term.charges)
            return found

        return call

    monkeypatch.setattr(recovery, "kill_runner", kill)
    monkeypatch.setattr(term, "sync_to_async", late)
    await site.freeze_runner(session)
    await site.ask_to_stop(session)
    session = await site.until(session)
    await eventually_async(lambda: site.left(session) == [])
    again = await site.run()
    assert [look.sessions for look in old_looks] == [[session]]
    assert site.calls == ["start 0", "stop 0", "start 0"]
    assert site.left(session) == []
    assert again.index == session.index


async def test_while_the_database_does_not_answer_sessions_go_on(
    site: ProbeSite, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await site.start()
    session = await site.run()
    look, failed = observations.look, asyncio.Event()

    def locked() -> observations.Look:
        if failed.is_set():
            return look()
        failed.set()
        raise OperationalError("database is locked")

    monkeypatch.setattr(observations, "look", locked)
    await asyncio.wait_for(failed.wait(), 5.0)
    await site.ask_to_stop(session)
    session = await site.until(session)
    assert session.ending == "It was stopped by its user."
    assert (
        "remote_service.supervision.term",
        logging.ERROR,
        "the database does not answer, so nothing is decided; the next look tries again: database is locked",
    ) in caplog.record_tuples


async def test_a_row_that_cannot_be_understood_is_left_alone_and_the_others_are_served(
    site: ProbeSite, caplog: pytest.LogCaptureFixture
) -> None:
    await site.start()
    session = await site.reserve()
    await Session.objects.filter(pk=session.pk).aupdate(wanted="stop", wanted_reason="whim")
    await site.run()
    assert (await Session.objects.aget(pk=session.pk)).state == State.RESERVED
    assert (
        "remote_service.supervision.term",
        logging.ERROR,
        f"session {session.pk} is left alone, since its row cannot be understood: 'whim' is not a valid EndReason",
    ) in caplog.record_tuples
    await Session.objects.filter(pk=session.pk).aupdate(wanted_reason="user")
    await site.until(session, State.ENDED)


async def test_what_fails_is_tried_again_at_the_next_look_and_does_not_spin(
    site: ProbeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = await site.start()
    drop, tries = running.term.operations.drop, 0

    async def fail_twice(*arguments: Any) -> None:
        nonlocal tries
        tries += 1
        if tries <= 2:
            raise OperationalError("database is locked")
        await drop(*arguments)

    monkeypatch.setattr(running.term.operations, "drop", fail_twice)
    monkeypatch.setattr(supervisor, "TICK", 0.25)
    session = await site.reserve()
    began = time.monotonic()
    await site.ask_to_stop(session)
    await site.until(session, State.ENDED)
    assert tries == 3
    assert time.monotonic() - began >= 0.2


async def test_the_next_start_ends_runners_whose_sessions_are_over(site: ProbeSite) -> None:
    first = await site.start()
    session = await site.run()
    await site.kill(first)
    await Session.objects.filter(pk=session.pk).aupdate(state=State.ENDED)
    assert site.left(session) != []
    await site.start()
    await eventually_async(lambda: site.left(session) == [])
    assert site.calls == ["start 0", "stop 0"]


# ---- the end ----------------------------------------------------------------------------------------------


async def test_a_session_that_cannot_be_ended_does_not_keep_the_others(
    site: ProbeSite, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = await site.start()
    session, reserved = await site.run(), await site.reserve()

    async def fail(*_arguments: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(running.term.operations, "drop", fail)
    await site.end(running)
    assert (await Session.objects.aget(pk=session.pk)).state == State.ENDED
    assert (await Session.objects.aget(pk=reserved.pk)).state == State.RESERVED
    logged = (
        "remote_service.supervision.term",
        logging.ERROR,
        f"session {reserved.pk} was not ended; the next start takes it over",
    )
    assert logged in caplog.record_tuples


class Link:
    """A link to a runner that is played: remembers orders, or has hung up."""

    def __init__(self, *, gone: bool = False) -> None:
        self.orders: list[str] = []
        self._gone = gone

    async def order(self, order: str, **_arguments: Any) -> None:
        if self._gone:
            raise BrokenPipeError(32, "Broken pipe")
        self.orders.append(order)


async def charged(site: ProbeSite, state: State, charge: Charge, **fields: Any) -> tuple[Term, Session]:
    """A session in this state, and a supervisor that looks after it and has not begun to look."""
    running = await site.term()
    session = await Session.objects.acreate(
        type_name="Probe", index=0, door="rest", token_hash="hash", state=state, **fields
    )
    running.charges[str(session.pk)] = charge
    return running, session


async def test_a_session_that_was_over_before_anybody_looked_is_ended_like_the_others(site: ProbeSite) -> None:
    link = Link()
    charge = Charge(link=cast("RunnerLink", link), status=Status("", Phase.OVER), runner=Runner.HERE)
    running, session = await charged(site, State.STARTING, charge)
    await running.end_all_sessions()
    ended = await Session.objects.aget(pk=session.pk)
    assert (ended.state, ended.end_reason) == (State.ENDED, EndReason.SERVER_STOPPED)
    assert link.orders == ["stop", "dismiss"]


async def test_a_session_that_is_over_needs_no_successor_when_its_runner_has_left(
    site: ProbeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    charge = Charge(link=cast("RunnerLink", Link(gone=True)), status=Status("", Phase.OVER), runner=Runner.LOST)
    running, session = await charged(site, State.STOPPING, charge, end_reason=EndReason.USER)
    monkeypatch.setattr(running.recovery, "recover", None)
    await running.end_all_sessions()
    ended = await Session.objects.aget(pk=session.pk)
    assert (ended.state, ended.end_reason) == (State.ENDED, EndReason.USER)


async def test_a_session_whose_runner_leaves_while_it_stops_is_ended_all_the_same(site: ProbeSite) -> None:
    charge = Charge(link=cast("RunnerLink", Link(gone=True)), status=Status("", Phase.STOPPING), runner=Runner.HERE)
    running, session = await charged(site, State.STOPPING, charge, end_reason=EndReason.USER)
    await running.end_all_sessions()
    ended = await Session.objects.aget(pk=session.pk)
    assert (ended.state, ended.end_reason) == (State.ENDED, EndReason.USER)
