"""What the supervisor does with a session when something is not as it should be."""

from __future__ import annotations

import logging
import os
import platform
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from asgiref.sync import sync_to_async

from remote_service import details, lifecycle
from remote_service.answers import Poll
from remote_service.decisions import Action, Decision, Runner
from remote_service.endpoints import Endpoint
from remote_service.hosting.client import RunnerLink
from remote_service.hosting.programs import Program
from remote_service.hosting.status import Phase, Status, StopOutcome
from remote_service.models import Session
from remote_service.sealing import unseal
from remote_service.states import EndReason, State
from remote_service.supervision import recovery
from remote_service.supervision.charges import Charge
from remote_service.supervision.rows import Rows
from tests.integration.probe_site import Probed, ProbeSite
from tests.waiting import eventually_async

STOP = Decision(Action.STOP, EndReason.USER)


def host_of(supervisor: Probed, type_name: str = "Probe") -> int:
    """The process id of a type's script host."""
    return supervisor.catalogue.entries[type_name].host.pid


# ---- launches ---------------------------------------------------------------------------------------------


async def test_a_script_host_that_was_killed_is_started_again_once(site: ProbeSite) -> None:
    site.write(Probe={"count": 5})
    supervisor = await site.start()
    killed = host_of(supervisor)
    os.kill(killed, signal.SIGKILL)
    launched = [await site.launch() for _ in range(5)]
    assert {(await site.until(session, State.RUNNING)).index for session in launched} == set(range(5))
    assert host_of(supervisor) != killed
    assert len(site.calls) == 5


async def test_a_script_that_cannot_be_loaded_again_fails_the_launch(
    site: ProbeSite, caplog: pytest.LogCaptureFixture
) -> None:
    supervisor = await site.start()
    os.kill(host_of(supervisor), signal.SIGKILL)
    (site.directory / "probe.py").write_text("def\n")
    session = await site.until(await site.launch())
    assert (session.state, session.end_reason) == (State.FAILED, EndReason.START_FAILED)
    assert session.ending == "It could not be started. The script could not be loaded again: syntax."
    logged = f"session {session.pk} could not be launched: The script could not be loaded again: syntax."
    assert ("remote_service.supervision.operations", logging.ERROR, logged) in caplog.record_tuples
    assert site.left(session) == []


async def test_a_type_that_was_removed_before_the_launch_fails_it(site: ProbeSite) -> None:
    await site.start()
    reserved = await site.reserve()
    site.write(Other={})
    await site.reloaded(await site.ask_to_reload())
    await sync_to_async(lifecycle.ask_to_start)(reserved.pk, lifecycle.SUPERVISOR)
    session = await site.until(reserved)
    assert session.ending == "It could not be started. The type 'Probe' is not in the sessions file any more."
    assert (await site.history(session))[-1] == ("fail", session.ending)


async def test_a_slot_that_was_removed_before_the_launch_fails_it(site: ProbeSite) -> None:
    await site.start()
    await site.reserve()
    second = await site.reserve()
    site.write(Probe={"count": 1})
    await site.reloaded(await site.ask_to_reload())
    await sync_to_async(lifecycle.ask_to_start)(second.pk, lifecycle.SUPERVISOR)
    session = await site.until(second)
    assert session.ending == "It could not be started. The type 'Probe' has 1 of its slots left, and this is number 2."
    assert site.calls == []


async def test_what_the_system_says_of_our_files_is_for_the_log_and_not_for_the_user(
    site: ProbeSite, caplog: pytest.LogCaptureFixture
) -> None:
    await site.start()
    site.settings.session_logs.rename(site.settings.session_logs.with_name("moved"))
    site.settings.session_logs.write_text("no directory")
    session = await site.until(await site.launch())
    assert session.ending == "It could not be started. The server could not prepare it."
    assert f"could not be launched: [Errno 20] Not a directory: '{site.settings.session_logs}" in caplog.text


async def test_a_token_that_cannot_be_opened_fails_the_launch(site: ProbeSite, settings: Any) -> None:
    await site.start()
    session = await site.reserve()
    settings.SECRET_KEY = "another key"
    await sync_to_async(lifecycle.ask_to_start)(session.pk, lifecycle.SUPERVISOR)
    session = await site.until(session)
    assert session.ending == (
        "It could not be started. A sealed secret cannot be opened: SECRET_KEY has changed since it was stored."
    )
    assert site.calls == []


async def test_a_launch_that_somebody_else_has_begun_is_not_begun_again(site: ProbeSite) -> None:
    supervisor = await site.start()
    session = await site.run()
    seen_before = await Session.objects.aget(pk=session.pk)
    seen_before.state = State.RESERVED
    await supervisor.term.operations.launch(seen_before, Charge())
    assert site.calls == ["start 0"]
    assert (await Session.objects.aget(pk=session.pk)).state == State.RUNNING


# ---- what the row keeps -----------------------------------------------------------------------------------


async def test_what_a_successor_needs_is_sealed_in_the_row(site: ProbeSite) -> None:
    await site.start()
    session = await site.run(mark="blue", password="secret12")
    assert '"mark": "blue"' in unseal(session.sealed_script_state)
    assert unseal(session.sealed_password) == "secret12"
    assert "blue" not in session.sealed_script_state
    assert "secret12" not in str(session.stored_endpoint)


async def test_what_has_not_changed_is_not_written_again(site: ProbeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    monkeypatch.setattr(lifecycle, "remember", lambda *values: written.append(values))
    doing, charge, session = (await site.term()).operations, Charge(), await make(State.STARTING)
    await doing.remember(session, charge)
    starting = Status(str(session.pk), Phase.STARTING, progress="The node boots.")
    for status in (
        Status(str(session.pk)),
        starting,
        starting,
        replace(starting, state={"job": 7}),
        replace(starting, state={"job": 7}, programs=(Program(4711, 99, "xterm"),)),
        Status(str(session.pk)),
    ):
        charge.status = status
        await doing.remember(session, charge)
    assert [(key, progress) for key, progress, *_ in written] == [(session.pk, "The node boots.")] * 3
    assert [unseal(state) for _, _, state, _ in written] == ["", '{"job": 7}', '{"job": 7}']
    assert [programs for *_, programs in written] == [[], [], [[4711, 99, "xterm"]]]


async def test_that_nothing_is_known_is_kept_with_its_reason(site: ProbeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    monkeypatch.setattr(lifecycle, "doubt", lambda _key, why: written.append(why))
    doing, charge, session = (await site.term()).operations, Charge(), await make(State.RUNNING)
    for poll in (Poll.alive(), Poll.unknown("No answer."), Poll.unknown("No answer."), Poll.alive(), Poll.alive()):
        charge.status = Status(str(session.pk), Phase.READY, poll=poll)
        await doing.remember(session, charge)
        session.unknown_reason = written[-1] if written else ""
    charge.miss("It is elsewhere.")
    await doing.remember(session, charge)
    assert written == ["No answer.", "", "It is elsewhere."]


async def test_one_of_which_nothing_was_heard_is_not_said_to_be_known(
    site: ProbeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "doubt", lambda *_: pytest.fail("nobody knows any more than before"))
    session = await make(State.RUNNING, unknown_reason="It is elsewhere.")
    await (await site.term()).operations.remember(session, Charge())


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        (Endpoint.tcp("n8", 5901), "n8"),
        (Endpoint.tcp("localhost", 5901), platform.node()),
        (Endpoint.unix("/run/vnc.sock"), platform.node()),
    ],
)
async def test_where_it_runs_is_kept_when_it_is_reached(site: ProbeSite, endpoint: Endpoint, host: str) -> None:
    doing, session = (await site.term()).operations, await make(State.STARTING)
    await doing.reached(session, Charge(status=Status(str(session.pk), endpoint=endpoint)))
    assert (await Session.objects.aget(pk=session.pk)).host == host


# ---- ends -------------------------------------------------------------------------------------------------


class Gone:
    """A link to a runner that has hung up."""

    async def order(self, _order: str, **_arguments: Any) -> None:
        raise BrokenPipeError(32, "Broken pipe")


GONE = cast("RunnerLink", Gone())


async def make(state: State, **fields: Any) -> Session:
    """A session in this state, without history."""
    return await Session.objects.acreate(
        type_name="Probe", index=0, door="rest", token_hash="hash", state=state, **fields
    )


async def test_a_runner_that_has_left_when_it_is_to_stop_is_lost(site: ProbeSite) -> None:
    session = await make(State.RUNNING)
    charge = Charge(link=GONE, runner=Runner.HERE)
    await (await site.term()).operations.stop(session, charge, STOP)
    assert charge.runner is Runner.LOST
    assert (await Session.objects.aget(pk=session.pk)).state == State.STOPPING


async def test_a_stop_that_comes_too_late_orders_nothing(site: ProbeSite) -> None:
    seen_before = await make(State.RUNNING)
    await Session.objects.aupdate(state=State.ENDED)
    charge = Charge(link=GONE, runner=Runner.HERE)
    await (await site.term()).operations.stop(seen_before, charge, STOP)
    assert charge.runner is Runner.HERE


async def test_a_runner_that_has_left_by_itself_when_all_is_over_does_not_matter(site: ProbeSite) -> None:
    session = await make(State.STOPPING, end_reason=EndReason.IDLE)
    key = str(session.pk)
    term = await site.term()
    charge = term.charges[key] = Charge(link=GONE, status=Status(key, Phase.OVER))
    await term.operations.finish(session, charge)
    assert (await Session.objects.aget(pk=session.pk)).state == State.ENDED
    assert term.charges == {}


async def test_a_session_is_not_without_its_charge_before_it_is_over(
    site: ProbeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await make(State.STOPPING, end_reason=EndReason.IDLE)
    key = str(session.pk)
    term = await site.term()
    term.charges[key] = Charge(status=Status(key, Phase.OVER))
    move_to_end, seen = Rows.move_to_end, []

    async def watched(rows: Rows, session: Session) -> bool:
        seen.append(key in term.charges)
        return await move_to_end(rows, session)

    monkeypatch.setattr(Rows, "move_to_end", watched)
    await term.operations.finish(session, term.charges[key])
    assert (seen, term.charges) == ([True], {})


async def test_a_slot_whose_processes_cannot_be_ended_is_quarantined(
    site: ProbeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stubborn(_run_dir: Path, _key: str) -> list[int]:
        return [4242]

    monkeypatch.setattr(recovery, "end_without_runner", stubborn)
    session = await make(State.RUNNING)
    await (await site.term()).recovery.recover(session, EndReason.RUNNER_LOST)
    ended = await Session.objects.aget(pk=session.pk)
    assert (ended.state, ended.quarantined) == (State.FAILED, True)
    assert ("quarantined", "processes 4242 could not be ended") in await site.history(session)


async def test_a_stop_that_failed_is_told_and_frees_the_slot(site: ProbeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    async def failed(_run_dir: Path, key: str, *_: object) -> Status:
        return Status(key, phase=Phase.OVER, stop=StopOutcome.FAILED)

    monkeypatch.setattr(recovery, "ask_runner_to_end", failed)
    session = await make(State.RUNNING)
    await (await site.term()).recovery.recover(session, EndReason.RUNNER_LOST)
    ended = await Session.objects.aget(pk=session.pk)
    assert (ended.state, ended.quarantined) == (State.FAILED, False)
    assert ("stop failed", details.STOP_FAILED) in await site.history(session)


async def test_what_is_over_meanwhile_is_not_ended_again(site: ProbeSite) -> None:
    seen_before = await make(State.RUNNING)
    await Session.objects.aupdate(state=State.ENDED)
    term = await site.term()
    term.charges[str(seen_before.pk)] = Charge(runner=Runner.LOST)
    await term.recovery.recover(seen_before, EndReason.RUNNER_LOST)
    assert term.charges == {}
    assert await site.history(seen_before) == []


async def test_a_session_that_was_stopping_when_its_runner_was_lost_keeps_its_reason(site: ProbeSite) -> None:
    session = await make(State.STOPPING, end_reason=EndReason.STAFF)
    await (await site.term()).recovery.recover(session, EndReason.RUNNER_LOST)
    ended = await Session.objects.aget(pk=session.pk)
    assert (ended.state, ended.end_reason) == (State.ENDED, EndReason.STAFF)


async def test_a_state_that_cannot_be_opened_does_not_keep_stop_from_being_called(
    site: ProbeSite, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await site.start()
    session = await site.run(mark="blue")
    settings.SECRET_KEY = "another key"
    await site.kill_runner(session)
    session = await site.until(session)
    assert (session.state, session.end_reason) == (State.ENDED, EndReason.PROGRAM_ENDED)
    assert site.calls == ["start 0 blue", "stop 0 without its state"]
    assert (
        f"session {session.pk}: its script has to do without its state: A sealed secret cannot be opened: "
        "SECRET_KEY has changed since it was stored."
    ) in caplog.messages


async def test_the_endpoint_of_a_session_that_was_never_reached_is_not_needed_to_end_it(site: ProbeSite) -> None:
    await site.start()
    session = await site.launch(start="wait")
    await eventually_async(lambda: site.calls == ["start 0"])
    await site.kill_runner(session)
    session = await site.until(session)
    assert (session.state, session.end_reason, session.endpoint) == (State.FAILED, EndReason.RUNNER_LOST, None)
    assert [call.split()[0] for call in site.calls] == ["start", "stop"]


async def test_where_a_session_runs_stands_in_its_history(site: ProbeSite) -> None:
    session = await make(State.STARTING)
    charge = Charge(status=Status(str(session.pk), Phase.READY, endpoint=Endpoint.tcp("localhost", 5901)))
    await (await site.term()).operations.reached(session, charge)
    assert (await site.history(session))[-1] == ("reach", "It can be reached at tcp:localhost:5901.")
    found = await Session.objects.aget(pk=session.pk)
    assert (found.state, found.endpoint, found.sealed_password) == (
        State.RUNNING,
        Endpoint.tcp("localhost", 5901),
        "",
    )
