"""A desktop of its own for each session: TigerVNC's X server, a window manager, a terminal.

Shows: a free display, a Unix socket that nobody else can reach, a secret kept off every command line.
Needs: apt-get install tigervnc-standalone-server tigervnc-tools openbox xterm (the last two may be missing).
Run:   {"Desktop": {"script": "desktop_session.py", "count": 2, "options": {"sizes": ["1600x1200"]}}}

Options, beside `sizes`:
    command       what to start instead of a terminal, as a list: ["paraview", "--stereo"]
    display_base  a number: slot 0 gets this X display, slot 1 the next; unset: any that is free
    password      true: VNC's password authentication on a TCP port of this machine instead of a Unix socket
"""

from __future__ import annotations

import os
import secrets
import select
import shlex
import shutil
import struct
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from screen_size import Size, parse_size

from remote_service import RemoteServiceScript
from remote_service.answers import Poll

DEFAULT_SIZE = "1600x1200"
START_SECONDS = 30.0
"""How long the X server may take until it is ready; usually 0.1."""
COOKIE = "MIT-MAGIC-COOKIE-1"


class DesktopSession(RemoteServiceScript):
    """One X server and what runs on it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Starts nothing."""
        super().__init__(*args, **kwargs)
        self._programs: list[subprocess.Popen[bytes]] = []

    def validate_options(self, options: dict[str, Any]) -> str | None:
        """Refuses a size that no X server can have."""
        try:
            parse_size(options.get("size", DEFAULT_SIZE))
        except ValueError as error:
            return str(error)
        return None

    def start(self, token: str, timestamp: float | None = None, options: dict[str, Any] | None = None) -> bool:
        """Starts the X server, waits until it is ready, then starts the programs."""
        if shutil.which("Xtigervnc") is None:
            self.log.error("Xtigervnc is not installed: install the package tigervnc-standalone-server")
            return False
        if self.common_options.get("password") and shutil.which("vncpasswd") is None:
            self.log.error("vncpasswd is not installed: install the package tigervnc-tools")
            return False
        try:
            size = parse_size((options or {}).get("size", DEFAULT_SIZE))
            display = display_of(self.common_options.get("display_base"), self.index)
            programs = programs_of(self.common_options.get("command"), shutil.which)
        except ValueError as error:
            self.log.error("%s", error)
            return False

        authority = self.scratch / "xauthority"
        write_private(authority, xauthority(secrets.token_bytes(16)))
        socket, port, password = self.scratch / "vnc.sock", 0, ""
        if self.common_options.get("password"):
            port, password = self.free_port(), self.new_password()
            write_private(self.scratch / "passwd", obscured(password))
            where = port_argv(port, self.scratch / "passwd")
        else:
            where = socket_argv(socket)
        title = f"{self.name} #{self.index}"
        running = self._start_server(server_argv(title, size, display, authority, where))
        if running is None:
            self.log.error("%s", no_display(display, self.index))
            return False

        self.log.info("the desktop is on display :%d", running)
        for argv in programs:
            self._start_program(argv, {"DISPLAY": f":{running}", "XAUTHORITY": str(authority)})
        if password:
            self.set_host_port("127.0.0.1", port, password)
        else:
            self.set_unix_socket(socket)
        return True

    def stop(self) -> bool:
        """Has nothing to do: what `spawn` started is ended, and the programs end with their X server."""
        return True

    def poll(self) -> Poll:
        """The session lives as long as its X server; the window manager may die or be replaced."""
        for program in self._programs:
            program.poll()  # takes the exit code of one that has ended, so that no zombie stays
        return super().poll()

    def _start_server(self, argv: Sequence[str]) -> int | None:
        """Starts the X server and returns its display when it is ready; None when it gave up."""
        reader, writer = os.pipe()
        try:
            self.spawn([*argv, "-displayfd", str(writer)], pass_fds=[writer])
        finally:
            os.close(writer)
        with open(reader, "rb", buffering=0) as pipe:
            return read_display(pipe.fileno(), time.monotonic() + START_SECONDS)

    def _start_program(self, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        """Starts a program on the desktop, in its user's home.

        Not by `spawn`: of what that started, each end would end the session, and closing a terminal must not.
        The output goes into the session's log all the same, since this process' own does.
        """
        home = os.environ.get("HOME", "/")
        try:
            program = subprocess.Popen(
                argv,
                env={**os.environ, **environment},
                cwd=home if os.path.isdir(home) else "/",
                stdin=subprocess.DEVNULL,
            )
        except OSError as error:
            self.log.warning("%s could not be started: %s", argv[0], error)
        else:
            self._programs.append(program)


def server_argv(title: str, size: Size, display: int | None, authority: Path, where: Sequence[str]) -> list[str]:
    """The X server's command line; it takes a free display when none is given."""
    return [
        "Xtigervnc",
        *([f":{display}"] if display is not None else []),
        *("-desktop", title, "-geometry", str(size), "-depth", "24"),
        *("-auth", str(authority)),  # without this everybody on the machine may draw on the display
        *("-nolisten", "tcp"),
        "-noreset",
        "-AlwaysShared",  # else a viewer may ask to throw out the others
        *where,
    ]


def socket_argv(socket: Path) -> list[str]:
    """RFB on a Unix socket alone: its mode is the protection, so no password is asked for."""
    return ["-SecurityTypes", "None", "-rfbport", "-1", "-rfbunixpath", str(socket), "-rfbunixmode", "0600"]


def port_argv(port: int, password_file: Path) -> list[str]:
    """RFB on a port of the loopback interface, which all users of the machine reach, behind a password."""
    return [
        *("-rfbport", str(port), "-localhost"),
        *("-SecurityTypes", "VncAuth", "-PasswordFile", str(password_file)),
        # Else somebody's wrong passwords would lock the gateway out as well: it comes from the same address.
        "-UseBlacklist=0",
    ]


def programs_of(command: object, which: Callable[[str], object]) -> list[list[str]]:
    """What runs on the desktop: what `which` finds of window manager, clipboard helper and terminal.

    Raises:
        ValueError: `command` is no list of texts, or there is no such program.
    """
    terminal = ["xterm", "-geometry", "100x32+60+60", "-fa", "Monospace", "-fs", "11"]
    if command is None:
        command = [*terminal, "-bg", "#14181f", "-fg", "#e6e9ef"]
    elif not isinstance(command, list) or not command or not all(isinstance(part, str) for part in command):
        raise ValueError(f"the option command is {command!r}; expected a list of texts, such as ['xterm', '-ls']")
    elif not which(command[0]):
        raise ValueError(f"the option command names {command[0]!r}, and there is no such program here")
    programs = [["xsetroot", "-solid", "#2b3440"], ["vncconfig", "-nowin"]]
    if which("openbox"):
        # A window that is there before its window manager does not get the keyboard.
        programs.append(["openbox", "--startup", shlex.join(command)])
    else:
        programs.append(command)
    return [argv for argv in programs if which(argv[0])]


def display_of(base: object, index: int) -> int | None:
    """The display of slot `index`.

    Raises:
        ValueError: `display_base` is not a display's number.
    """
    if base is None:
        return None
    if isinstance(base, bool) or not isinstance(base, int) or not 0 <= base <= 60000:
        raise ValueError(f"the option display_base is {base!r}; expected a whole number, such as 100")
    return base + index


def no_display(display: int | None, index: int) -> str:
    """Why there is no desktop, and what to do."""
    if display is None:
        return "Xtigervnc did not start; what it said itself is above"
    return (
        f"Xtigervnc did not start on display :{display} (display_base {display - index} + index {index}); "
        "when it is taken, choose another display_base, or leave the option out and any free display is used"
    )


def read_display(fd: int, deadline: float) -> int | None:
    """Reads the line that `-displayfd` writes to its end; None at end of file or after the deadline."""
    text = b""
    while not text.endswith(b"\n"):
        ready, _, _ = select.select([fd], [], [], max(deadline - time.monotonic(), 0))
        part = os.read(fd, 16) if ready else b""
        if not part:
            return None
        text += part
    return int(text)


def obscured(password: str) -> bytes:
    """The password as a VNC server reads it from a file; it goes to vncpasswd on standard input."""
    done = subprocess.run(
        ["vncpasswd", "-f"], input=password.encode() + b"\n", capture_output=True, timeout=10, check=True
    )
    return done.stdout


def xauthority(cookie: bytes) -> bytes:
    """An X authority file with one cookie for every display (Xau(3): FamilyWild, no address, no number)."""

    def counted(data: bytes) -> bytes:
        return struct.pack(">H", len(data)) + data

    return struct.pack(">H", 0xFFFF) + b"".join(counted(part) for part in (b"", b"", COOKIE.encode(), cookie))


def write_private(path: Path, data: bytes) -> None:
    """Writes a new file that nobody else can read, not even for a moment."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)


def realize_service(
    name: str = "", count: int = 1, index: int = 0, common_options: Mapping[str, Any] | None = None
) -> RemoteServiceScript:
    """Called once for each slot."""
    return DesktopSession(name, count=count, index=index, common_options=common_options)
