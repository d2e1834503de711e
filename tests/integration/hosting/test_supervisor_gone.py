"""What outlives what: runners their supervisor, programs a killed runner; and how the next supervisor ends both."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import socket

import pytest

from remote_service import leftovers
from remote_service.answers import Answer
from remote_service.hosting import processes
from remote_service.hosting.scratch import scratch_left_by
from remote_service.hosting.status import Phase, Status, StopOutcome
from remote_service.hosting.wire import Channel, short_path
from remote_service.leftovers import (
    Successor,
    ask_runner_to_end,
    end_marked,
    end_without_runner,
    remove_socket,
    sessions_with_sockets,
)
from tests.integration.hosting.stage import Play, Stage, alive, eventually, eventually_async, pid_in

EPOCH = 7
"""Of the supervisor that asks a runner which an earlier one had."""
KEPT = """
class Service(Good):
    def start(self, token, timestamp=None, options=None):
        self.mark = "kept"
        self.spawn(["sh", "-c", "echo $$ > program; exec sleep 1000"], cwd=CALLS.parent)
        return super().start(token)
    def stop(self):
        note(f"stop {getattr(self, 'mark', 'nothing')}")
        return True
"""


def saved(status: Status) -> bool:
    """Whether the script's state came, too; it may come after the endpoint that makes the session ready."""
    return status.phase is Phase.READY and status.state is not None


async def test_a_runner_outlives_its_supervisor_and_the_next_one_finds_everything(stage: Stage) -> None:
    play = await stage.only(KEPT)
    await play.ready()
    ready = await play.until(saved)
    await play.hang_up()
    await play.connect()
    assert play.status.phase is Phase.READY
    assert (play.status.endpoint, play.status.state) == (ready.endpoint, ready.state)
    over = await play.stop()
    assert (over.stop, stage.calls()) == (StopOutcome.DONE, ["start 0", "stop kept"])
    await play.dismiss()


async def test_a_start_goes_on_while_there_is_no_supervisor(stage: Stage) -> None:
    play = await stage.only(
        """
        class Service(Good):
            def start(self, token, timestamp=None, options=None):
                with open(CALLS.with_name("go")): pass
                return super().start(token)
        """
    )
    os.mkfifo(stage.scripts / "go")
    await play.start()
    await play.reach(Phase.STARTING)
    await play.hang_up()
    await asyncio.to_thread((stage.scripts / "go").write_text, "")
    await eventually_async(stage.calls)
    await play.connect()
    await play.reach(Phase.READY)
    await play.stop()


async def test_a_supervisor_that_reads_nothing_is_dropped_and_stops_nobody(stage: Stage) -> None:
    play = await stage.only(
        """
        from remote_service.answers import Poll
        hurry.course.POLL_INTERVAL = 0.005
        class Service(Good):
            polls = 0
            def poll(self):
                self.polls += 1
                return Poll.alive(str(self.polls) + "x" * 1900)
        """
    )
    deaf = socket.socket(socket.AF_UNIX)
    with short_path(play.socket) as name:
        deaf.connect(name)
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    await play.ready()
    seen = await play.until(lambda status: status.poll.reason.startswith("150x"))
    assert seen.phase is Phase.READY
    await play.stop()
    deaf.close()


async def test_a_supervisor_that_sends_rubbish_is_dropped(stage: Stage) -> None:
    play = await stage.only("class Service(Good): pass")
    with socket.socket(socket.AF_UNIX) as rude:
        with short_path(play.socket) as name:
            rude.connect(name)
        rude.sendall(b"no order\n")
        channel = Channel(rude)
        await eventually_async(lambda: channel.receive() is None)
        rude.close()
    assert "-- a supervisor sent what cannot be read: a line that is not JSON" in play.log
    await play.ready()
    await play.stop()


async def test_an_order_that_is_unknown_or_comes_twice_changes_nothing(stage: Stage) -> None:
    play = await stage.only("class Service(Good): pass")
    await play.order("dance")
    await play.ready()
    await play.start()
    await play.order("recover", state=None, endpoint=None)
    over = await play.stop()
    await play.order("stop", timeout=1)
    assert (over.stop, stage.calls()) == (StopOutcome.DONE, ["start 0", "stop 0"])
    await play.dismiss()


async def test_a_session_that_is_over_waits_for_a_supervisor_and_not_for_ever(stage: Stage) -> None:
    play = await stage.only("hurry.runner.ALONE_PATIENCE = 0.2\nclass Service(Good): pass")
    await play.ready()
    await play.stop()
    eventually(lambda: not alive(play.runner))


# ---- a killed runner ------------------------------------------------------------------------------------


async def kill(play: Play) -> None:
    os.kill(play.runner, signal.SIGKILL)
    await eventually_async(lambda: not alive(play.runner))


async def test_what_a_killed_runner_held_is_found_by_the_marker_and_ended(stage: Stage) -> None:
    play = await stage.only(KEPT)
    await play.ready()
    program = await pid_in(stage.scripts / "program")
    await kill(play)
    assert alive(program) and scratch_left_by(play.session)
    assert processes.carries_marker(program, play.session)
    assert await asyncio.to_thread(end_marked, play.session) == []
    assert not alive(program) and not scratch_left_by(play.session)
    assert play.left() == []


async def test_a_successor_of_a_killed_runner_calls_stop_once_with_the_saved_state(stage: Stage) -> None:
    host = await stage.host(stage.script(KEPT))
    play = await stage.play(host)
    await play.ready()
    ready = await play.until(saved)
    await kill(play)
    remove_socket(stage.run_dir, play.session)
    successor = await stage.play(host, session=play.session)
    await successor.hang_up()
    status = await ask_runner_to_end(stage.run_dir, play.session, EPOCH, Successor(ready.state, ready.endpoint))
    assert status is not None
    assert (status.phase, status.stop, status.survivors) == (Phase.OVER, StopOutcome.DONE, ())
    assert stage.calls() == ["start 0", "stop kept"]
    eventually(lambda: not alive(successor.runner))
    assert await end_without_runner(stage.run_dir, play.session) == []
    assert play.left() == [] and not play.socket.exists()


async def test_a_successor_without_a_saved_state_calls_stop_on_a_fresh_instance(stage: Stage) -> None:
    host = await stage.host(stage.script(KEPT))
    play = await stage.play(host)
    await play.hang_up()
    status = await ask_runner_to_end(stage.run_dir, play.session, EPOCH, Successor(None, None))
    assert status is not None and status.stop is StopOutcome.DONE
    assert stage.calls() == ["stop nothing"]


async def test_a_successor_takes_a_session_over_and_watches_it(stage: Stage) -> None:
    host = await stage.host(
        stage.script(
            """
            SERVER = (
                "import os, socket, sys, time; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); "
                "open('program', 'w').write(str(os.getpid())); time.sleep(1000)"
            )
            class Service(Good):
                def start(self, token, timestamp=None, options=None):
                    path = self.scratch / "sock"
                    self.spawn([sys.executable, "-c", SERVER, path], cwd=CALLS.parent)
                    self.set_unix_socket(path)
                    return True
            """
        )
    )
    play = await stage.play(host)
    await play.ready()
    ready = await play.until(saved)
    program = await pid_in(stage.scripts / "program")
    await kill(play)
    remove_socket(stage.run_dir, play.session)
    successor = await stage.play(host, session=play.session)
    assert ready.endpoint is not None
    programs = [each.as_list() for each in ready.programs]
    await successor.order("recover", state=ready.state, endpoint=ready.endpoint.as_dict(), programs=programs)
    taken = await successor.reach(Phase.READY)
    assert taken.endpoint == ready.endpoint
    os.kill(program, signal.SIGTERM)
    ended = await successor.until(lambda status: status.poll.answer is Answer.ENDED)
    assert ended.poll.reason == f"{ready.programs[0].name} has ended: nobody saw how."
    assert (await successor.stop()).stop is StopOutcome.DONE
    assert stage.calls() == ["stop 0"]


async def test_what_programs_print_is_in_the_log_again_under_a_successor_and_kills_none_in_between(
    stage: Stage,
) -> None:
    host = await stage.host(
        stage.script(
            """
            SERVER = (
                "import os, socket, sys, time; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); "
                "open('program', 'w').write(str(os.getpid())); "
                "[(print('line', n, flush=True), time.sleep(0.02)) for n in range(100000)]"
            )
            class Service(Good):
                def start(self, token, timestamp=None, options=None):
                    path = self.scratch / "sock"
                    self.spawn([sys.executable, "-c", SERVER, path], cwd=CALLS.parent)
                    self.set_unix_socket(path)
                    return True
            """
        )
    )
    play = await stage.play(host)
    await play.ready()
    ready = await play.until(saved)
    program = await pid_in(stage.scripts / "program")
    await eventually_async(lambda: "line 3\n" in play.log)
    await kill(play)
    remove_socket(stage.run_dir, play.session)
    successor = await stage.play(host, session=play.session)
    assert ready.endpoint is not None
    programs = [each.as_list() for each in ready.programs]
    await successor.order("recover", state=ready.state, endpoint=ready.endpoint.as_dict(), programs=programs)
    await successor.reach(Phase.READY)
    seen = len(re.findall(r"line \d+\n", successor.log))
    await eventually_async(lambda: len(re.findall(r"line \d+\n", successor.log)) > seen + 20)
    numbers = [int(found) for found in re.findall(r"line (\d+)\n", successor.log)]
    assert len(set(numbers)) == len(numbers)
    assert alive(program)
    assert (await successor.stop()).stop is StopOutcome.DONE


async def test_a_script_that_kills_its_runner_loses_its_own_session_only(stage: Stage) -> None:
    text = """
        class Service(Good):
            def start(self, token, timestamp=None, options=None):
                super().start(token)
                self.spawn(["sleep", "1000"])
                os.kill(os.getppid(), signal.SIGKILL)
                time.sleep(1000)
    """
    host = await stage.host(stage.script(text, chosen="(Good if index else Service)"))
    neighbour = await stage.play(host, index=1)
    await neighbour.ready()
    play = await stage.play(host)
    await play.start()
    await eventually_async(lambda: not alive(play.runner))
    assert await end_without_runner(stage.run_dir, play.session) == []
    assert play.left() == []
    assert neighbour.status.phase is Phase.READY
    assert (await neighbour.stop()).stop is StopOutcome.DONE


# ---- a killed server ------------------------------------------------------------------------------------


async def test_the_next_start_has_a_runner_that_is_left_stop_its_session(stage: Stage) -> None:
    play = await stage.only(KEPT)
    await play.ready()
    await play.hang_up()
    assert sessions_with_sockets(stage.run_dir) == [play.session]
    status = await ask_runner_to_end(stage.run_dir, play.session, EPOCH)
    assert status is not None and (status.phase, status.stop) == (Phase.OVER, StopOutcome.DONE)
    await end_without_runner(stage.run_dir, play.session)
    assert stage.calls() == ["start 0", "stop kept"]
    assert sessions_with_sockets(stage.run_dir) == [] and play.left() == []
    eventually(lambda: not alive(play.runner))


async def test_there_is_nothing_to_ask_where_no_runner_listens(stage: Stage) -> None:
    assert await ask_runner_to_end(stage.run_dir, "00000000-0000-4000-8000-000000000000", EPOCH) is None


async def test_a_runner_that_does_not_answer_is_given_up_and_ended_by_the_marker(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(leftovers, "RUNNER_PATIENCE", 0.2)
    monkeypatch.setattr(leftovers, "TERM_PATIENCE", 0.2)
    play = await stage.only(KEPT)
    await play.ready()
    await play.hang_up()
    os.kill(play.runner, signal.SIGSTOP)
    with caplog.at_level(logging.WARNING):
        assert await ask_runner_to_end(stage.run_dir, play.session, EPOCH) is None
    assert f"session {play.session}: its runner did not end it within 0.2 s" in caplog.text
    assert await end_without_runner(stage.run_dir, play.session) == []
    assert not alive(play.runner) and play.left() == []


async def test_a_runner_that_hangs_up_is_noted(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    play = await stage.only(KEPT)
    path = play.socket
    await play.stop()
    await play.dismiss()
    path.unlink()
    with socket.socket(socket.AF_UNIX) as rude, short_path(path) as name:
        rude.bind(name)
        rude.listen()

        def hang_up_at_once() -> None:
            connection, _address = rude.accept()
            connection.close()

        hanging_up = asyncio.to_thread(hang_up_at_once)
        with caplog.at_level(logging.WARNING):
            status, _ = await asyncio.gather(ask_runner_to_end(stage.run_dir, play.session, EPOCH), hanging_up)
    assert status is None
    assert f"session {play.session}: its runner" in caplog.text


async def test_processes_that_cannot_be_ended_are_named(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(leftovers, "end_marked", lambda session: [7, 8])
    with caplog.at_level(logging.WARNING):
        assert await end_without_runner(stage.run_dir, "a-session") == [7, 8]
    assert "session a-session: processes [7, 8] could not be ended" in caplog.text


async def test_the_children_of_the_server_are_not_fetched_by_looking_for_leftovers(stage: Stage) -> None:
    """Whoever ends leftovers is also the parent of script hosts, and must learn how those ended."""
    play = await stage.only(KEPT)
    await play.ready()
    child = await asyncio.create_subprocess_exec("sh", "-c", "exit 5")
    await eventually_async(lambda: not alive(child.pid))
    await kill(play)
    await asyncio.to_thread(end_marked, play.session)
    assert await child.wait() == 5
