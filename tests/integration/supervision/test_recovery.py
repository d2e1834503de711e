"""Sessions that outlive who held them: a supervisor, a runner, or both; with real script hosts and runners."""

from __future__ import annotations

import logging
import os
import signal
from typing import Any
from unittest.mock import ANY

import pytest
from django.utils import timezone

from remote_service import decisions, details, leftovers
from remote_service.hosting.client import RunnerLink
from remote_service.hosting.status import Phase
from remote_service.models import Lease, Session, SessionType, Site
from remote_service.sealing import unseal
from remote_service.states import EndReason, State
from remote_service.supervision import recovery
from remote_service.supervision.runners import Runners
from tests.integration.probe_site import Probed, ProbeSite
from tests.waiting import eventually_async

REPLACED = "its runner had ended; another one has taken its place"
NO_SUCCESSOR = "The process that held it has ended, and no other can take its place: "


async def row(session: Session) -> dict[str, Any]:
    """The whole row, with what is sealed in it, which is never sealed the same twice."""
    found = await Session.objects.filter(pk=session.pk).values().aget()
    return {name: unseal(value) if name.startswith("sealed_") else value for name, value in found.items()}


async def until_row(session: Session, *expected: Any) -> None:
    """Waits until this stands in the row: the state, why it is unknown, its progress, its programs."""

    async def stands() -> bool:
        found = await Session.objects.aget(pk=session.pk)
        return (found.state, found.unknown_reason, found.progress, found.programs) == expected

    await eventually_async(stands)


async def leave(site: ProbeSite, supervisor: Probed, how: str) -> None:
    """A supervisor is no more, and has ended nothing."""
    if how == "killed":
        await site.kill(supervisor)
    else:
        await site.stop(supervisor)


async def never(*_: Any, **__: Any) -> Any:
    """Is under way until it is killed."""
    await eventually_async(lambda: False, within=60.0)


async def program_of(site: ProbeSite, session: Session) -> int:
    """The process id of the program that a session's script spawned, once the row has it."""

    async def stored() -> list[list[Any]]:
        return (await Session.objects.aget(pk=session.pk)).programs  # type: ignore[no-any-return]

    ((pid, _start_time, _name),) = await eventually_async(stored)
    return int(pid)


# ---- adoption ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["killed", "stopped"])
@pytest.mark.parametrize("start", ["listen", "spawn"])
async def test_what_ran_under_one_supervisor_goes_on_under_the_next(site: ProbeSite, how: str, start: str) -> None:
    first = await site.start()
    session = await site.run(start=start, mark="blue", password="secret12")
    await site.adopted(first, session)
    before, processes, history = await row(session), site.processes(session), await site.history(session)
    await leave(site, first, how)
    assert site.processes(session) == processes

    second = await site.start()
    await site.adopted(second, session)
    assert (await row(session), site.processes(session)) == (before, processes)
    assert await site.history(session) == [*history, ("found again", details.FOUND_AGAIN)]
    assert site.calls == ["start 0 blue"]

    await site.ask_to_stop(session)
    assert (await site.until(session)).ending == "It was stopped by its user."
    assert site.calls == ["start 0 blue", "stop 0 blue"]
    await eventually_async(lambda: site.left(session) == [])


async def test_the_programs_end_is_seen_by_the_next_supervisor(site: ProbeSite) -> None:
    first = await site.start()
    session = await site.run()
    await site.kill(first)
    site.touch("ended")
    await site.start()
    assert (await site.until(session)).ending == "Its program ended. Its window was closed."
    assert site.calls == ["start 0", "stop 0"]


async def test_a_start_that_goes_on_without_a_supervisor_is_followed_by_the_next(site: ProbeSite) -> None:
    first = await site.start()
    session = await site.launch(start="await", mark="blue")
    await eventually_async(lambda: site.calls == ["start 0 blue"])
    await site.kill(first)
    second = await site.start()
    assert (await site.adopted(second, session)).state == State.STARTING
    site.touch("go")
    await site.until(session, State.RUNNING)
    assert site.calls == ["start 0 blue"]


async def test_a_start_that_succeeded_while_nobody_looked_is_seen_by_the_next(site: ProbeSite) -> None:
    first = await site.start()
    session = await site.launch(start="await")
    await eventually_async(lambda: site.calls == ["start 0"])
    await site.kill(first)
    site.touch("go")
    await site.start()
    await site.until(session, State.RUNNING)
    assert site.calls == ["start 0"]


@pytest.mark.parametrize("what", ["fork", "order_start"])
async def test_a_start_that_was_only_written_down_is_made_once(
    site: ProbeSite, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Killed between the row and the runner, or between the runner and the order to it."""
    first = await site.start()
    with monkeypatch.context() as patched:
        patched.setattr(Runners, what, never)
        session = await site.launch(mark="blue")
        await site.until(session, State.STARTING)
        if what == "order_start":
            await eventually_async(lambda: site.marked(session))
        await site.kill(first)
    await site.start()
    await site.until(session, State.RUNNING)
    assert site.calls == ["start 0 blue"]
    assert [what for what, _why in await site.history(session)].count("launch") == 1


async def test_a_stop_that_goes_on_without_a_supervisor_is_not_called_again(site: ProbeSite) -> None:
    first = await site.start()
    session = await site.run(**{"stop takes": "0.5"})
    await site.ask_to_stop(session)
    await eventually_async(lambda: site.calls == ["start 0", "stop 0"])
    await site.kill(first)
    await site.start()
    ended = await site.until(session)
    assert (ended.state, ended.end_reason) == (State.ENDED, EndReason.USER)
    assert site.calls == ["start 0", "stop 0"]
    await eventually_async(lambda: site.left(session) == [])


async def test_a_stop_that_was_over_before_anybody_looked_is_not_called_again(site: ProbeSite) -> None:
    first = await site.start()
    session = await site.run()
    runner = site.runner_of(session)
    await site.ask_to_stop(session)
    await eventually_async(lambda: site.calls == ["start 0", "stop 0"])
    await site.kill(first)
    await eventually_async(lambda: [process.pid for process in site.marked(session)] in ([runner], []))
    await site.start()
    assert (await site.until(session)).ending == "It was stopped by its user."
    assert site.calls == ["start 0", "stop 0"]
    await eventually_async(lambda: site.left(session) == [])


async def test_a_stop_that_was_only_written_down_is_made_once(site: ProbeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await site.start()
    session = await site.run()
    order = RunnerLink.order

    async def but_no_stop(link: RunnerLink, what: str, **arguments: Any) -> None:
        await (never() if what == "stop" else order(link, what, **arguments))

    with monkeypatch.context() as patched:
        patched.setattr(RunnerLink, "order", but_no_stop)
        await site.ask_to_stop(session)
        await site.until(session, State.STOPPING)
        await site.kill(first)
    assert site.calls == ["start 0"]
    await site.start()
    assert (await site.until(session)).ending == "It was stopped by its user."
    assert site.calls == ["start 0", "stop 0"]


async def test_what_was_wanted_while_no_supervisor_ran_is_done_by_the_next(site: ProbeSite) -> None:
    first = await site.start()
    running, reserved = await site.run(), await site.reserve()
    await site.kill(first)
    await site.ask_to_stop(running)
    await site.ask_to_stop(reserved, EndReason.RELEASED)
    await site.start()
    assert (await site.until(running)).ending == "It was stopped by its user."
    assert (await site.until(reserved)).ending == "It was released."
    assert site.calls == ["start 0", "stop 0"]


async def test_many_sessions_in_every_state_are_matched_with_what_is(site: ProbeSite) -> None:
    site.write(Probe={"count": 5})
    first = await site.start()
    reserved = await site.reserve()
    running, starting = await site.run(mark="blue"), await site.launch(start="hang")
    lost, without = await site.run(start="spawn", mark="red"), await site.run(mark="grey")
    await program_of(site, lost)
    await eventually_async(lambda: len(site.calls) == 4)
    await site.kill(first)
    await site.kill_runner(lost)
    await site.kill_runner(without)

    second = await site.start()
    for session, state in ((running, State.RUNNING), (lost, State.RUNNING), (starting, State.STARTING)):
        assert (await site.adopted(second, session)).state == state
    ended = await site.until(without)
    assert (ended.state, ended.end_reason) == (State.ENDED, EndReason.PROGRAM_ENDED)
    assert site.calls[4:] == ["stop 4 grey"]
    assert (await Session.objects.aget(pk=reserved.pk)).state == State.RESERVED


# ---- the time in which nobody supervised ------------------------------------------------------------------


@pytest.mark.parametrize(("gone", "state"), [(0.0, State.ENDED), (100.0, State.RESERVED)])
async def test_the_age_of_a_reservation_is_believed_but_for_the_time_in_which_nobody_supervised(
    site: ProbeSite, gone: float, state: State
) -> None:
    site.write(Probe={"limits": {"reservation_timeout": 60}})
    first = await site.start()
    old, young = await site.reserve(), await site.reserve()
    await site.kill(first)
    ago = timezone.now() - timezone.timedelta(seconds=70)
    await Session.objects.filter(pk=old.pk).aupdate(state_since=ago)
    await Lease.objects.aupdate(renewed_at=timezone.now() - timezone.timedelta(seconds=gone))
    await site.start()
    await site.run("Probe") if state is State.ENDED else None
    assert (await site.until(old, state)).end_reason == (EndReason.RESERVATION_EXPIRED if gone == 0.0 else "")
    assert (await Session.objects.aget(pk=young.pk)).state == State.RESERVED


# ---- a runner that has ended ------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["while a supervisor looks", "before the next one looks"])
async def test_a_killed_runner_gets_a_successor_and_the_session_goes_on(
    site: ProbeSite, caplog: pytest.LogCaptureFixture, when: str
) -> None:
    supervisor = await site.start()
    session = await site.run(start="spawn", mark="blue", progress="1 of 2")
    program, runner = await program_of(site, session), site.runner_of(session)
    if when == "before the next one looks":
        await site.kill(supervisor)
        await site.kill_runner(session)
        supervisor = await site.start()
    else:
        await site.kill_runner(session)
    await eventually_async(lambda: f"session {session.pk}: {REPLACED}" in caplog.messages, within=8.0)
    await site.adopted(supervisor, session)
    await eventually_async(lambda: _runner_in(supervisor, session) not in (0, runner))
    await until_row(session, State.RUNNING, "", "1 of 2", [[program, ANY, ANY]])
    assert program in {process.pid for process in site.marked(session)}
    assert runner not in {process.pid for process in site.marked(session)}
    assert site.calls == ["start 0 blue"]
    assert ("runner replaced", details.REPLACED) in await site.history(session)

    await site.ask_to_stop(session)
    assert (await site.until(session)).ending == "It was stopped by its user."
    assert site.calls == ["start 0 blue", "stop 0 blue"]
    await eventually_async(lambda: site.left(session) == [])


@pytest.mark.parametrize("state", [State.RUNNING, State.STOPPING])
async def test_a_successor_that_was_told_nothing_before_its_supervisor_was_killed_is_told_by_the_next(
    site: ProbeSite, monkeypatch: pytest.MonkeyPatch, state: State
) -> None:
    first = await site.start()
    session = await site.run(start="spawn", mark="blue")
    await program_of(site, session)
    before = await row(session)
    with monkeypatch.context() as patched:
        patched.setattr(Runners, "order_succession", never)
        runner = site.runner_of(session)
        await site.kill_runner(session)
        await eventually_async(lambda: _runner_in(first, session) not in (0, runner), within=8.0)
        assert await row(session) == before
        await site.kill(first)
    if state is State.STOPPING:
        await Session.objects.filter(pk=session.pk).aupdate(state=state, end_reason=EndReason.USER)
        await site.start()
        await site.until(session, State.ENDED)
        assert site.calls == ["start 0 blue", "stop 0 blue"]
    else:
        second = await site.start()
        await site.adopted(second, session)
        await eventually_async(lambda: second.term.charges[str(session.pk)].status.phase is Phase.READY)  # type: ignore[union-attr]
        assert await row(session) == before
        assert site.calls == ["start 0 blue"]


async def test_a_successor_sees_the_end_of_its_predecessors_program(
    site: ProbeSite, caplog: pytest.LogCaptureFixture
) -> None:
    supervisor = await site.start()
    session = await site.run(start="spawn", mark="blue")
    program = await program_of(site, session)
    await site.kill_runner(session)
    await eventually_async(lambda: f"session {session.pk}: {REPLACED}" in caplog.messages, within=8.0)
    await site.adopted(supervisor, session)
    os.kill(program, signal.SIGKILL)
    ended = await site.until(session)
    assert (ended.state, ended.end_reason) == (State.ENDED, EndReason.PROGRAM_ENDED)
    assert ended.ending.endswith(" has ended: nobody saw how.")
    assert site.calls == ["start 0 blue", "stop 0 blue"]


async def test_a_runner_that_is_killed_again_and_again_is_replaced_as_often(site: ProbeSite) -> None:
    supervisor = await site.start()
    session = await site.run(start="spawn", mark="blue")
    program, seen = await program_of(site, session), set()
    for _ in range(3):
        runner = site.runner_of(session)
        assert runner not in seen
        seen.add(runner)
        await site.kill_runner(session)
        await eventually_async(lambda runner=runner: _runner_in(supervisor, session) not in (0, runner), within=8.0)
    assert (await Session.objects.aget(pk=session.pk)).state == State.RUNNING
    assert program in {process.pid for process in site.marked(session)}
    assert site.calls == ["start 0 blue"]


def _runner_in(supervisor: Probed, session: Session) -> int:
    """The runner's process id as its supervisor knows it; 0 while it has none that answers."""
    charge = supervisor.term.charges.get(str(session.pk))
    return charge.status.runner if charge and charge.runner is decisions.Runner.HERE and charge.status else 0


@pytest.mark.parametrize("when", ["while a supervisor looks", "before the next one looks"])
async def test_a_session_of_which_nothing_lives_any_more_is_stopped_once_with_its_state(
    site: ProbeSite, when: str
) -> None:
    supervisor = await site.start()
    session = await site.run(mark="blue")
    if when == "before the next one looks":
        await site.kill(supervisor)
        await site.kill_runner(session)
        await site.start()
    else:
        await site.kill_runner(session)
    ended = await site.until(session)
    assert (ended.state, ended.end_reason) == (State.ENDED, EndReason.PROGRAM_ENDED)
    assert site.calls == ["start 0 blue", "stop 0 blue"]
    await eventually_async(lambda: site.left(session) == [])
    assert (await site.run()).index == session.index


@pytest.mark.parametrize("when", ["while a supervisor looks", "before the next one looks"])
async def test_a_start_whose_runner_was_killed_is_stopped_once_and_fails(site: ProbeSite, when: str) -> None:
    supervisor = await site.start()
    session = await site.launch(start="hang")
    await eventually_async(lambda: site.calls == ["start 0"])
    if when == "before the next one looks":
        await site.kill(supervisor)
        await site.kill_runner(session)
        await site.start()
    else:
        await site.kill_runner(session)
    ended = await site.until(session)
    assert (ended.state, ended.end_reason) == (State.FAILED, EndReason.RUNNER_LOST)
    assert ended.ending == "The process that held it was killed or does not answer."
    assert [call.split()[0] for call in site.calls] == ["start", "stop"]
    await eventually_async(lambda: site.left(session) == [])


async def test_a_session_whose_runner_hangs_at_its_end_is_ended_without_it(
    site: ProbeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "RUNNER_GRACE", 0.5)
    monkeypatch.setattr(leftovers, "RUNNER_PATIENCE", 0.5)
    await site.start()
    session = await site.run(mark="blue")
    await site.freeze_runner(session)
    await site.ask_to_stop(session)
    session = await site.until(session)
    assert session.ending == "It was stopped by its user."
    await eventually_async(lambda: site.left(session) == [])
    again = await site.run()
    assert again.index == session.index


# ---- what nobody knows ------------------------------------------------------------------------------------


async def test_without_its_type_a_session_is_kept_while_something_of_it_lives(
    site: ProbeSite, caplog: pytest.LogCaptureFixture
) -> None:
    first = await site.start()
    session = await site.run(start="spawn", mark="blue")
    program = await program_of(site, session)
    await site.kill(first)
    await site.kill_runner(session)
    site.write(Other={})
    await site.start()
    found = await site.until_unknown(session, NO_SUCCESSOR)
    assert found.unknown_reason == f"{NO_SUCCESSOR}The type 'Probe' is not in the sessions file any more."
    assert found.state == State.RUNNING
    assert program in {process.pid for process in site.marked(session)}
    assert (
        f"session {session.pk}: its runner has ended and could not be replaced: "
        "The type 'Probe' is not in the sessions file any more."
    ) in caplog.messages

    os.kill(program, signal.SIGKILL)
    ended = await site.until(session)
    assert (ended.state, ended.end_reason) == (State.FAILED, EndReason.RUNNER_LOST)
    assert site.calls == ["start 0 blue"]
    await eventually_async(lambda: site.left(session) == [])


async def test_it_goes_on_when_its_type_is_there_again(site: ProbeSite) -> None:
    first = await site.start()
    session = await site.run(start="spawn", mark="blue")
    await program_of(site, session)
    await site.kill(first)
    await site.kill_runner(session)
    site.write(Other={})
    await site.start()
    await site.until_unknown(session, NO_SUCCESSOR)
    site.write(Probe={})
    await site.reloaded(await site.ask_to_reload())
    assert (await site.until_known(session)).state == State.RUNNING
    assert [what for what, _why in await site.history(session)][-3:] == ["unknown", "runner replaced", "known again"]
    await site.ask_to_stop(session)
    await site.until(session, State.ENDED)
    assert site.calls == ["start 0 blue", "stop 0 blue"]


async def test_without_its_sessions_file_a_new_supervisor_serves_what_was_published(site: ProbeSite) -> None:
    first = await site.start()
    session = await site.run(start="spawn", mark="blue")
    await program_of(site, session)
    await site.kill(first)
    await site.kill_runner(session)
    site.settings.sessions_file.unlink()

    second = await site.start()

    assert [problem["code"] for problem in (await Site.objects.aget(pk=1)).problems] == ["E001"]
    assert [row.name async for row in SessionType.objects.all()] == ["Probe"]
    await site.adopted(second, session)
    assert ("runner replaced", details.REPLACED) in await site.history(session)
    await site.ask_to_stop(session)
    await site.until(session, State.ENDED)
    assert site.calls == ["start 0 blue", "stop 0 blue"]
    await site.run()


@pytest.mark.parametrize("who", ["user", "staff"])
async def test_a_session_without_its_type_is_ended_when_its_user_stops_it_or_staff_declares_that(
    site: ProbeSite, who: str
) -> None:
    first = await site.start()
    session = await site.run(start="spawn")
    await program_of(site, session)
    await site.kill(first)
    await site.kill_runner(session)
    site.write(Other={})
    await site.start()
    await site.until_unknown(session, NO_SUCCESSOR)
    if who == "user":
        await site.ask_to_stop(session)
    else:
        await site.declare_ended(session, "Its type is gone.")
    ended = {"user": "It was stopped by its user.", "staff": "It was stopped by staff. Its type is gone."}
    assert (await site.until(session)).ending == ended[who]
    assert site.calls == ["start 0"]
    await eventually_async(lambda: site.left(session) == [])


async def test_of_a_type_that_is_gone_a_session_that_left_nothing_ends(site: ProbeSite) -> None:
    first = await site.start()
    session = await site.run()
    await site.kill(first)
    await site.kill_runner(session)
    site.write(Other={})
    await site.start()
    ended = await site.until(session)
    assert (ended.state, ended.end_reason) == (State.FAILED, EndReason.RUNNER_LOST)
    assert site.calls == ["start 0"]


async def test_a_session_without_its_type_whose_runner_lives_goes_on(site: ProbeSite) -> None:
    first = await site.start()
    session = await site.run(mark="blue")
    await site.kill(first)
    site.write(Other={})
    second = await site.start()
    assert (await site.adopted(second, session)).state == State.RUNNING
    await site.ask_to_stop(session)
    await site.until(session, State.ENDED)
    assert site.calls == ["start 0 blue", "stop 0 blue"]


async def test_a_session_whose_runner_is_elsewhere_is_kept_until_staff_declares_it_ended(site: ProbeSite) -> None:
    first = await site.start()
    session = await site.run()
    await site.kill(first)
    await Session.objects.filter(pk=session.pk).aupdate(runner_place="n9:/srv/state/run")
    processes = site.processes(session)
    await site.start()
    found = await site.until_unknown(session, "The process that holds it is at n9:/srv/state/run, where this ")
    assert found.state == State.RUNNING

    await site.ask_to_stop(session)
    other = await site.run()
    assert other.index != session.index, "its slot is not given away"
    assert (await Session.objects.aget(pk=session.pk)).state == State.RUNNING
    assert (site.processes(session), site.calls) == (processes, ["start 0", "start 1"])

    await site.declare_ended(session, "Its node has burnt.")
    ended = await site.until(session)
    assert (ended.state, ended.ending) == (State.ENDED, "It was stopped by staff. Its node has burnt.")
    assert ("declared ended", "Its node has burnt.") in await site.history(session)
    assert (site.processes(session), site.calls) == (processes, ["start 0", "start 1"])


async def test_a_session_of_an_earlier_release_whose_runner_is_in_another_directory_gets_no_second_one(
    site: ProbeSite,
) -> None:
    first = await site.start()
    session = await site.run()
    await site.kill(first)
    await Session.objects.filter(pk=session.pk).aupdate(runner_place="")
    leftovers.socket_path(site.settings.run_dir, str(session.pk)).unlink()
    processes = site.processes(session)
    await site.start()
    await site.until_unknown(session, "The process that holds it is not at ")
    assert (site.processes(session), site.calls) == (processes, ["start 0"])


async def test_the_end_of_the_server_leaves_a_session_whose_runner_is_elsewhere(site: ProbeSite) -> None:
    first = await site.start()
    session = await site.run()
    await site.kill(first)
    await Session.objects.filter(pk=session.pk).aupdate(runner_place="n9:/srv/state/run")
    second = await site.start()
    await site.until_unknown(session, "The process that holds it is at n9:/srv/state/run")
    await site.end(second)
    assert (await Session.objects.aget(pk=session.pk)).state == State.RUNNING
    assert site.calls == ["start 0"]


async def test_a_runner_that_does_not_answer_when_it_is_looked_for_is_known_again_once_it_does(
    site: ProbeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "ANSWER_PATIENCE", 0.2)
    first = await site.start()
    session = await site.run(mark="blue")
    processes = site.processes(session)
    await site.kill(first)
    runner = await site.freeze_runner(session)
    second = await site.start()
    found = await site.until_unknown(session, "The process that holds it has not answered for 0.2 s.")
    assert found.state == State.RUNNING
    os.kill(runner, signal.SIGCONT)
    await site.until_known(session)
    assert (await site.adopted(second, session)).state == State.RUNNING
    assert site.processes(session) == processes
    told = [what for what, _why in await site.history(session)]
    assert told[-3:] == ["unknown", "found again", "known again"]
    await site.ask_to_stop(session)
    await site.until(session, State.ENDED)
    assert site.calls == ["start 0 blue", "stop 0 blue"]


async def test_a_runner_whose_socket_cannot_be_asked_is_not_taken_for_one_that_has_ended(
    site: ProbeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await site.start()
    session = await site.run()
    await site.kill(first)
    connect = RunnerLink.connect

    async def refused(*_: Any) -> RunnerLink:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(RunnerLink, "connect", refused)
    second = await site.start()
    await site.until_unknown(session, "The process that holds it cannot be reached: Permission denied.")
    monkeypatch.setattr(RunnerLink, "connect", connect)
    await site.until_known(session)
    assert (await site.adopted(second, session)).state == State.RUNNING
    assert site.calls == ["start 0"]


@pytest.mark.parametrize("state", [State.STARTING, State.RUNNING])
async def test_a_runner_whose_socket_was_removed_is_not_taken_for_one_that_has_ended(
    site: ProbeSite, state: State
) -> None:
    first = await site.start()
    session = await site.launch(start="spawn" if state is State.RUNNING else "hang")
    await eventually_async(lambda: site.calls == ["start 0"])
    await site.until(session, state)
    runner = site.runner_of(session)
    await site.kill(first)
    leftovers.socket_path(site.settings.run_dir, str(session.pk)).unlink()

    await site.start()

    why = (
        "The process that holds it lives, but its socket has been removed, so nobody can reach it. Another one takes "
        f"its place once staff has ended it with 'kill -9 {runner}'."
    )
    assert (await site.until_unknown(session, why)).state == state
    assert site.runner_of(session) == runner
    assert [call.partition(" ")[0] for call in site.calls] == ["start"]
    await site.kill_runner(session)
    if state is State.RUNNING:
        await site.until_known(session)
        await site.ask_to_stop(session)
    # Of a start that was under way nobody knows how far it came: it is stopped, once.
    await site.until(session)
    assert [call.partition(" ")[0] for call in site.calls] == ["start", "stop"]
    await eventually_async(lambda: site.left(session) == [])


async def test_a_start_whose_token_cannot_be_opened_when_it_is_found_again_fails(
    site: ProbeSite, settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first = await site.start()
    with monkeypatch.context() as patched:
        patched.setattr(Runners, "order_start", never)
        session = await site.launch()
        await eventually_async(lambda: site.marked(session))
        await site.kill(first)
    settings.SECRET_KEY = "another key"
    await site.start()
    ended = await site.until(session)
    why = "A sealed secret cannot be opened: SECRET_KEY has changed since it was stored."
    assert ended.ending == f"It could not be started. {why}"
    logged = (
        "remote_service.supervision.recovery",
        logging.ERROR,
        f"session {session.pk} could not be launched: {why}",
    )
    assert logged in caplog.record_tuples
    assert site.calls == []
    await eventually_async(lambda: site.left(session) == [])
