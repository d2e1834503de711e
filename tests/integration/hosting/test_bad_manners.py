"""Scripts that misbehave: one session is affected, it ends as the contract says, and nothing of it is left.

Every one of them runs beside a session of the same script host that behaves, and must not notice.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from textwrap import dedent, indent

import pytest

from remote_service.answers import Answer
from remote_service.hosting.session_log import CAP
from remote_service.hosting.status import Phase, StartFault, Status, StopOutcome
from tests.integration.hosting.stage import Play, Stage, alive, eventually_async, pid_in

HANG = {
    "sleeps": "time.sleep(1000)",
    "is busy": "while True: pass",
    "is busy and catches Exception": """
        while True:
            try:
                while True: pass
            except Exception:
                pass
    """,
}
"""Ways to hang from which an interrupt gets a call back."""

STUBBORN = {
    "catches everything": """
        while True:
            try:
                time.sleep(1000)
            except BaseException:
                pass
    """,
    "ignores every signal": """
        for number in signal.valid_signals():
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        while True: time.sleep(1000)
    """,
    "handles every signal": """
        for number in signal.valid_signals():
            try:
                signal.signal(number, lambda *_: None)
            except (OSError, ValueError):
                pass
        while True: time.sleep(1000)
    """,
    "blocks every signal": """
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while True: time.sleep(1000)
    """,
}
"""Ways to hang that only SIGKILL ends."""


def body(text: str) -> str:
    """Statements as the body of a method."""
    return indent(dedent(text).strip(), " " * 8)


def service(*, start: str = "", poll: str = "", stop: str = "", more: str = "") -> str:
    """The class `Service`: a good one that does what is given first in its calls."""
    text = "class Service(Good):\n"
    text += "    def start(self, token, timestamp=None, options=None):\n"
    text += (
        f"{body(start)}\n        return super().start(token)\n" if start else "        return super().start(token)\n"
    )
    if poll:
        text += f"    def poll(self):\n{body(poll)}\n        return super().poll()\n"
    if stop:
        text += f"    def stop(self):\n        note('stop 0')\n{body(stop)}\n        return True\n"
    return text + more


@asynccontextmanager
async def beside_a_neighbour(stage: Stage, text: str) -> AsyncIterator[Play]:
    """The session of the class `Service` in `text`; afterwards it must be over without a trace, the other well."""
    host = await stage.host(stage.script(text, chosen="(Good if index else Service)"))
    neighbour = await stage.play(host, index=1)
    await neighbour.ready()
    play = await stage.play(host, index=0)
    yield play
    assert play.status.phase is Phase.OVER
    assert play.status.survivors == ()
    assert play.left() == []
    await play.dismiss()
    assert neighbour.status.phase is Phase.READY and neighbour.status.poll.answer is Answer.ALIVE
    assert (await neighbour.stop()).stop is StopOutcome.DONE
    await neighbour.dismiss()
    assert host.alive
    assert [line for line in stage.calls() if line.endswith(" 1")] == ["start 1", "stop 1"]


def calls_of_the_bad(stage: Stage) -> list[str]:
    return [line for line in stage.calls() if not line.endswith(" 1")]


# ---- calls that hang ------------------------------------------------------------------------------------


@pytest.mark.parametrize("hang", [*HANG.values(), *STUBBORN.values()], ids=[*HANG, *STUBBORN])
async def test_a_start_that_hangs_fails_at_its_timeout_and_stop_is_called_once(stage: Stage, hang: str) -> None:
    text = service(start=f"note('start 0')\nself.mark = 'kept'\nself.spawn(['sleep', '1000'])\n{dedent(hang)}")
    text += "    def stop(self):\n        note(f'stop 0 {self.mark}'); return True\n"
    async with beside_a_neighbour(stage, text) as play:
        over = await play.fails(timeout=1.0)
        assert (over.fault, over.stop) == (StartFault.TIMEOUT, StopOutcome.DONE)
        assert over.detail == "start() had not returned after 1 s."
        assert calls_of_the_bad(stage) == ["start 0", "stop 0 kept"]


@pytest.mark.parametrize("hang", [*HANG.values(), *STUBBORN.values()], ids=[*HANG, *STUBBORN])
async def test_a_poll_that_hangs_is_unknown_and_the_session_stops_when_it_is_told_to(stage: Stage, hang: str) -> None:
    async with beside_a_neighbour(stage, service(poll=hang)) as play:
        await play.ready()
        unknown = await play.until(lambda status: status.poll.answer is Answer.UNKNOWN)
        assert unknown.poll.reason == "poll() has not answered for 1 s."
        assert unknown.phase is Phase.READY
        await eventually_async(
            lambda: "-- whether it lives is not known: poll() has not answered for 1 s.\n" in play.log
        )
        over = await play.stop()
        assert (over.fault, over.stop) == (None, StopOutcome.DONE)
        assert calls_of_the_bad(stage) == ["start 0", "stop 0"]


@pytest.mark.parametrize("hang", HANG.values(), ids=HANG)
async def test_a_stop_that_hangs_is_interrupted_and_the_slot_is_free(stage: Stage, hang: str) -> None:
    async with beside_a_neighbour(stage, service(stop=hang)) as play:
        await play.ready()
        over = await play.stop(timeout=0.2)
        assert over.stop is StopOutcome.FAILED
        assert calls_of_the_bad(stage) == ["start 0", "stop 0"]
        assert "stop() was interrupted." in play.log
        assert "Traceback" in play.log and ", in stop\n" in play.log, "the log shows where it hung"


DIES_OF_THE_INTERRUPT = """
    for number in signal.valid_signals():
        try:
            signal.signal(number, signal.SIG_DFL)
        except (OSError, ValueError):
            pass
    time.sleep(1000)
"""


@pytest.mark.parametrize("hang", [*STUBBORN.values(), DIES_OF_THE_INTERRUPT], ids=[*STUBBORN, "dies of the interrupt"])
async def test_a_stop_that_cannot_be_got_back_is_hung_for_the_quarantine(stage: Stage, hang: str) -> None:
    async with beside_a_neighbour(stage, service(stop=hang)) as play:
        await play.ready()
        over = await play.stop(timeout=0.2)
        assert over.stop is StopOutcome.HUNG
        assert calls_of_the_bad(stage) == ["start 0", "stop 0"]


async def test_a_check_of_the_options_that_hangs_is_never_followed_by_stop(stage: Stage) -> None:
    text = service(more="    def validate_options(self, options):\n        time.sleep(1000)\n")
    async with beside_a_neighbour(stage, text) as play:
        over = await play.fails(timeout=1.0)
        assert (over.fault, over.stop) == (StartFault.TIMEOUT, StopOutcome.NOT_CALLED)
        assert over.detail == "validate_options() had not returned after 1 s."
        assert calls_of_the_bad(stage) == []


# ---- calls that raise, exit or die ----------------------------------------------------------------------

ENDS = {
    "raises": ("raise OSError('no\\nspace')", "{call}() raised OSError: no space."),
    "raises nothing to say": ("raise Mute()", "{call}() raised Mute."),
    "exits": ("sys.exit('bye')", "{call}() left by sys.exit('bye')."),
    "exits with what cannot be shown": (
        "sys.exit(Mute())",
        "{call}() left by sys.exit(<a Mute whose repr() raised RuntimeError>).",
    ),
    "is interrupted from the keyboard": ("raise KeyboardInterrupt", "{call}() raised KeyboardInterrupt."),
}

MUTE = """
class Mute(Exception):
    def __str__(self): raise RuntimeError("no text")
    __repr__ = __str__
"""

DEATHS = {
    "os._exit": ("os._exit(3)", "exit status 3"),
    "kill -9": ("os.kill(os.getpid(), signal.SIGKILL)", "killed by SIGKILL"),
    "abort": ("os.abort()", "killed by SIGABRT"),
    "kills its process group": ("os.killpg(0, signal.SIGTERM); time.sleep(1000)", "killed by SIGTERM"),
    "closes all descriptors": ("os.closerange(0, 65536)", "exit status 70"),
    "closes all descriptors and raises": ("os.closerange(0, 65536); raise ValueError", "exit status 70"),
    "puts a file in the place of our socket": (
        "os.closerange(0, 65536)\nfor _ in range(100): os.open('/dev/null', os.O_RDWR)",
        "exit status 70",
    ),
}


@pytest.mark.parametrize(("end", "said"), ENDS.values(), ids=ENDS)
async def test_a_start_that_raises_fails_with_the_reason_and_stop_is_called_once(
    stage: Stage, end: str, said: str
) -> None:
    async with beside_a_neighbour(stage, MUTE + service(start=f"note('start 0')\n{end}")) as play:
        over = await play.fails()
        assert (over.fault, over.stop) == (StartFault.RAISED, StopOutcome.DONE)
        assert over.detail == said.format(call="start")
        assert calls_of_the_bad(stage) == ["start 0", "stop 0"]


async def test_a_traceback_in_the_log_shows_the_script_s_lines_only(stage: Stage) -> None:
    async with beside_a_neighbour(stage, service(start="raise ValueError('inside')")) as play:
        await play.fails()
        assert "ValueError: inside" in play.log
        assert f'File "{stage.scripts / "script.py"}"' in play.log and "worker.py" not in play.log


@pytest.mark.parametrize(("end", "said"), ENDS.values(), ids=ENDS)
async def test_a_poll_that_raises_is_unknown_and_nothing_else(stage: Stage, end: str, said: str) -> None:
    async with beside_a_neighbour(stage, MUTE + service(poll=end)) as play:
        await play.ready()
        unknown = await play.until(lambda status: status.poll.answer is Answer.UNKNOWN)
        assert unknown.poll.reason == f"poll() failed: {said.format(call='poll')}"
        assert (await play.stop()).stop is StopOutcome.DONE


@pytest.mark.parametrize(("end", "said"), ENDS.values(), ids=ENDS)
async def test_a_stop_that_raises_is_noted_and_the_slot_is_free(stage: Stage, end: str, said: str) -> None:
    async with beside_a_neighbour(stage, MUTE + service(stop=end)) as play:
        await play.ready()
        over = await play.stop()
        assert over.stop is StopOutcome.FAILED
        assert calls_of_the_bad(stage) == ["start 0", "stop 0"]
        assert f"WARNING {said.format(call='stop')}\n" in play.log


@pytest.mark.parametrize(("death", "how"), DEATHS.values(), ids=DEATHS)
async def test_a_start_that_ends_its_process_fails_and_a_successor_stops_it(stage: Stage, death: str, how: str) -> None:
    text = service(start=f"self.mark = 'kept'\nself.spawn(['sleep', '1000'])\n{death}")
    text += "    def stop(self):\n        note(f'stop 0 {self.mark}'); return True\n"
    async with beside_a_neighbour(stage, text) as play:
        over = await play.fails()
        assert (over.fault, over.stop) == (StartFault.DIED, StopOutcome.DONE)
        assert over.detail == f"The script ended its process: {how}."
        assert [line for line in calls_of_the_bad(stage) if "stop" in line] == ["stop 0 kept"]


async def test_a_check_of_the_options_that_ends_its_process_is_never_followed_by_stop(stage: Stage) -> None:
    text = service(more="    def validate_options(self, options):\n        os._exit(3)\n")
    async with beside_a_neighbour(stage, text) as play:
        over = await play.fails()
        assert (over.fault, over.stop) == (StartFault.DIED, StopOutcome.NOT_CALLED)
        assert calls_of_the_bad(stage) == []


async def test_a_check_of_the_options_that_raises_refuses(stage: Stage) -> None:
    text = service(more="    def validate_options(self, options):\n        return {}['cores']\n")
    async with beside_a_neighbour(stage, text) as play:
        over = await play.fails()
        assert (over.fault, over.detail) == (StartFault.REFUSED, "validate_options() raised KeyError: 'cores'.")
        assert calls_of_the_bad(stage) == []


async def test_a_poll_that_ends_its_process_once_gets_a_successor_with_the_saved_state(stage: Stage) -> None:
    text = service(
        start="self.mark = 'kept'\nself.spawn([sys.executable, '-c', SERVER, str(self.scratch / 'own')])\n"
        "self.set_unix_socket(self.scratch / 'own'); note('start 0'); return True",
        poll="note(f'poll {self.mark}')\nif CALLS.read_text().count('poll kept') == 1: os._exit(1)",
        stop="note(self.mark)",
    )
    server = (
        "SERVER = 'import socket, sys, time; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); "
        "time.sleep(1000)'\n"
    )
    async with beside_a_neighbour(stage, server + text) as play:
        await play.ready()
        await eventually_async(lambda: calls_of_the_bad(stage).count("poll kept") > 3)
        assert play.status.phase is Phase.READY and play.status.poll.answer is Answer.ALIVE
        assert (await play.stop()).stop is StopOutcome.DONE
        assert [line for line in calls_of_the_bad(stage) if "poll" not in line] == ["start 0", "stop 0", "kept"]


@pytest.mark.parametrize(("death", "how"), DEATHS.values(), ids=DEATHS)
async def test_a_poll_that_always_ends_its_process_ends_the_session(stage: Stage, death: str, how: str) -> None:
    async with beside_a_neighbour(stage, service(poll=death)) as play:
        await play.ready()
        over = await play.reach(Phase.OVER)
        assert over.poll.answer is Answer.ENDED
        assert over.poll.reason == f"The script's process ended again and again, the last time so: {how}."
        assert (over.fault, over.stop) == (None, StopOutcome.DONE)
        assert calls_of_the_bad(stage) == ["start 0", "stop 0"]


@pytest.mark.parametrize(("death", "how"), DEATHS.values(), ids=DEATHS)
async def test_a_stop_that_ends_its_process_is_called_once_more(stage: Stage, death: str, how: str) -> None:
    async with beside_a_neighbour(stage, service(stop=death)) as play:
        await play.ready()
        over = await play.stop()
        assert over.stop is StopOutcome.FAILED
        assert calls_of_the_bad(stage) == ["start 0", "stop 0", "stop 0"]
        assert play.log.count(f"-- the script's process has ended: {how}\n") == 2


async def test_a_stop_that_ends_its_process_and_then_succeeds_is_done(stage: Stage) -> None:
    async with beside_a_neighbour(stage, service(stop="if stop_count() == 1: os._exit(1)", more=STOP_COUNT)) as play:
        await play.ready()
        assert (await play.stop()).stop is StopOutcome.DONE
        assert calls_of_the_bad(stage) == ["start 0", "stop 0", "stop 0"]


STOP_COUNT = "\ndef stop_count():\n    return CALLS.read_text().count('stop 0')\n"


# ---- processes that stay --------------------------------------------------------------------------------

DAEMON = """
def daemonise(then):
    if os.fork():
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    for number in (0, 1, 2):
        os.close(number)
    CALLS.with_name("daemon").write_text(str(os.getpid()))
    then()
"""

LEAVES = {
    "a child": "if (child := os.fork()) == 0: time.sleep(1000)\nCALLS.with_name('daemon').write_text(str(child))",
    "a daemon": "daemonise(lambda: time.sleep(1000))",
    "a daemon that another program became": "daemonise(lambda: os.execvp('sleep', ['sleep', '1000']))",
    "a daemon with an empty environment": "daemonise(lambda: os.execve('/bin/sleep', ['sleep', '1000'], {}))",
    "a daemon by setsid and env -i": (
        "subprocess.run(['setsid', '--fork', 'env', '-i', 'sh', '-c', 'echo $$ > daemon; exec sleep 1000'],"
        " cwd=CALLS.parent, check=True)"
    ),
    "a program that ignores SIGTERM": (
        "p = self.spawn(['sh', '-c', 'trap \"\" TERM HUP INT; echo $$ > daemon; while :; do sleep 1; done'],"
        " cwd=CALLS.parent)"
    ),
    "a program that is stopped": (
        "p = self.spawn(['sh', '-c', 'echo $$ > daemon; kill -STOP $$; sleep 1000'], cwd=CALLS.parent)"
    ),
    "a program that comes back": (
        "p = self.spawn(['sh', '-c',"
        " 'echo $$ > daemon; again() { sh -c \"sleep 1000\" & }; trap again TERM; while :; do sleep 0.05; done'],"
        " cwd=CALLS.parent)"
    ),
    "an orphan that changed its marker": (
        "subprocess.run(['sh', '-c', 'REMOTE_SERVICE_SESSION=none setsid sleep 1000 & echo $! > daemon'],"
        " cwd=CALLS.parent)"
    ),
}


@pytest.mark.parametrize("leaves", LEAVES.values(), ids=LEAVES)
@pytest.mark.parametrize("how", ["stopped", "failed"])
async def test_whatever_stays_is_ended(stage: Stage, leaves: str, how: str) -> None:
    fails = "raise ValueError" if how == "failed" else ""
    async with beside_a_neighbour(stage, DAEMON + service(start=f"{leaves}\nawait_daemon()\n{fails}") + AWAIT) as play:
        await play.start()
        daemon = await pid_in(stage.scripts / "daemon")
        if how == "stopped":
            await play.reach(Phase.READY)
            assert alive(daemon)
            over = await play.stop()
            assert over.fault is None
        else:
            over = await play.reach(Phase.OVER)
            assert over.fault is StartFault.RAISED
        assert over.stop is StopOutcome.DONE
        assert not alive(daemon)


AWAIT = """
def await_daemon():
    while not CALLS.with_name("daemon").exists():
        time.sleep(0.01)
"""


async def test_a_child_that_forgets_to_end_does_not_become_a_second_worker(stage: Stage) -> None:
    text = service(
        start="super().start(token)\nself.child = os.fork()\nnote(f'pid {os.getpid()}')\nreturn True",
        poll="note(f'poll {os.getpid()}')",
        stop="note(f'status {os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])}')",
    )
    async with beside_a_neighbour(stage, text) as play:
        await play.ready()
        await eventually_async(lambda: sum("poll" in line for line in calls_of_the_bad(stage)) > 4)
        assert (await play.stop()).stop is StopOutcome.DONE
        noted = calls_of_the_bad(stage)
        assert len([line for line in noted if line.startswith("pid")]) == 2
        assert len({line for line in noted if line.startswith("poll")}) == 1
        assert noted[-2:] == ["stop 0", "status 0"]


@pytest.mark.parametrize(
    ("child", "status"),
    [("sys.exit(7)", 7), ("sys.exit()", 0), ("sys.exit('text')", 1), ("raise ValueError('in a child')", 1)],
)
async def test_a_child_ends_as_its_script_says(stage: Stage, child: str, status: int) -> None:
    text = service(
        start=f"child = os.fork()\nif not child: {child}\n"
        "note(f'status={os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}')"
    )
    async with beside_a_neighbour(stage, text) as play:
        await play.ready()
        await play.stop()
        assert calls_of_the_bad(stage) == [f"status={status}", "start 0", "stop 0"]
        assert ("ValueError: in a child" in play.log) is ("ValueError" in child)


# ---- floods and damage ----------------------------------------------------------------------------------


async def test_a_gigabyte_of_output_is_cut_and_the_runner_answers_meanwhile(stage: Stage) -> None:
    text = service(
        start="""
            print("the first line")
            if os.fork() == 0:
                block = (b"x" * 1023 + b"\\n") * 1024
                for _ in range(1024):
                    os.write(1, block)
                os.write(1, b"the last line\\n")
                CALLS.with_name("done").touch()
                os._exit(0)
        """
    )
    async with beside_a_neighbour(stage, text) as play:
        await play.ready()
        answers = []
        largest = 0
        over = False
        while not over:
            over = (stage.scripts / "done").exists()
            began = time.monotonic()
            other = Play(stage.run_dir, play.session, play.runner, stage.type_log)
            await other.connect()
            await other.hang_up()
            answers.append(time.monotonic() - began)
            largest = max(largest, len(play.log))
        await eventually_async(lambda: play.log.endswith("the last line\n"))
        assert answers and max(answers) < 2
        assert (await play.stop()).stop is StopOutcome.DONE
        assert max(largest, len(play.log)) <= CAP
        assert play.log.startswith("the first line\n")
        assert "bytes were left out here: the log may have 10485760 --" in play.log


async def test_endless_output_cannot_keep_a_session_from_its_end(stage: Stage) -> None:
    async with beside_a_neighbour(stage, service(start="self.spawn(['yes', 'y' * 1000])")) as play:
        await play.ready()
        await eventually_async(lambda: "bytes were left out" in play.log)
        assert (await play.stop()).stop is StopOutcome.DONE
        assert len(play.log) <= CAP


async def test_changes_of_directory_environment_and_umask_stay_with_the_session(stage: Stage) -> None:
    text = service(
        start="""
            os.chdir(self.scratch)
            os.environ.clear()
            os.environ["REMOTE_SERVICE_SESSION"] = "another"
            os.umask(0o777)
            sys.path.clear()
            sys.modules.clear()
            self.spawn(["/bin/sleep", "1000"])
        """
    )
    async with beside_a_neighbour(stage, text) as play:
        await play.ready()
        assert (await play.stop()).stop is StopOutcome.DONE


@pytest.mark.parametrize("put", ["None", "open(os.devnull)", "object()", "closed()"])
async def test_outputs_may_be_replaced_by_anything(stage: Stage, put: str) -> None:
    more = "\ndef closed():\n    f = open(os.devnull, 'w'); f.close(); return f\n"
    async with beside_a_neighbour(
        stage, service(start=f"sys.stdout = sys.stderr = {put}", stop="raise ValueError", more=more)
    ) as play:
        await play.ready()
        assert (await play.stop()).stop is StopOutcome.FAILED


SCRATCH = {
    "no permissions": "(d / 'a' / 'b').mkdir(parents=True); (d / 'a' / 'b' / 'f').touch(); "
    "(d / 'a' / 'b').chmod(0); (d / 'a').chmod(0); d.chmod(0)",
    "a link out of it": "(d / 'out').symlink_to(CALLS.with_name('victim')); d.chmod(0o500)",
    "itself a link": "import shutil; shutil.rmtree(d); d.symlink_to(CALLS.with_name('victim'))",
    "a file": "import shutil; shutil.rmtree(d); d.write_text('not a directory')",
    "gone": "import shutil; shutil.rmtree(d)",
    "very deep": "os.chdir(d)\nfor _ in range(1500): os.mkdir('n'); os.chdir('n')\nos.chdir('/')",
    "odd names": "(d / 'new\\nline').touch(); open(os.fsencode(d) + b'/\\xff', 'w').close(); os.mkfifo(d / 'fifo')",
}


@pytest.mark.parametrize("damage", SCRATCH.values(), ids=SCRATCH)
async def test_a_scratch_directory_is_removed_whatever_became_of_it(stage: Stage, damage: str) -> None:
    victim = stage.scripts / "victim"
    victim.mkdir()
    (victim / "precious").write_text("untouched")
    victim.chmod(0o755)
    text = service(stop=f"d = self.scratch\n{damage}")
    async with beside_a_neighbour(stage, text) as play:
        await play.ready()
        assert (await play.stop()).stop is StopOutcome.DONE
    assert (victim / "precious").read_text() == "untouched"
    assert victim.stat().st_mode & 0o777 == 0o755


# ---- rubbish --------------------------------------------------------------------------------------------

RUBBISH = """
class Rubbish:
    def __bool__(self): raise RuntimeError("neither true nor false")
    def __repr__(self): raise RuntimeError("no text")
"""


async def ends_with(stage: Stage, text: str) -> Status:
    async with beside_a_neighbour(stage, RUBBISH + text) as play:
        await play.start()
        await play.until(lambda status: status.phase in (Phase.READY, Phase.OVER))
        return play.status if play.status.phase is Phase.OVER else await play.stop()


@pytest.mark.parametrize("value", ["object()", "subprocess", "{1, 2}", "'yes'", "float('nan')"])
async def test_anything_true_is_a_success(stage: Stage, value: str) -> None:
    text = service(start=f"super().start(token); return {value}", stop=f"return {value}")
    over = await ends_with(stage, text)
    assert (over.fault, over.stop) == (None, StopOutcome.DONE)
    assert calls_of_the_bad(stage) == ["start 0", "stop 0"]


@pytest.mark.parametrize(("value", "shown"), [("None", "None"), ("''", "''"), ("[]", "[]"), ("0.0", "0.0")])
async def test_anything_false_is_a_failure(stage: Stage, value: str, shown: str) -> None:
    over = await ends_with(stage, service(start=f"note('start 0'); return {value}"))
    assert (over.fault, over.stop) == (StartFault.FALSY, StopOutcome.NOT_CALLED)
    assert over.detail == f"start() returned {shown}."
    assert calls_of_the_bad(stage) == ["start 0"]


async def test_a_stop_that_returns_false_is_noted_and_the_slot_is_free(stage: Stage) -> None:
    over = await ends_with(stage, service(stop="return None"))
    assert over.stop is StopOutcome.FAILED
    assert "WARNING stop() returned None.\n" in stage.plays[-1].log


async def test_what_is_neither_true_nor_false_is_an_exception(stage: Stage) -> None:
    over = await ends_with(stage, service(start="return Rubbish()", stop="return Rubbish()"))
    assert (over.fault, over.stop) == (StartFault.RAISED, StopOutcome.FAILED)
    assert over.detail == "start() raised RuntimeError: neither true nor false."


POLLS = {
    "None": "poll() returned None; expected Poll.alive() or one of its siblings.",
    "'alive'": "poll() returned 'alive'; expected Poll.alive() or one of its siblings.",
    "Rubbish()": "poll() returned <a Rubbish whose repr() raised RuntimeError>; "
    "expected Poll.alive() or one of its siblings.",
    "Poll('alive')": "poll() returned Poll(answer='alive', reason=''); expected Poll.alive() or one of its siblings.",
    "Poll.ended(Rubbish())": "poll() raised RuntimeError: neither true nor false.",
}


@pytest.mark.parametrize(("value", "said"), POLLS.items())
async def test_a_poll_that_is_none_is_unknown(stage: Stage, value: str, said: str) -> None:
    text = RUBBISH + "from remote_service.answers import Poll\n" + service(poll=f"return {value}")
    async with beside_a_neighbour(stage, text) as play:
        await play.ready()
        unknown = await play.until(lambda status: status.poll.answer is Answer.UNKNOWN)
        assert unknown.poll.reason == f"poll() failed: {said}"
        await play.stop()


@pytest.mark.parametrize("value", ["Rubbish()", "1 / 0", "sys.exit(1)"])
async def test_a_progress_that_is_none_is_left_out(stage: Stage, value: str) -> None:
    text = RUBBISH + "from remote_service.answers import Poll\n" + service(poll="return Poll.pending('well')")
    text += f"    def progress(self):\n        return {value}\n"
    async with beside_a_neighbour(stage, text) as play:
        await play.ready()
        polled = await play.until(lambda status: status.poll.answer is Answer.PENDING)
        assert (polled.poll.reason, polled.progress) == ("well", "")
        await play.stop()


STATES = {
    "[1, 2]": "get_state() gave a list; expected a dict of at most 262144 bytes as JSON; the older state is kept",
    "{'x': 'x' * 300000}": "get_state() gave 300009 bytes; expected a dict of at most 262144 bytes as JSON; "
    "the older state is kept",
    "{'x': object()}": "get_state() raised, or gave nothing that JSON can hold; the older state is kept",
    "{'x': float('nan')}": "get_state() raised, or gave nothing that JSON can hold; the older state is kept",
    "1 / 0": "ZeroDivisionError: division by zero",
}


@pytest.mark.parametrize(("value", "said"), STATES.items())
async def test_a_state_that_is_none_is_noted_and_fails_nothing(stage: Stage, value: str, said: str) -> None:
    text = service(start="self.spawn(['sleep', '1000'])")
    text += f"    def get_state(self):\n        return {value}\n"
    async with beside_a_neighbour(stage, text) as play:
        ready = await play.ready()
        assert ready.state is None
        assert said in play.log
        await play.stop()


async def test_a_get_state_that_exits_fails_nothing(stage: Stage) -> None:
    over = await ends_with(stage, service() + "    def get_state(self):\n        sys.exit(1)\n")
    assert (over.fault, over.stop) == (None, StopOutcome.DONE)


async def test_log_files_that_are_none_change_no_outcome(stage: Stage) -> None:
    over = await ends_with(
        stage, service(start="raise ValueError('first')") + "    def log_files(self):\n        return 5\n"
    )
    assert (over.fault, over.detail) == (StartFault.RAISED, "start() raised ValueError: first.")


ENDPOINTS = {
    "self.set_host_port('', 5900)": "the host is ''; expected a host name or an address, such as 'localhost'",
    "self.set_host_port(None, 5900)": "the host is None; expected a host name or an address, such as 'localhost'",
    "self.set_host_port('localhost', 99999)": "the port is 99999; expected a whole number from 1 to 65535",
    "self.set_host_port('localhost', True)": "the port is True; expected a whole number from 1 to 65535",
    "self.set_host_port('localhost', 5900, password=5)": "the password is a int; expected a text or None",
    "self.set_host_port('localhost', 5900, '\\udc80half')": "the password holds characters that are not printable; "
    "expected letters and digits",
    "self.set_unix_socket('sock')": "the socket's path is 'sock'; expected an absolute path of printable characters",
    "self.set_terminal('tmux attach')": "the command is 'tmux attach'; expected a list of texts, such as "
    "['tmux', 'attach']",
}


@pytest.mark.parametrize(("call", "said"), ENDPOINTS.items())
async def test_an_endpoint_that_cannot_be_one_fails_the_start_by_name(stage: Stage, call: str, said: str) -> None:
    over = await ends_with(stage, service(start=call))
    assert (over.fault, over.detail) == (StartFault.RAISED, f"start() raised EndpointError: {said}.")
    assert calls_of_the_bad(stage) == ["stop 0"]


@pytest.mark.parametrize("host", ["a..b", "x" * 70 + ".example", "no-such-host.invalid"])
async def test_a_host_name_that_nobody_has_is_waited_for_in_vain(stage: Stage, host: str) -> None:
    async with beside_a_neighbour(stage, service(start=f"self.set_host_port('{host}', 1); return True")) as play:
        over = await play.fails(timeout=1.0)
        assert (over.fault, over.stop) == (StartFault.NEVER_LISTENED, StopOutcome.DONE)


async def test_texts_for_the_user_are_harmless_and_not_endless(stage: Stage) -> None:
    over = await ends_with(stage, service(start="raise ValueError('\\x1b[31m\\udc80\\0' + 'y' * 5_000_000)"))
    assert over.detail.startswith("start() raised ValueError: \\u001b[31m\\udc80\\u0000yyy")
    assert len(over.detail) == 2000
    assert over.detail.isprintable()


OUR_SOCKET = """
import stat
def our_socket():
    for number in range(3, 100):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                return number
        except OSError:
            pass
"""


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ("b'rubbish\\n'", "a line that is not JSON (Expecting value: line 1 column 1 (char 0))"),
        ("b'[]\\n'", "a line that holds a list"),
        ("b'x' * 5_000_000", "a message of more than 4194304 bytes"),
    ],
)
async def test_a_script_that_writes_to_our_socket_is_ended(stage: Stage, sent: str, said: str) -> None:
    text = OUR_SOCKET + service(
        start=f"note('start 0')\nopen(our_socket(), 'wb', 0, closefd=False).write({sent})\ntime.sleep(1000)"
    )
    async with beside_a_neighbour(stage, text) as play:
        over = await play.fails()
        assert (over.fault, over.stop) == (StartFault.DIED, StopOutcome.DONE)
        assert over.detail == "The script ended its process: killed by SIGKILL."
        assert f"-- the script's process sent what cannot be read, and is ended: {said}; " in play.log
        assert calls_of_the_bad(stage) == ["start 0", "stop 0"]


async def test_an_instance_that_takes_no_attributes_is_given_up_before_its_start(stage: Stage) -> None:
    text = service(
        more="    def __setattr__(self, name, value):\n        if name == '_context': raise TypeError(name)\n"
        "        super().__setattr__(name, value)\n"
    )
    async with beside_a_neighbour(stage, text) as play:
        over = await play.reach(Phase.OVER)
        assert (over.fault, over.stop) == (StartFault.DIED, StopOutcome.NOT_CALLED)
        assert "TypeError: _context" in play.log


async def test_a_load_state_that_raises_does_not_keep_stop_from_being_called(stage: Stage) -> None:
    text = service(start="note('start 0')\nself.spawn(['sleep', '1000'])\nos._exit(1)")
    text += "    def load_state(self, state):\n        raise ValueError('old format')\n"
    async with beside_a_neighbour(stage, text) as play:
        over = await play.fails()
        assert (over.fault, over.stop) == (StartFault.DIED, StopOutcome.DONE)
        assert "ValueError: old format" in play.log
        assert calls_of_the_bad(stage) == ["start 0", "stop 0"]
