"""Runs commands on this machine or, over ssh, on another one: the same calls for both.

It lies beside the scripts that use it: a script may import what is in its own directory.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SSH_FAILED = 255
"""ssh's own exit code when it could not run the command; any other is the command's (ssh(1))."""


class NodeError(RuntimeError):
    """A command did not do its work; the message names the node and what was seen."""


@dataclass(frozen=True, slots=True)
class Node:
    """A machine: this one when `host` is empty, else one that ssh reaches without a password."""

    host: str = ""
    port: int = 0
    ssh_options: tuple[str, ...] = ()

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Node:
        """Reads `host`, `ssh_port` and `ssh_options` from a session type's options.

        Raises:
            ValueError: one of them cannot be; says which, what was seen and what was expected.
        """
        host, port = options.get("host"), options.get("ssh_port")
        if host is not None and not (isinstance(host, str) and re.fullmatch(r"[\w.@:%][\w.@:%-]*", host)):
            raise ValueError(f"the option host is {host!r}; expected a host as ssh knows it, such as 'n8'")
        if port is not None and (type(port) is not int or not 1 <= port <= 65535):
            raise ValueError(f"the option ssh_port is {port!r}; expected a whole number from 1 to 65535")
        return cls(host or "", port or 0, tuple(text_list(options, "ssh_options")))

    @property
    def address(self) -> str:
        """The name to connect to: without the user that `host` may hold."""
        return self.host.rpartition("@")[2] or "127.0.0.1"

    def argv(self, command: Sequence[str]) -> list[str]:
        """The command line that runs a command there; it fails where it would have to ask for a password."""
        if not self.host:
            return list(command)
        # The login shell there reads one line, hence the quoting.
        return [*self._ssh(), "--", self.host, shlex.join(command)]

    def tunnel_argv(self, socket: Path, port: int) -> list[str]:
        """The command line of a tunnel from a Unix socket here (mode 0600) to a loopback port there."""
        options = ("-o", "ExitOnForwardFailure=yes", "-o", "StreamLocalBindMask=0177")
        return [*self._ssh(), "-N", *options, "-L", f"{socket}:127.0.0.1:{port}", "--", self.host]

    def call(self, command: Sequence[str], text: str, timeout: float) -> subprocess.CompletedProcess[str]:
        """Runs a command there to its end, whatever its exit code.

        Args:
            command: an argument list.
            text: for its standard input.
            timeout: seconds.

        Raises:
            NodeError: it took longer; it may still be running there.
            FileNotFoundError: there is no such program here (there: exit code 127).
        """
        try:
            return subprocess.run(
                self.argv(command),
                input=text,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
            )
        except subprocess.TimeoutExpired as error:
            raise NodeError(f"{self.address} did not answer within {timeout:g} seconds") from error

    def _ssh(self) -> list[str]:
        patience = ("-o", "ConnectTimeout=5", "-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3")
        port = ("-p", str(self.port)) if self.port else ()
        return [
            "ssh",
            "-o",
            "BatchMode=yes",
            *port,
            *self.ssh_options,
            *patience,
        ]  # the first of a kind counts


def text_list(options: Mapping[str, Any], key: str) -> list[str]:
    """The option `key`, a list of texts; empty when it is not set.

    Raises:
        ValueError: it is something else.
    """
    value = options.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise ValueError(f"the option {key} is {value!r}; expected a list of texts, such as ['one', 'two']")
    return list(value)
