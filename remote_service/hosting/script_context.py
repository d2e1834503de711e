"""What a session offers its script, as the worker provides it (the protocol is `remote_service.context`)."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import CompletedProcess, Popen

from remote_service import details
from remote_service.answers import Poll
from remote_service.config.script_report import how_it_ended
from remote_service.endpoints import Endpoint, EndpointError
from remote_service.hosting.listening import listens_locally
from remote_service.hosting.programs import Program
from remote_service.hosting.scratch import make_scratch
from remote_service.hosting.wire import Channel
from remote_service.script import RemoteServiceScript

MOST_STATE = 256 * 1024
"""Bytes of a script's state as JSON: it goes over every wire, and into a row, as one piece."""


class ScriptContext:
    """One session's helpers; says everything that must outlive this process to the runner at once."""

    def __init__(self, session: str, channel: Channel, log: logging.Logger, scratch: Path | None) -> None:
        self._session = session
        self._channel = channel
        self._log = log
        self._scratch = scratch
        self._spawned: list[Popen[bytes]] = []
        self._inherited: tuple[Program, ...] = ()
        self._endpoint: Endpoint | None = None
        self._service: RemoteServiceScript | None = None
        self.has_listened = False

    @property
    def log(self) -> logging.Logger:
        """Writes into the session's log."""
        return self._log

    @property
    def scratch(self) -> Path:
        """The session's private directory."""
        if self._scratch is None:
            self._scratch = make_scratch(self._session)
            self._channel.send({"scratch": str(self._scratch)})
        return self._scratch

    def restore(self, endpoint: Endpoint | None, programs: tuple[Program, ...] = ()) -> None:
        """Takes over what a predecessor published and spawned."""
        self._endpoint = endpoint
        self._inherited = programs

    def publish(self, endpoint: Endpoint, password: str | None) -> None:
        """Makes the endpoint known.

        Raises:
            EndpointError: the password is not a text, or holds characters that are not printable.
        """
        if password is not None and not isinstance(password, str):
            raise EndpointError(f"the password is a {type(password).__name__}; expected a text or None")
        if password is not None and not password.isprintable():
            raise EndpointError("the password holds characters that are not printable; expected letters and digits")
        self._endpoint = endpoint
        self._channel.send({"endpoint": endpoint.as_dict(), "password": password})

    def keep_secret(self, secret: str) -> None:
        """Masks the text in the session's log."""
        self._channel.send({"secret": secret})

    def save_state(self, service: RemoteServiceScript) -> None:
        """Hands the script's state to the runner; a state that cannot be had is noted and leaves the old one."""
        try:
            state = service.get_state()
            size = len(json.dumps(state, allow_nan=False))
        except Exception as error:  # noqa: BLE001 (a hook of the script: none of its mistakes may fail a start)
            self._log.warning(
                "get_state() raised, or gave nothing that JSON can hold; the older state is kept", exc_info=error
            )
            return
        if not isinstance(state, dict) or size > MOST_STATE:
            found = f"{size} bytes" if isinstance(state, dict) else f"a {type(state).__name__}"
            self._log.warning(
                "get_state() gave %s; expected a dict of at most %d bytes as JSON; the older state is kept",
                found,
                MOST_STATE,
            )
            return
        self._channel.send({"state": state})

    def run(
        self, argv: Sequence[str], *, timeout: float, env: Mapping[str, str] | None, cwd: str | Path | None
    ) -> CompletedProcess[str]:
        """Runs a command to its end.

        Its output goes to a file, not through a pipe: a command that leaves a daemon behind would hold a pipe open,
        and the wait would last as long as the daemon lives.
        """
        arguments = _checked(argv, "run")
        began = time.monotonic()
        with tempfile.TemporaryFile() as output:
            process = Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(env),
                cwd=cwd,
                process_group=0,
            )
            try:
                status = process.wait(timeout)
            except BaseException:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.kill()
                process.wait()
                raise
            finally:
                output.seek(0)
                text = output.read().decode(errors="replace")
                sys.stdout.write(text)
                sys.stdout.flush()
        self._log.debug("%s: exit status %d after %.2f s", arguments[0], status, time.monotonic() - began)
        return CompletedProcess(arguments, status, text, "")

    def spawn(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None,
        cwd: str | Path | None,
        pass_fds: Sequence[int],
    ) -> Popen[bytes]:
        """Starts a program that lives as long as the session."""
        arguments = _checked(argv, "spawn")
        process = Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            env=_environment(env),
            cwd=cwd,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
        )
        self._spawned.append(process)
        self._channel.send({"spawned": Program.of(process.pid, Path(arguments[0]).name).as_list()})
        self._log.debug("%s: started as process %d", arguments[0], process.pid)
        if self._service is not None:
            self.save_state(self._service)
        return process

    def attach(self, service: RemoteServiceScript) -> None:
        """Names the service whose state is saved after each `spawn`."""
        self._service = service

    def poll(self) -> Poll:
        """What the spawned programs and the endpoint's listening socket say; connects nowhere."""
        for process in self._spawned:
            status = process.poll()
            if status is not None:
                name = Path(str(process.args[0] if isinstance(process.args, list) else process.args)).name
                return Poll.ended(details.PROGRAM_ENDED.filled(program=name, how=how_it_ended(status)))
        for program in self._inherited:
            if not program.lives:
                return Poll.ended(details.PROGRAM_ENDED.filled(program=program.name, how=details.UNSEEN))
        if self._endpoint is None:
            return Poll.pending(details.NO_ENDPOINT_YET)
        if listens_locally(self._endpoint) is False:
            if self.has_listened:
                return Poll.ended(details.LISTENS_NO_MORE.filled(endpoint=self._called(self._endpoint)))
            return Poll.pending(details.LISTENS_NOT_YET.filled(endpoint=self._called(self._endpoint)))
        return Poll.alive()

    def _called(self, endpoint: Endpoint) -> str:
        """An endpoint as users read it, to whom the path of the session's own directory means nothing."""
        path = Path(endpoint.path)
        if self._scratch is None or self._scratch not in path.parents:
            return str(endpoint)
        return details.ITS_SOCKET.filled(name=path.name)


def _checked(argv: Sequence[str], helper: str) -> list[str]:
    if isinstance(argv, str | bytes) or not argv:
        raise TypeError(f"{helper}() got {argv!r}; expected the command as a list of texts, such as ['xterm', '-ls']")
    return [os.fspath(argument) if isinstance(argument, os.PathLike) else str(argument) for argument in argv]


def _environment(extra: Mapping[str, str] | None) -> dict[str, str] | None:
    return None if extra is None else {**os.environ, **extra}
