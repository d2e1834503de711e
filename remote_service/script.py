"""The contract of a service script: one class to subclass, `start()` and `stop()` to write.

A complete script, `my_desktop.py`, beside a sessions file that says
`{"My desktop": {"script": "my_desktop.py", "count": 2, "options": {}}}`:

    from remote_service import RemoteServiceScript

    class Desktop(RemoteServiceScript):
        def start(self, token, timestamp=None, options=None):
            socket = self.scratch / "vnc.sock"
            command = ["Xtigervnc", f":{100 + self.index}", "-geometry", options["size"], "-SecurityTypes", "None"]
            command += ["-rfbport", "-1", "-rfbunixpath", str(socket), "-rfbunixmode", "0600"]
            self.spawn(command)
            self.set_unix_socket(socket)
            return True

        def stop(self):
            return True                              # what spawn() started is ended for you

    def realize_service(name="", count=1, index=0, common_options=None):
        return Desktop(name, count=count, index=index, common_options=common_options)

When what is called, and in which process:

    the sessions file is loaded    realize_service(...) once per index 0 … count-1   script host
    a slot is reserved             nothing
    the session is wanted          validate_options, start                           the session's own process,
    start returned                 poll until the endpoint listens, then now and then  a fork of the script host:
    last viewer gone, timeout,     stop                                              the instance is as
    stopped, program ended                                                           realize_service made it

All calls of one session run in that one process, one after the other, never at the same time. So a script may
change directory, fork, exit or hang, and harms its own session only. What it printed is in the session's log, which
the session's user may read. When the session is over, everything it left running is ended: its descendants, and
every process that has the session's `REMOTE_SERVICE_SESSION` in its environment.
"""

from __future__ import annotations

import copy
import json
import logging
import secrets
import socket
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess, Popen
from typing import Any, ClassVar

from remote_service.answers import Poll
from remote_service.context import SessionContext
from remote_service.endpoints import Endpoint, EndpointKind


class OutsideSessionError(RuntimeError):
    """A helper was used where there is no session: in `realize_service`, `__init__` or at import."""


class RemoteServiceScript:
    """One slot of a session type: knows how to start and how to stop what a user sees.

    Subclasses must define `start` and `stop`. Every other method has a useful default, and none of them needs to
    call `super()`.
    """

    on_last_disconnect: ClassVar[str] = "stop"
    """What the last viewer's leaving does: "stop" ends the session (after `linger` or `reconnect` seconds), "keep"
    leaves it running. The sessions file's key of the same name has the last word."""

    _name: str = ""
    _count: int = 1
    _index: int = 0
    _common_options: dict[str, Any]
    _context: SessionContext | None = None

    def __init__(
        self,
        name: str = "",
        count: int = 1,
        index: int = 0,
        common_options: Mapping[str, Any] | None = None,
    ) -> None:
        """Keeps what the loader gave; nothing may be started here.

        Args:
            name: the session type's name, the key in the sessions file.
            count: how many slots the type has.
            index: which of them this is, 0 to `count` - 1; no two live sessions of a type have the same one, so it
                may choose a display, a port, a node or a graphics card.
            common_options: the type's `options`, unchanged, this instance's own copy.
        """
        self._name = name
        self._count = count
        self._index = index
        self._common_options = copy.deepcopy(dict(common_options or {}))

    name = property(lambda self: self._name, doc="The session type's name.")
    count = property(lambda self: self._count, doc="How many slots the type has.")
    index = property(lambda self: self._index, doc="Which slot this is, from 0.")
    common_options = property(lambda self: self._common_options, doc="The type's `options`.")

    # ---- to be written by every script ------------------------------------------------------------------

    def start(self, token: str, timestamp: float | None = None, options: dict[str, Any] | None = None) -> Any:
        """Starts what the user shall see and says where it is, by `set_host_port` or one of its siblings.

        Called once per session, when it is really wanted: its viewer connects, or Start was pressed. It need not
        wait until the endpoint listens; that is waited for afterwards. The whole may take the type's
        `limits.start_timeout` (60 seconds unless set).

        Args:
            token: the session's secret name, text without whitespace. Keep it out of command lines and logs.
            timestamp: when, in seconds since 1970 (UTC).
            options: at least `username` (empty when nobody logged in) and `size` ("1600x1200": the user's choice as
                it stands in `sizes`), and what the launch form's fields were given. All of it is text.

        Returns:
            True, or anything true, when it started. Anything false means: it did not, *and nothing of mine is
            running*; the user sees that it failed, and `stop` is not called. An exception, the timeout, a start
            without an endpoint and an endpoint that never listens fail too, and after those `stop` is called once.
            The base returns True.
        """
        return True

    def stop(self) -> Any:
        """Ends what `start` started.

        Called exactly once for every `start` that was called and did not return something false; never otherwise.
        (Should this very call be killed, it is made a second time: stopping what is stopped must be harmless.)
        It may take 10 seconds, then it is interrupted; one that hangs all the same puts the slot in quarantine until a
        member of staff releases it.
        Programs started by `spawn` need no stopping: they are ended afterwards in every case.

        Returns:
            True when it is stopped. False or an exception is noted in the log; the slot is free all the same.
        """
        return True

    # ---- hooks, all optional ----------------------------------------------------------------------------

    def validate_options(self, options: dict[str, Any]) -> str | None:
        """Looks at the launch options before `start`; a sentence refuses the start and is shown to the user."""
        return None

    def poll(self) -> Poll:
        """Says whether the session lives: `Poll.alive()`, `.pending(reason)`, `.ended(reason)`, `.unknown(reason)`.

        Asked every second or so, never while another call runs, and to be answered within seconds. *Ended* must be
        certain; when it cannot be found out (a scheduler does not answer), say *unknown*: such a session is kept.
        The base looks at the programs that `spawn` started and at the endpoint's listening socket. It never
        connects: a VNC server counts connections that hang up as attacks, and refuses viewers after a dozen.
        """
        return self._session().poll()

    def progress(self) -> str:
        """One line for the user while the session is pending; empty for none."""
        return ""

    def get_state(self) -> dict[str, Any]:
        """What a successor needs to go on with this session should its process be killed: a small JSON-able dict.

        Taken after `start` and after each `spawn`. The base gives every attribute of the instance that JSON can hold.
        """
        return {key: value for key, value in vars(self).items() if key != "_context" and _json_able(value)}

    def load_state(self, state: dict[str, Any]) -> None:
        """Takes what `get_state` gave, in a fresh instance, before `stop` or `poll`. The base sets the attributes."""
        vars(self).update(state)

    def actions(self) -> dict[str, str]:
        """The operations that this session offers: name to label. The base offers none."""
        return {}

    def run_action(self, name: str, targets: Sequence[int], parameters: Mapping[str, Any]) -> Any:
        """Does one of `actions`.

        Raises:
            LookupError: there is no such action. The base has none, so it always raises.
        """
        raise LookupError(f"{type(self).__name__} has no action {name!r}; it has {sorted(self.actions())}")

    def log_files(self) -> Sequence[str | Path]:
        """Further log files whose last lines belong into the session's log when the start fails. The base has none."""
        return ()

    # ---- where the session is ---------------------------------------------------------------------------

    def set_host_port(self, host: str, port: int, password: str | None = None) -> None:
        """The session is at this TCP address.

        Args:
            host: a name or an address. Everybody on the machine can reach "localhost": prefer `set_unix_socket`,
                or give a password.
            port: 1 to 65535.
            password: the VNC server's password. The gateway logs in with it itself; no browser ever sees it.

        Raises:
            EndpointError: host or port cannot be one.
        """
        self._session().publish(Endpoint.tcp(host, port), password)

    def set_unix_socket(self, path: str | Path, password: str | None = None) -> None:
        """The session is at this Unix socket; put it into `self.scratch`.

        Raises:
            EndpointError: the path is relative or longer than 107 bytes.
        """
        self._session().publish(Endpoint.unix(path), password)

    def set_terminal(self, argv: Sequence[str]) -> None:
        """The session is this command on a terminal, such as `["tmux", "attach", "-t", "work"]`."""
        self._session().publish(Endpoint.terminal(argv), None)

    def set_xpra(self, host: str, port: int) -> None:
        """The session is the xpra server at this TCP address."""
        self._session().publish(Endpoint.tcp(host, port, EndpointKind.XPRA), None)

    # ---- helpers ----------------------------------------------------------------------------------------

    @property
    def log(self) -> logging.Logger:
        """A logger that writes into the session's log, which its user may read. `print` goes there too."""
        return self._session().log

    @property
    def scratch(self) -> Path:
        """A private directory (mode 0700, short path) for sockets and files; removed with all it holds afterwards."""
        return self._session().scratch

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float = 30.0,
        env: Mapping[str, str] | None = None,
        cwd: str | Path | None = None,
    ) -> CompletedProcess[str]:
        """Runs a command to its end; its output goes into the session's log and into the answer.

        Args:
            argv: the command as a list, never a shell line.
            timeout: seconds it may take before it is killed.
            env: variables to add.
            cwd: the directory to run it in.

        Returns:
            The finished process with `returncode`, and `stdout` (what it wrote to both outputs).

        Raises:
            FileNotFoundError: there is no such program.
            subprocess.TimeoutExpired: it took longer, and was killed.
        """
        return self._session().run(argv, timeout=timeout, env=env, cwd=cwd)

    def spawn(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | Path | None = None,
        pass_fds: Sequence[int] = (),
    ) -> Popen[bytes]:
        """Starts a program that lives as long as the session; its output goes into the session's log.

        It is watched (when one of them ends, the session has ended) and ended with the session.

        Raises:
            FileNotFoundError: there is no such program.
        """
        return self._session().spawn(argv, env=env, cwd=cwd, pass_fds=pass_fds)

    def new_password(self, length: int = 8) -> str:
        """A random password of letters and digits, masked in the session's log.

        VNC's own authentication looks at the first 8 characters only (RFC 6143 section 7.2.2).
        """
        alphabet = string.ascii_letters + string.digits
        password = "".join(secrets.choice(alphabet) for _ in range(length))
        self._session().keep_secret(password)
        return password

    def free_port(self, host: str = "127.0.0.1") -> int:
        """A TCP port that was free a moment ago. A Unix socket in `self.scratch` cannot be taken by anybody else."""
        with socket.socket() as probe:
            probe.bind((host, 0))
            return int(probe.getsockname()[1])

    def _session(self) -> SessionContext:
        if self._context is None:
            raise OutsideSessionError(
                f"{type(self).__name__} ({self._name!r}, index {self._index}) used a helper where there is no session; "
                "helpers work in start(), stop() and the hooks, not at import, in __init__ or in realize_service()"
            )
        return self._context


def _json_able(value: object) -> bool:
    try:
        # NaN and infinity are no JSON (RFC 8259, section 6), and databases refuse them.
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True
