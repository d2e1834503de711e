"""A machine of QEMU's without a disk: its BIOS says so on a text screen with a blinking cursor, shown by VNC."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.test_rfb_against_servers import SECONDS, ended, require
from tests.waiting import eventually

WIDTH, HEIGHT = 720, 400
"""Of the text screen; before the BIOS runs it is another one."""


class Machine:
    """One that runs."""

    def __init__(self, process: subprocess.Popen[bytes], socket_path: Path, log: Path) -> None:
        """`log` is where it writes what it traces."""
        self._process = process
        self._socket_path = socket_path
        self._log = log
        self._told: set[str] = set()

    def connect(self) -> socket.socket:
        """A connection of a viewer."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(SECONDS)
        connection.connect(str(self._socket_path))
        return connection

    def order(self, command: str, **arguments: object) -> object:
        """Has its monitor do something (QEMU's QMP, a JSON object a line); returns its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        self._process.stdin.flush()
        while True:
            line = self._process.stdout.readline()
            assert line, f"QEMU ended: {self._log.read_text()}"
            answer = json.loads(line)
            assert "error" not in answer, answer
            if "return" in answer:
                return answer["return"]
            if "event" in answer:
                self._told.add(answer["event"])

    def monitor(self, command: str) -> None:
        """The same by a line that people type."""
        assert self.order("human-monitor-command", **{"command-line": command}) == ""

    def done(self) -> set[str]:
        """The names of the events that it has traced, and of those that its monitor tells by itself."""
        self.order("query-status")
        return {line.split()[0] for line in self._log.read_text().splitlines()} | self._told


@contextmanager
def machine(scratch: Path, *options: str, vnc: str = "") -> Iterator[Machine]:
    """Starts one and waits for its text screen.

    Args:
        scratch: where its files are.
        options: more of its command line.
        vnc: options of its VNC server, each with a comma before it.
    """
    require("qemu-system-x86_64")
    path, log = scratch / "vnc.sock", scratch / "qemu.log"
    argv = ["qemu-system-x86_64", "-nodefaults", "-accel", "tcg", "-vga", "std", "-display", "none", "-qmp", "stdio"]
    with log.open("wb") as errors, ended(
        process := subprocess.Popen(
            [*argv, *options, "-vnc", f"unix:{path}{vnc}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
        )
    ):  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdin, process.stdout:
            made = Machine(process, path, log)
            made.order("qmp_capabilities")
            eventually(lambda: shows_text(made, scratch / "screen.ppm"), within=SECONDS)
            yield made


def shows_text(made: Machine, picture: Path) -> bool:
    """Whether the BIOS shows its text screen by now."""
    made.order("screendump", filename=str(picture))
    return picture.read_bytes().startswith(f"P6\n{WIDTH} {HEIGHT}\n".encode())
