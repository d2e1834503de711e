"""What can be wrong with a script when a script host loads it: every fault, on a real host."""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import socket
import subprocess
import sys
import uuid
from dataclasses import replace
from typing import Any

import pytest

from remote_service import leftovers
from remote_service.config.script_report import ScriptFault, ScriptReport
from remote_service.hosting import client, processes
from remote_service.hosting.client import HostError, ScriptHost
from tests.integration.hosting.accounts import as_root, throw_away_account
from tests.integration.hosting.stage import REALIZE, Stage, alive, eventually, eventually_async, pid_in

__all__ = ["throw_away_account"]

BASE = "from remote_service import RemoteServiceScript\n"
SOUND = f"""{BASE}
class Service(RemoteServiceScript):
    def start(self, token, timestamp=None, options=None):
        return True
    def stop(self):
        return True
"""


def faulty(report: ScriptReport, *, traceback_has: str = "") -> dict[str, Any]:
    """What the tests compare of a report; tracebacks are compared by a part of theirs."""
    assert traceback_has in report.traceback
    found = report.as_dict()
    del found["traceback"]
    return {key: value for key, value in found.items() if value not in (None, "", [])}


async def load_fault(stage: Stage, text: str, **arguments: Any) -> ScriptReport:
    host, loaded = await stage.load(stage.write("script.py", text), **arguments)
    assert host is None
    return loaded.report


@pytest.mark.parametrize(
    ("text", "expected", "traceback_has"),
    [
        ("x = (\n", {"fault": "syntax", "found": "'(' was never closed", "line": 1}, "script.py"),
        (
            "import os\n\nraise ValueError('out of\\nlicences')\n",
            {"fault": "import_raised", "found": "ValueError: out of licences", "line": 3},
            'script.py", line 3, in <module>',
        ),
        (
            "import no_such_module\n",
            {
                "fault": "import_raised",
                "found": "ModuleNotFoundError: No module named 'no_such_module'",
                "line": 1,
            },
            "import no_such_module",
        ),
        ("import sys\nsys.exit(3)\n", {"fault": "import_exited", "found": "3", "line": 2}, "sys.exit(3)"),
        ("import os\nos._exit(4)\n", {"fault": "died", "found": "exit status 4"}, ""),
        ("import os\nos.kill(os.getpid(), 9)\n", {"fault": "died", "found": "killed by SIGKILL"}, ""),
        (
            "import os\nos.closerange(3, 1000)\n" + SOUND,
            {"fault": "died", "found": "exit status 1"},
            "",
        ),
        ("", {"fault": "no_realize_service"}, ""),
        (
            "def realise_service(): pass\nrealize_service = 3\n",
            {"fault": "no_realize_service", "names": ["realise_service"]},
            "",
        ),
        (
            "def realize_service(name, count, index, common_options):\n    raise KeyError('display')\n",
            {"fault": "realize_raised", "index": 0, "found": "KeyError: 'display'", "line": 2},
            "raise KeyError('display')",
        ),
        (
            "def realize_service():\n    pass\n",
            {
                "fault": "realize_raised",
                "index": 0,
                "found": "TypeError: realize_service() got an unexpected keyword argument 'name'",
            },
            "",
        ),
        (
            "import sys\ndef realize_service(name, count, index, common_options):\n    sys.exit('no')\n",
            {"fault": "realize_exited", "index": 0, "found": "'no'", "line": 3},
            "sys.exit('no')",
        ),
        (
            SOUND
            + "import os\ndef realize_service(index, **rest):\n    return Service() if index < 1 else os._exit(0)\n",
            {"fault": "died", "index": 1, "found": "exit status 0"},
            "",
        ),
        (
            SOUND + "def realize_service(index, **rest):\n    return Service() if index < 1 else None\n",
            {"fault": "wrong_type", "index": 1, "found": "NoneType"},
            "",
        ),
        (
            f"{BASE}class Empty(RemoteServiceScript): pass\n" + REALIZE.format(chosen="Empty"),
            {"fault": "missing_methods", "index": 0, "found": "Empty", "names": ["start", "stop"]},
            "",
        ),
        (
            f"{BASE}class Half(RemoteServiceScript):\n    def start(self, token, **rest): pass\n    stop = None\n"
            + REALIZE.format(chosen="Half"),
            {"fault": "missing_methods", "index": 0, "found": "Half", "names": ["stop"]},
            "",
        ),
    ],
    ids=lambda value: value["fault"] if isinstance(value, dict) else None,
)
async def test_the_fault_is_named(stage: Stage, text: str, expected: dict[str, Any], traceback_has: str) -> None:
    assert faulty(await load_fault(stage, text), traceback_has=traceback_has) == expected


async def test_a_syntax_error_in_a_module_beside_is_a_failed_import(stage: Stage) -> None:
    stage.write("beside.py", "x = = 1\n")
    report = await load_fault(stage, "import beside\n")
    assert (report.fault, report.line) == (ScriptFault.IMPORT_RAISED, 1)
    assert report.found.startswith("SyntaxError: invalid syntax")


async def test_an_import_that_hangs_is_given_up(stage: Stage) -> None:
    report = await load_fault(stage, "import time\ntime.sleep(1000)\n", timeout=0.5)
    assert faulty(report) == {"fault": "import_timeout", "found": "0.5 seconds"}


async def test_a_realize_service_that_hangs_is_given_up_and_named_by_its_index(stage: Stage) -> None:
    text = SOUND + (
        "import os, time\n"
        "open('pid', 'w').write(str(os.getpid()))\n"
        "def realize_service(index, **rest):\n"
        "    while index == 1:\n"
        "        try:\n"
        "            time.sleep(1000)\n"
        "        except BaseException:\n"
        "            pass\n"
        "    return Service()\n"
    )
    stage.extra_environment["HOME"] = str(stage.scripts)
    report = await load_fault(stage, text, timeout=3.0)
    assert faulty(report) == {"fault": "import_timeout", "index": 1, "found": "3 seconds"}
    assert not alive(await pid_in(stage.scripts / "pid"))
    assert "in realize_service\n" in stage.type_log.read_text(), "the type's log shows where it hung"


async def test_threads_are_a_warning_and_the_host_serves(stage: Stage) -> None:
    text = (
        SOUND
        + "import threading\nthreading.Thread(target=threading.Event().wait, name='ticker', daemon=False).start()\n"
        + REALIZE.format(chosen="Service")
    )
    host, loaded = await stage.load(stage.write("script.py", text))
    assert host is not None
    assert faulty(loaded.report) == {"fault": "threads", "names": ["ticker"]}
    play = await stage.play(host)
    await play.stop()
    await host.close()
    eventually(lambda: not alive(host.pid))


async def test_a_file_that_is_gone_is_unreadable(stage: Stage) -> None:
    host, loaded = await stage.load(stage.scripts / "gone.py")
    account = pwd.getpwuid(os.getuid()).pw_name
    assert host is None
    assert faulty(loaded.report) == {
        "fault": "unreadable",
        "found": "No such file or directory",
        "names": [account],
    }


@as_root
async def test_a_file_that_the_account_cannot_read_is_unreadable(throw_away_account: str, stage: Stage) -> None:
    stage.account = throw_away_account
    host, loaded = await stage.load(stage.write("script.py", SOUND, mode=0o600))
    assert host is None
    assert faulty(loaded.report) == {
        "fault": "unreadable",
        "found": "Permission denied",
        "names": [throw_away_account],
    }


async def test_an_account_that_does_not_exist_ends_the_host(stage: Stage) -> None:
    order = stage.order(stage.write("script.py", SOUND))
    host, loaded = await ScriptHost.start(replace(order, account="no-such-account"))
    assert host is None
    assert faulty(loaded.report) == {"fault": "died", "found": "exit status 1"}
    assert "no-such-account" in stage.type_log.read_text()


@pytest.mark.parametrize(
    ("line", "expected"),
    [("", "stop"), ("on_last_disconnect = 'keep'", "keep"), ("on_last_disconnect = ['rubbish']", "stop")],
)
async def test_the_class_says_what_the_last_viewer_s_leaving_does(stage: Stage, line: str, expected: str) -> None:
    host, loaded = await stage.load(stage.script(f"class Service(Good):\n    {line or 'pass'}"))
    assert host is not None and loaded.on_last_disconnect == expected


async def test_a_script_that_daemonises_at_import_leaves_no_second_host(stage: Stage) -> None:
    text = "import os\nif os.fork():\n    os._exit(0)\n" + SOUND + REALIZE.format(chosen="Service")
    report = await load_fault(stage, text)
    assert faulty(report) == {"fault": "died", "index": 1, "found": "exit status 0"}


async def test_a_child_that_a_script_forgot_at_import_leaves_and_the_host_serves(stage: Stage) -> None:
    host = await stage.host(stage.script("note(os.fork())\nclass Service(Good): pass"))
    play = await stage.play(host)
    await play.ready()
    await play.stop()
    child = max(int(line) for line in stage.calls() if line.isdigit())
    eventually(lambda: not alive(child))


async def test_signal_handlers_and_masks_of_the_import_are_forgotten(stage: Stage) -> None:
    host = await stage.host(
        stage.script(
            """
            for number in signal.valid_signals():
                try:
                    signal.signal(number, lambda *_: os._exit(99))
                except (OSError, ValueError):
                    pass
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            class Service(Good):
                def start(self, token, timestamp=None, options=None):
                    note(len(signal.pthread_sigmask(signal.SIG_BLOCK, ())))
                    note(signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL)
                    return super().start(token)
            """
        )
    )
    play = await stage.play(host)
    await play.ready()
    assert stage.calls()[:2] == ["0", "True"]
    os.kill(play.runner, signal.SIGTERM)
    os.kill(play.runner, signal.SIGHUP)
    os.kill(play.runner, signal.SIGINT)
    over = await play.stop()
    assert over.survivors == ()


# ---- the host in the supervisor's hands -----------------------------------------------------------------


async def test_a_host_ends_with_its_supervisor_and_its_runners_stay(stage: Stage) -> None:
    host = await stage.host(stage.script("class Service(Good): pass"))
    play = await stage.play(host)
    await play.ready()
    await host.close()
    assert not host.alive and not alive(host.pid)
    assert alive(play.runner)
    await play.stop()
    await play.dismiss()
    with pytest.raises(HostError, match=r"^The script host has ended\.$"):
        await stage.play(host)


async def test_a_host_that_dies_is_noticed(stage: Stage) -> None:
    host = await stage.host(stage.script("class Service(Good): pass"))
    assert host.alive
    os.kill(host.pid, signal.SIGKILL)
    await eventually_async(lambda: not host.alive)
    with pytest.raises(HostError, match=r"^The script host has ended\.$"):
        await stage.play(host)


async def test_a_host_whose_death_nobody_has_noticed_yet_cannot_be_reached(stage: Stage) -> None:
    host = await stage.host(stage.script("class Service(Good): pass"))
    os.kill(host.pid, signal.SIGKILL)
    # Without a turn of the event loop, which would notice; on a busy machine it has one before the host is asked.
    eventually(lambda: not alive(host.pid))
    with pytest.raises(HostError, match=r"^The script host (cannot be reached: \[Errno 32\] Broken pipe|has ended)\.$"):
        await stage.play(host)


async def test_a_runner_that_breaks_says_so_in_the_session_s_log(stage: Stage) -> None:
    host = await stage.host(
        stage.script(
            """
            def broken(self):
                raise RuntimeError("of our own making")
            hurry.runner.Runner.run = broken
            class Service(Good): pass
            """
        )
    )
    log = stage.root / "session.log"
    runner = await host.fork_runner("a-session", 0, stage.run_dir / "sock", log)
    eventually(lambda: not alive(runner))
    assert "RuntimeError: of our own making" in log.read_text()
    assert host.alive


async def test_a_host_that_is_stopped_does_not_answer_in_time(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "FORK_TIMEOUT", 0.2)
    host = await stage.host(stage.script("class Service(Good): pass"))
    os.kill(host.pid, signal.SIGSTOP)
    session = str(uuid.uuid4())
    with pytest.raises(HostError, match=r"^The script host did not answer within 0\.2 s\.$"):
        await stage.play(host, session=session)
    os.kill(host.pid, signal.SIGCONT)
    # What it answers too late is nobody's; the runner and its worker are found by their session's marker.
    await eventually_async(lambda: len(processes.marked(session)) == 2)
    monkeypatch.undo()
    monkeypatch.setattr(leftovers, "TERM_PATIENCE", 0.1)
    assert await asyncio.to_thread(leftovers.end_marked, session) == []
    play = await stage.play(host)
    await play.stop()


async def test_a_host_that_dies_while_it_is_asked_is_an_error_at_once(stage: Stage) -> None:
    host = await stage.host(stage.script("class Service(Good): pass"))
    os.kill(host.pid, signal.SIGSTOP)
    asked = asyncio.gather(stage.play(host), return_exceptions=True)
    await eventually_async(lambda: host._answers)
    os.kill(host.pid, signal.SIGKILL)
    (error,) = await asked
    assert isinstance(error, HostError) and str(error) == "The script host has ended."


async def test_a_host_whose_line_is_cut_while_it_is_asked_is_an_error(stage: Stage) -> None:
    host = await stage.host(stage.script("class Service(Good): pass"))
    os.kill(host.pid, signal.SIGSTOP)
    asked = asyncio.gather(stage.play(host), return_exceptions=True)
    await eventually_async(lambda: host._answers)
    await host.close()
    (error,) = await asked
    assert isinstance(error, HostError) and str(error) == "The script host has ended."


async def test_a_runner_that_cannot_be_forked_is_refused_with_the_reason(stage: Stage) -> None:
    host = await stage.host(
        stage.script(
            """
            import errno
            def refuse():
                raise OSError(errno.EAGAIN, "Resource temporarily unavailable")
            os.fork = refuse
            class Service(Good): pass
            """
        )
    )
    with pytest.raises(HostError, match=r"^The script host could not fork: Resource temporarily unavailable\.$"):
        await stage.play(host)
    assert host.alive


async def test_a_socket_that_cannot_be_made_is_an_error_and_leaves_the_host_in_order(stage: Stage) -> None:
    host = await stage.host(stage.script("class Service(Good): pass"))
    with pytest.raises(FileNotFoundError):
        await host.fork_runner("a-session", 0, stage.root / "nowhere" / "sock", stage.root / "log")
    play = await stage.play(host)
    await play.stop()


async def test_no_process_can_be_started_is_an_error(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(stage.root / "no-python"))
    with pytest.raises(FileNotFoundError):
        await stage.load(stage.write("script.py", SOUND))


async def test_a_load_that_is_cancelled_leaves_no_host(stage: Stage) -> None:
    stage.extra_environment["HOME"] = str(stage.scripts)
    script = stage.write("script.py", "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(1000)\n")
    loading = asyncio.gather(stage.load(script))
    pid = await pid_in(stage.scripts / "pid")
    loading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loading
    assert not alive(pid)


async def test_a_host_that_dies_before_it_hears_anything_is_reported(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = stage.write("python", "#!/bin/sh\nexit 5\n", mode=0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    # More than the socket between the two can hold, so that some of it is never taken in.
    host, loaded = await stage.load(stage.write("script.py", SOUND), options={"large": "x" * 1_000_000})
    assert host is None
    assert faulty(loaded.report) == {"fault": "died", "found": "exit status 5"}


async def test_an_idle_host_whose_supervisor_is_gone_before_it_ordered_anything_leaves(stage: Stage) -> None:
    ours, theirs = socket.socketpair()
    process = subprocess.Popen(
        [sys.executable, "-m", "remote_service.hosting.script_host", str(theirs.fileno())],
        cwd=client.PROJECT, env=stage.environment(), pass_fds=[theirs.fileno()],
    )  # fmt: skip
    theirs.close()
    ours.close()
    assert process.wait(10) == 0


async def test_two_hosts_load_side_by_side(stage: Stage) -> None:
    script = stage.script("class Service(Good): pass")
    hosts = await asyncio.gather(stage.host(script), stage.host(script))
    assert all(isinstance(host, ScriptHost) and host.alive for host in hosts)
