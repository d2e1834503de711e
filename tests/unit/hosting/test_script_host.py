"""Importing and realizing a script, in the test's own process; hosts of their own are in tests/integration/hosting."""

from __future__ import annotations

import faulthandler
import io
import os
import pwd
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from remote_service.config.script_report import ScriptFault, ScriptReport
from remote_service.hosting import script_host
from remote_service.hosting.script_host import (
    LoadError,
    LoadOrder,
    become,
    import_script,
    load,
    main,
    own_account,
    realize,
)
from remote_service.hosting.wire import Channel, Message
from remote_service.script import RemoteServiceScript

SOUND = """
from remote_service import RemoteServiceScript

class Service(RemoteServiceScript):
    def start(self, token, timestamp=None, options=None):
        return True
    def stop(self):
        return True

def realize_service(name="", count=1, index=0, common_options=None):
    return Service(name, count=count, index=index, common_options=common_options)
"""


@pytest.fixture(autouse=True)
def _own_import_state(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a script host may do to its process is undone in the test's."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("HOME", os.getcwd())
    monkeypatch.chdir(os.getcwd())
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


class Line:
    """A line to a supervisor that is the test."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self.supervisor, self.channel = Channel(ours), Channel(theirs)

    def said(self) -> list[Message]:
        return self.supervisor.receive_available() or []

    def close(self) -> None:
        self.supervisor.close()
        self.channel.close()


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line()
    yield made
    made.close()


def written(tmp_path: Path, text: str, name: str = "a_script.py") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def order(script: Path, **changes: Any) -> LoadOrder:
    message = {"script": str(script), "name": "A type", "count": 2, "options": {"x": [1]}, "account": None}
    message |= {"timeout": 20.0, **changes}
    return LoadOrder.from_message(message)


def fault(script: Path) -> ScriptReport:
    with pytest.raises(LoadError) as caught:
        import_script(script)
    return caught.value.report


def test_an_order_is_read_from_the_first_message(tmp_path: Path) -> None:
    assert order(tmp_path / "s.py", account="a") == LoadOrder(tmp_path / "s.py", "A type", 2, {"x": [1]}, "a", 20.0)


# ---- importing ------------------------------------------------------------------------------------------


def test_a_script_is_imported_under_its_own_name_and_finds_what_lies_beside_it(tmp_path: Path) -> None:
    written(tmp_path, "NAME = 'beside'", "beside_it.py")
    script = written(tmp_path, "import beside_it\nFOUND = beside_it.NAME")
    module = import_script(script)
    assert (module.FOUND, module.__name__, module.__file__) == ("beside", "a_script", str(script))
    assert sys.modules["a_script"] is module
    assert sys.path[0] == str(tmp_path)
    assert sys.path[-2:] == [str(script_host.COMPATIBILITY), str(script_host.PROJECT)]


def test_our_own_directory_comes_after_the_script_s(tmp_path: Path) -> None:
    """Where the server was started from is no reason for a script to find our modules first."""
    sys.path[:0] = ["", str(script_host.PROJECT)]
    import_script(written(tmp_path, ""))
    assert [path for path in sys.path if path == str(script_host.PROJECT)] == sys.path[-1:]
    assert "" not in sys.path


def test_a_script_with_the_name_of_a_loaded_module_does_not_replace_it(tmp_path: Path) -> None:
    module = import_script(written(tmp_path, "import signal\nFOUND = signal.SIGTERM", "signal.py"))
    assert module.FOUND is signal.SIGTERM
    assert sys.modules["signal"] is signal and module.__name__ == "signal (script)"


@pytest.mark.parametrize(
    ("text", "expected", "found", "number"),
    [
        ("x = (\n", ScriptFault.SYNTAX, "'(' was never closed", 1),
        ("\nraise OSError('no')\n", ScriptFault.IMPORT_RAISED, "OSError: no", 2),
        ("raise KeyboardInterrupt\n", ScriptFault.IMPORT_RAISED, "KeyboardInterrupt", 1),
        ("import sys\nsys.exit('why')\n", ScriptFault.IMPORT_EXITED, "'why'", 2),
        ("compile('x = (', 'other.py', 'exec')\n", ScriptFault.IMPORT_RAISED, "SyntaxError:", 1),
    ],
)
def test_what_goes_wrong_at_import_is_reported_with_its_line(
    tmp_path: Path, text: str, expected: ScriptFault, found: str, number: int
) -> None:
    report = fault(written(tmp_path, text))
    assert (report.fault, report.line) == (expected, number)
    assert report.found.startswith(found)


def test_a_script_that_cannot_be_read_is_reported_with_the_account(tmp_path: Path) -> None:
    report = fault(tmp_path / "gone.py")
    assert report == ScriptReport(ScriptFault.UNREADABLE, found="No such file or directory", names=(own_account(),))


def test_an_account_without_a_name_is_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 9)
    assert own_account() == str(2**31 - 9)


# ---- realizing ------------------------------------------------------------------------------------------


def test_every_index_is_realized_with_its_own_options_and_announced(tmp_path: Path, line: Line) -> None:
    script = written(tmp_path, SOUND)
    one, other = realize(import_script(script), order(script), line.channel)
    assert [(s.name, s.count, s.index) for s in (one, other)] == [("A type", 2, 0), ("A type", 2, 1)]
    one.common_options["x"].append(2)
    assert other.common_options == {"x": [1]}
    assert line.said() == [{"realizing": 0}, {"realizing": 1}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def other(): pass\nx = 1\n", ScriptReport(ScriptFault.NO_REALIZE_SERVICE, names=("other",))),
        ("realize_service = 'text'\n", ScriptReport(ScriptFault.NO_REALIZE_SERVICE)),
        ("def realize_service(**_): return 5\n", ScriptReport(ScriptFault.WRONG_TYPE, index=0, found="int")),
        (
            SOUND + "class Bare(RemoteServiceScript): stop = None\ndef realize_service(**_): return Bare()\n",
            ScriptReport(ScriptFault.MISSING_METHODS, index=0, found="Bare", names=("start", "stop")),
        ),
        (
            SOUND + "class Odd(Service):\n def start(self): pass\ndef realize_service(**_): return Odd()\n",
            ScriptReport(ScriptFault.WRONG_SIGNATURE, index=0, found="Odd", names=("start",)),
        ),
    ],
)
def test_what_cannot_serve_is_judged(tmp_path: Path, line: Line, text: str, expected: ScriptReport) -> None:
    script = written(tmp_path, text)
    with pytest.raises(LoadError) as caught:
        realize(import_script(script), order(script), line.channel)
    assert caught.value.report == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [("raise KeyError('x')", ScriptFault.REALIZE_RAISED), ("raise SystemExit(3)", ScriptFault.REALIZE_EXITED)],
)
def test_what_realize_service_raises_is_reported_with_its_index(
    tmp_path: Path, line: Line, body: str, expected: ScriptFault
) -> None:
    script = written(tmp_path, f"def realize_service(index, **_):\n    {body}\n")
    with pytest.raises(LoadError) as caught:
        realize(import_script(script), order(script), line.channel)
    report = caught.value.report
    assert (report.fault, report.index, report.line) == (expected, 0, 2)


# ---- the report -----------------------------------------------------------------------------------------


def report(line: Line) -> tuple[ScriptReport, str]:
    said = line.said()[-1]
    return ScriptReport.from_dict(said["report"]), said["on_last_disconnect"]


def test_a_sound_script_is_reported_and_its_services_are_kept(tmp_path: Path, line: Line) -> None:
    services = load(line.channel, order(written(tmp_path, SOUND)))
    assert [type(service).__name__ for service in services] == ["Service", "Service"]
    assert report(line) == (ScriptReport(None), "stop")
    assert os.getcwd() == os.environ["HOME"]


def test_the_name_that_nexus_scripts_import_from_is_there_whatever_lies_beside_them(tmp_path: Path, line: Line) -> None:
    written(tmp_path, "raise ImportError('the wrong one')", "nexus_remote_service.py")
    text = SOUND.replace("from remote_service import", "from nexus_remote_service import")
    services = load(line.channel, order(written(tmp_path, text)))
    assert all(isinstance(service, RemoteServiceScript) for service in services)


def test_a_fault_is_reported_and_nothing_is_kept(tmp_path: Path, line: Line) -> None:
    assert load(line.channel, order(written(tmp_path, "raise OSError('no')"))) == []
    found, on_last_disconnect = report(line)
    assert (found.fault, found.found, on_last_disconnect) == (ScriptFault.IMPORT_RAISED, "OSError: no", "stop")


def test_the_account_is_switched_to_before_anything_of_the_script_runs(
    tmp_path: Path, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    switched: list[str] = []

    def note(account: str) -> None:
        assert "a_script" not in sys.modules
        switched.append(account)

    monkeypatch.setattr(script_host, "become", note)
    load(line.channel, order(written(tmp_path, SOUND), account="remote-session"))
    assert switched == ["remote-session"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [(("keep", "keep"), "keep"), (("keep", "stop"), "stop"), ((["rubbish"], "keep"), "stop")],
)
def test_the_last_viewer_s_leaving_keeps_sessions_only_where_all_services_say_so(
    tmp_path: Path, line: Line, values: tuple[Any, Any], expected: str
) -> None:
    text = SOUND + (
        "def realize_service(index, **_):\n"
        "    service = Service()\n"
        f"    service.on_last_disconnect = {values!r}[index]\n"
        "    return service\n"
    )
    load(line.channel, order(written(tmp_path, text)))
    assert report(line)[1] == expected


def test_threads_that_the_import_started_are_reported(tmp_path: Path, line: Line) -> None:
    text = "import threading\nEND = threading.Event()\nthreading.Thread(target=END.wait, name='ticker').start()\n"
    try:
        assert load(line.channel, order(written(tmp_path, text + SOUND))) != []
        assert report(line)[0] == ScriptReport(ScriptFault.THREADS, names=("ticker",))
    finally:
        sys.modules["a_script"].END.set()
    for thread in threading.enumerate():
        if thread.name == "ticker":
            thread.join()


def test_a_child_of_the_import_that_comes_back_leaves(
    tmp_path: Path, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    class LeftError(Exception):
        pass

    def leave(status: int) -> NoReturn:
        raise LeftError(status)

    pids = iter([1, 2, 2, 2])
    monkeypatch.setattr(os, "getpid", lambda: next(pids))
    monkeypatch.setattr(os, "_exit", leave)
    with pytest.raises(LeftError):
        load(line.channel, order(written(tmp_path, SOUND)))
    faulthandler.cancel_dump_traceback_later()  # no fork was made, so this process has the thread
    assert all("report" not in message for message in line.said())


def test_a_host_that_is_ordered_nothing_leaves_with_its_process_prepared(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    written_to = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", written_to)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    before = os.umask(0o022)
    try:
        line.supervisor.close()
        main(line.channel.sock.detach())
        assert os.umask(0o022) == 0o077
    finally:
        os.umask(before)
    assert (written_to.encoding, written_to.errors, written_to.line_buffering) == ("utf-8", "backslashreplace", True)
    assert sys.dont_write_bytecode


def test_an_account_is_taken_on_in_the_order_that_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    did: list[tuple[Any, ...]] = []
    for name in ("initgroups", "setresgid", "setresuid"):
        monkeypatch.setattr(os, name, lambda *arguments, name=name: did.append((name, *arguments)))
    entry = pwd.getpwuid(0)
    become(entry.pw_name)
    assert did == [("initgroups", "root", 0), ("setresgid", 0, 0, 0), ("setresuid", 0, 0, 0)]


def test_an_account_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(KeyError, match="no-such-account"):
        become("no-such-account")


@pytest.mark.parametrize("name", ["SIGINT", "SIGPIPE", "SIGXFSZ"])
def test_what_is_no_reason_to_die_is_ignored_whatever_a_script_has_installed(name: str) -> None:
    told = (
        "import signal; from remote_service.hosting import script_host; "
        f"signal.signal(signal.{name}, lambda *_: None); script_host._forget_handlers(); "
        f"print(signal.getsignal(signal.{name}) is signal.SIG_IGN)"
    )
    ended = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert ended.stdout == "True\n"
