"""The script host: one process per session type, which imports the script and forks a runner for each session.

Started by the supervisor with a socket and nothing else; what it shall load comes over that socket. It gives up
root before the script is imported, keeps to one thread, and ends when the supervisor does; its runners stay.
"""

from __future__ import annotations

import copy
import faulthandler
import gc
import importlib
import importlib.util
import io
import os
import pwd
import selectors
import signal
import socket
import sys
import threading
import traceback
from contextlib import suppress
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from remote_service.config.script_report import ScriptFault, ScriptReport, own_traceback
from remote_service.hosting import processes
from remote_service.hosting.judging import LoadError, judged
from remote_service.hosting.runner import Runner, RunnerTask
from remote_service.hosting.titles import set_title
from remote_service.hosting.wire import Channel, Message
from remote_service.hosting.worker import flush_output
from remote_service.script import RemoteServiceScript

COMPATIBILITY = Path(__file__).resolve().parent.parent / "compat"
PROJECT = Path(__file__).resolve().parent.parent.parent
DIED_STATUS = 71
HANGS_AFTER = 0.9
"""Of the time for loading."""
STANDARD_ERROR = 2


@dataclass(frozen=True, slots=True)
class LoadOrder:
    """What to load and as whom."""

    script: Path
    name: str
    count: int
    options: dict[str, Any]
    account: str | None
    timeout: float
    """Seconds after which the supervisor gives it up."""

    @classmethod
    def from_message(cls, message: Message) -> LoadOrder:
        """Reads the supervisor's first message."""
        return cls(**{**message, "script": Path(message["script"])})


def become(account: str) -> None:
    """Gives up root for good: groups, group and user of the account (setgroups before setuid, or it is refused)."""
    entry = pwd.getpwnam(account)
    os.initgroups(account, entry.pw_gid)
    os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
    os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)


def own_account() -> str:
    """The name of the account that this process runs as; its number where it has no name, as in some containers."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def import_script(script: Path) -> ModuleType:
    """Imports a script file; modules that lie beside it can be imported by it.

    Raises:
        LoadError: says whether it cannot be read, is no Python, raised or exited.
    """
    try:
        script.read_bytes()
    except OSError as error:
        report = ScriptReport(ScriptFault.UNREADABLE, found=str(error.strerror), names=(own_account(),))
        raise LoadError(report) from error
    sys.path[:] = [p for p in sys.path if p and Path(p).resolve() != PROJECT]
    sys.path.insert(0, str(script.parent))
    sys.path += [str(COMPATIBILITY), str(PROJECT)]
    # A script may have the name of a module that is loaded, such as signal.py: others still need that one.
    name = script.stem if script.stem not in sys.modules else f"{script.stem} (script)"
    loader = SourceFileLoader(name, str(script))
    spec = importlib.util.spec_from_file_location(name, script, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except SyntaxError as error:
        if error.filename == str(script):
            trace = own_traceback(error, script)
            report = ScriptReport(ScriptFault.SYNTAX, found=error.msg, line=error.lineno, traceback=trace)
            raise LoadError(report) from error
        raise LoadError(ScriptReport.of_exception(ScriptFault.IMPORT_RAISED, error, script)) from error
    except SystemExit as error:
        raise LoadError(ScriptReport.of_exception(ScriptFault.IMPORT_EXITED, error, script)) from error
    except BaseException as error:
        raise LoadError(ScriptReport.of_exception(ScriptFault.IMPORT_RAISED, error, script)) from error
    return module


def realize(module: ModuleType, order: LoadOrder, channel: Channel) -> list[RemoteServiceScript]:
    """Calls `realize_service` once per index and judges what it returned.

    Raises:
        LoadError: names what is wrong with the first index that is wrong.
    """
    factory = getattr(module, "realize_service", None)
    if not callable(factory):
        functions = [name for name, value in vars(module).items() if isinstance(value, FunctionType)]
        raise LoadError(ScriptReport(ScriptFault.NO_REALIZE_SERVICE, names=tuple(functions)))
    services = []
    for index in range(order.count):
        # Should the call end this process, the supervisor knows which one it was.
        channel.send({"realizing": index})
        try:
            service = factory(
                name=order.name, count=order.count, index=index, common_options=copy.deepcopy(order.options)
            )
        except BaseException as error:
            fault = ScriptFault.REALIZE_EXITED if isinstance(error, SystemExit) else ScriptFault.REALIZE_RAISED
            raise LoadError(ScriptReport.of_exception(fault, error, order.script, index)) from error
        services.append(judged(service, index))
    return services


class ScriptHost:
    """Serves one loaded script."""

    def __init__(self, channel: Channel, services: list[RemoteServiceScript]) -> None:
        self._channel = channel
        self._services = services

    def serve(self) -> None:
        """Forks runners as asked until the supervisor has gone."""
        wake_read, wake_write = socket.socketpair()
        wake_read.setblocking(False)
        wake_write.setblocking(False)
        signal.set_wakeup_fd(wake_write.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        with selectors.DefaultSelector() as selector:
            selector.register(self._channel, selectors.EVENT_READ)
            selector.register(wake_read, selectors.EVENT_READ)
            while True:
                for key, _events in selector.select():
                    if key.fileobj is wake_read:
                        wake_read.recv(4096)
                        processes.reap()
                        continue
                    messages = self._channel.receive_available()
                    if messages is None:
                        return
                    for message in messages:
                        self._fork_runner(message)

    def _fork_runner(self, message: Message) -> None:
        listener, log = self._channel.descriptors[:2]
        del self._channel.descriptors[:2]
        flush_output()
        try:
            pid = os.fork()
        except OSError as error:
            self._channel.send({"refused": message["fork"], "reason": str(error.strerror)})
            pid = -1
        if pid == 0:
            self._become_runner(message, listener, log)
        os.close(listener)
        os.close(log)
        if pid > 0:
            self._channel.send({"forked": message["fork"], "pid": pid})

    def _become_runner(self, message: Message, listener: int, log: int) -> None:
        """Turns this fork into the session's runner; never returns."""
        status = DIED_STATUS
        try:
            session = message["fork"]
            os.setsid()
            signal.set_wakeup_fd(-1)
            os.umask(0o077)
            os.dup2(log, 1)
            os.dup2(log, 2)
            low, high = sorted((listener, log))
            os.closerange(3, low)
            os.closerange(low + 1, high)
            os.closerange(high + 1, os.sysconf("SC_OPEN_MAX"))
            processes.mark_this_process(session)
            set_title("runner", session)
            processes.adopt_orphans()
            service = self._services[message["index"]]
            Runner(RunnerTask(session, service, listener, log)).run()
            status = 0
        except BaseException:  # noqa: BLE001 (the last frame of a fork: shown in the session's log, then the fork ends)
            traceback.print_exc()
        finally:
            os._exit(status)


def load(channel: Channel, order: LoadOrder) -> list[RemoteServiceScript]:
    """Imports and realizes; tells the supervisor how it went."""
    services: list[RemoteServiceScript] = []
    host = os.getpid()
    # While this process may still read it: the account may have no way into our own directory.
    sys.path.append(str(COMPATIBILITY))
    importlib.import_module("nexus_remote_service")
    before = set(threading.enumerate())
    # Into the type's log, shortly before the supervisor ends this process: where a script was that hangs.
    faulthandler.dump_traceback_later(HANGS_AFTER * order.timeout, file=STANDARD_ERROR)
    try:
        if order.account is not None:
            become(order.account)
        with suppress(OSError):
            os.chdir(os.environ.get("HOME", "/"))
        services = realize(import_script(order.script), order, channel)
        report = ScriptReport(None)
    except LoadError as error:
        report = error.report
    if os.getpid() != host:
        # The script forked at import, and its child came back here: there can be only one host. It has no thread that
        # dumps, for whose end the next line would wait for ever.
        os._exit(0)
    faulthandler.cancel_dump_traceback_later()
    started = tuple(thread.name for thread in threading.enumerate() if thread not in before)
    if report.fault is None and started:
        report = ScriptReport(ScriptFault.THREADS, names=started)
    keep = bool(services) and all(service.on_last_disconnect == "keep" for service in services)
    channel.send({"report": report.as_dict(), "on_last_disconnect": "keep" if keep else "stop"})
    return services


def _forget_handlers() -> None:
    """Handlers that the script installed would run in our loops; a lost peer or a full log is no reason to die."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        with suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
    for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_IGN)


def main(descriptor: int) -> None:
    """Loads what the first message says and serves until the supervisor closes the socket."""
    os.umask(0o077)
    # Compiled files tell an edit from another by seconds and size only, and are litter beside the site's scripts.
    sys.dont_write_bytecode = True
    for stream in (sys.stdout, sys.stderr):
        # A fork copies what is buffered, and it would be printed twice.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    channel = Channel(socket.socket(fileno=descriptor))
    first = channel.receive()
    if first is None:
        channel.close()
        return
    services = load(channel, LoadOrder.from_message(first))
    _forget_handlers()
    gc.collect()
    gc.freeze()
    if services:
        ScriptHost(channel, services).serve()


if __name__ == "__main__":
    main(int(sys.argv[1]))
    flush_output()
    # At once: threads and exit handlers of the script could keep a host that nobody needs any more.
    os._exit(0)
