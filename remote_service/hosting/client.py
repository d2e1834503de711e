"""The supervisor's side of script hosts and runners, for asyncio."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from remote_service import details
from remote_service.config.script_report import ScriptFault, ScriptReport, how_it_ended
from remote_service.hosting.status import Status
from remote_service.hosting.type_log import TypeLog
from remote_service.hosting.wire import Channel, Decoder, WireError, encode, listen_on, short_path
from remote_service.tasks import spawn
from remote_service.texts import counted as ngettext

log = logging.getLogger(__name__)

PROJECT = Path(__file__).resolve().parent.parent.parent
LOAD_TIMEOUT = 20.0
"""Seconds that importing a script and realizing all its services may take."""
FORK_TIMEOUT = 5.0
LEAVE_PATIENCE = 0.5
"""Seconds that a host has to leave by itself."""
_CHUNK = 65536


class HostError(RuntimeError):
    """A script host did not do what it was asked; the message says what it did instead."""


@dataclass(frozen=True, slots=True)
class HostOrder:
    """What a script host is to load, as whom, and with which environment."""

    name: str
    script: Path
    count: int
    options: Mapping[str, Any]
    account: str | None
    environment: Mapping[str, str]
    log_path: Path


@dataclass(frozen=True, slots=True)
class Loaded:
    """How loading went: `report.fault` is None when all is well."""

    report: ScriptReport
    on_last_disconnect: str = "stop"


class ScriptHost:
    """One running script host."""

    def __init__(self, process: asyncio.subprocess.Process, sock: socket.socket, log: TypeLog) -> None:
        self._process = process
        self._sock = sock
        self._log = log
        self._channel = Channel(sock)
        self._decoder = Decoder()
        self._realizing: int | None = None
        self._listening: asyncio.Task[None] | None = None
        self._answers: dict[str, asyncio.Future[int]] = {}

    @property
    def pid(self) -> int:
        """The host's process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs, as far as is known."""
        return self._process.returncode is None and self._sock.fileno() >= 0

    @classmethod
    async def start(cls, order: HostOrder, *, timeout: float = LOAD_TIMEOUT) -> tuple[ScriptHost | None, Loaded]:
        """Starts a host and has it load the script.

        Args:
            order: what to load.
            timeout: seconds for import and realization together.

        Returns:
            The host, or None when the script cannot be served, and the report. Never raises for the script's sake.

        Raises:
            OSError: no process can be started, or the log cannot be written.
        """
        ours, theirs = socket.socketpair()
        try:
            log = TypeLog(order.log_path)
        except OSError:
            ours.close()
            theirs.close()
            raise
        try:
            process = await asyncio.create_subprocess_exec(
                # The last argument is for who reads ps(1).
                sys.executable, "-m", "remote_service.hosting.script_host", str(theirs.fileno()), order.log_path.stem,
                cwd=PROJECT, env=dict(order.environment), pass_fds=[theirs.fileno()], start_new_session=True,
                stdin=asyncio.subprocess.DEVNULL, stdout=log.writer, stderr=log.writer,
            )  # fmt: skip
        except BaseException:
            ours.close()
            log.close()
            raise
        finally:
            theirs.close()
            os.close(log.writer)
        host = cls(process, ours, log)
        ours.setblocking(False)
        message = {
            "script": str(order.script), "name": order.name, "count": order.count,
            "options": order.options, "account": order.account, "timeout": timeout,
        }  # fmt: skip
        try:
            async with asyncio.timeout(timeout):
                loaded = await host._load(message)
        except TimeoutError:
            report = ScriptReport(ScriptFault.IMPORT_TIMEOUT, index=host._realizing, found=_given(timeout))
            loaded = Loaded(report)
        except asyncio.CancelledError:
            await host.close()
            raise
        if loaded.report.fault not in (None, ScriptFault.THREADS):
            await host.close()
            return None, loaded
        host._listening = spawn(host._listen(), name=f"script host {order.name}")
        return host, loaded

    async def _load(self, message: dict[str, Any]) -> Loaded:
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_sendall(self._sock, encode(message))
            while data := await loop.sock_recv(self._sock, _CHUNK):
                for message in self._decoder.feed(data):
                    if "report" in message:
                        return Loaded(ScriptReport.from_dict(message["report"]), message["on_last_disconnect"])
                    self._realizing = message["realizing"]
        except ConnectionError:
            pass
        status = await self._process.wait()
        return Loaded(ScriptReport(ScriptFault.DIED, index=self._realizing, found=how_it_ended(status)))

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while data := await loop.sock_recv(self._sock, _CHUNK):
                for message in self._decoder.feed(data):
                    self._answer(message)
        except OSError:
            pass
        finally:
            for waiting in self._answers.values():
                if not waiting.done():
                    waiting.set_exception(HostError(details.HOST_ENDED))

    def _answer(self, message: dict[str, Any]) -> None:
        session = message.get("forked") or message.get("refused")
        waiting = self._answers.get(str(session))
        if waiting is None or waiting.done():
            return
        if "forked" in message:
            waiting.set_result(message["pid"])
        else:
            waiting.set_exception(HostError(details.NOT_FORKED.filled(error=message["reason"])))

    async def fork_runner(self, session: str, index: int, socket_path: Path, log_path: Path) -> int:
        """Forks a session's runner, which listens at `socket_path` and writes the session's log.

        Returns:
            The runner's process id.

        Raises:
            HostError: the host has died, refused, or did not answer within 5 s.
            OSError: the log or the socket cannot be made, for instance since another runner has one of that name.
        """
        if not self.alive:
            raise HostError(details.HOST_ENDED)
        log = os.open(log_path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            listener = listen_on(socket_path)
        except OSError:
            os.close(log)
            raise
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._answers[session] = answer
        try:
            async with asyncio.timeout(FORK_TIMEOUT):
                self._channel.send({"fork": session, "index": index}, [listener.fileno(), log])
                return await answer
        except TimeoutError as error:
            raise HostError(details.HOST_SILENT.filled(seconds=f"{FORK_TIMEOUT:g}")) from error
        except OSError as error:
            raise HostError(details.HOST_NOT_REACHED.filled(error=error)) from error
        finally:
            listener.close()
            os.close(log)
            del self._answers[session]

    async def close(self) -> None:
        """Ends the host; its runners live on. An idle one leaves by itself when its socket closes."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait({self._listening})
        self._sock.close()
        # Not asyncio.timeout: before Python 3.11.3 it never expires in a task that has been cancelled, as this one is
        # when the server is stopped while it loads.
        left = spawn(self._process.wait(), name="end of a script host")
        if not (await asyncio.wait({left}, timeout=LEAVE_PATIENCE))[0]:
            self._process.kill()
        await left
        self._log.close()


class RunnerLink:
    """A connection to a session's runner; reports every status and the loss of the connection."""

    def __init__(self, session: str, epoch: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.session = session
        self.status: Status | None = None
        self._epoch = epoch
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, session: str, path: Path, epoch: int) -> RunnerLink:
        """Connects to the runner that listens at `path`; it obeys no older epoch from then on.

        Raises:
            FileNotFoundError, ConnectionRefusedError: there is none.
            OSError: it cannot be told whether there is one.
        """
        with short_path(path) as name:
            reader, writer = await asyncio.open_unix_connection(name)
        link = cls(session, epoch, reader, writer)
        try:
            await link.order("adopt")
        except OSError:
            await link.close()
            raise
        return link

    async def follow(self, on_status: Callable[[Status], None]) -> None:
        """Hands each status to `on_status` until the runner hangs up, or says what no runner of ours says."""
        decoder = Decoder()
        try:
            while data := await self._reader.read(_CHUNK):
                for message in decoder.feed(data):
                    status = Status.from_dict(message["status"])
                    if status.session != self.session:
                        raise WireError(f"a status of the session {status.session!r}; expected {self.session!r}")
                    self.status = status
                    on_status(status)
        except ConnectionError as error:
            log.debug("session %s: its runner hung up: %r", self.session, error)
        except (KeyError, TypeError, ValueError) as error:
            # Scripts share the runner's account: one that tampers with it loses it.
            log.warning("session %s: its runner sent what is no status: %r", self.session, error)

    async def order(self, order: str, **arguments: Any) -> None:
        """Sends one order.

        Raises:
            OSError: the runner has gone.
        """
        self._writer.write(encode({"order": order, "epoch": self._epoch, **arguments}))
        await self._writer.drain()

    async def close(self) -> None:
        """Hangs up."""
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            return


def _given(seconds: float) -> str:
    """How long a script was given."""
    return ngettext("%(number)s second", "%(number)s seconds", round(seconds), number=f"{seconds:g}")
