"""The desktop script with the real Xtigervnc, openbox and xterm."""

from __future__ import annotations

import os
import signal
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from remote_service.answers import Answer
from remote_service.endpoints import Endpoint, EndpointKind
from remote_service.script import RemoteServiceScript
from tests.integration.rfb_viewer import EXTENDED_DESKTOP_SIZE, Rectangle, Viewer
from tests.integration.script_harness import (
    Harness,
    command_line,
    everything_shown_of_processes,
    listening_ports,
    processes_with,
    realized,
    wait_for_end,
)
from tests.waiting import eventually

X11_SOCKETS = Path("/tmp/.X11-unix")
LOOPBACKS = {"0100007F", "00000000000000000000000001000000"}
"""127.0.0.1 and ::1 as /proc/net has them on a little-endian machine."""


class Desktop(NamedTuple):
    """A desktop that was started."""

    service: RemoteServiceScript
    harness: Harness
    endpoint: Endpoint
    x_pid: int

    @property
    def display(self) -> int:
        """Its X display, as the log tells it."""
        (line,) = [line for line in self.harness.lines if "the desktop is on display :" in line]
        return int(line.rpartition(":")[2])


@contextmanager
def desktop(options: dict[str, Any] | None = None, *, size: str = "800x600", index: int = 0) -> Iterator[Desktop]:
    with realized("desktop_session.py", options, name="Desktop", index=index) as (service, harness):
        assert service.start("token", None, {"username": "alice", "size": size}) is True, harness.lines
        assert harness.endpoint is not None
        (server,) = harness.spawned
        yield Desktop(service, harness, harness.endpoint, server.pid)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def x11_setup(display: int, cookie: bytes = b"") -> int:
    """The X server's first byte to a client with this cookie: 1 let in, 0 refused (X11 protocol, chapter 8)."""
    name = b"MIT-MAGIC-COOKIE-1" if cookie else b""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(X11_SOCKETS / f"X{display}"))
        request = struct.pack("<BxHHHHxx", ord("l"), 11, 0, len(name), len(cookie))
        client.sendall(request + name + b"\0" * (-len(name) % 4) + cookie)
        return client.recv(1)[0]


def test_a_desktop_has_a_screen_and_what_is_typed_has_an_effect(home: Path) -> None:
    with desktop() as session, Viewer(session.endpoint) as viewer:
        assert (viewer.width, viewer.height) == (800, 600)
        viewer.whole_frame()
        eventually(lambda: own(session, "xterm"), 10)

        def typed() -> bool:
            # Again and again: what is typed before the terminal has the keyboard is lost.
            viewer.type("\npwd > where && mv where here\n")
            viewer.whole_frame()
            return (home / "here").exists()

        eventually(typed, 15)
        assert (home / "here").read_text() == f"{home}\n"
        viewer.whole_frame()
        assert viewer.colours() > 3


def test_nobody_else_reaches_it_neither_by_rfb_nor_by_x(home: Path) -> None:
    with desktop() as session:
        path = Path(session.endpoint.path)
        assert session.endpoint.kind is EndpointKind.UNIX and session.harness.password is None
        assert path.parent == session.harness.scratch and path.stat().st_mode & 0o777 == 0o600
        assert listening_ports(session.x_pid) == []
        authority = session.harness.scratch / "xauthority"
        cookie = authority.read_bytes()[-16:]
        assert authority.stat().st_mode & 0o777 == 0o600
        assert x11_setup(session.display, cookie) == 1
        assert x11_setup(session.display) == 0
        assert x11_setup(session.display, bytes(16)) == 0


def test_a_stop_leaves_no_process_no_socket_and_no_lock() -> None:
    with desktop() as session:
        number = session.display
        assert (X11_SOCKETS / f"X{number}").exists()
        eventually(lambda: any("xterm" in line for line in session.harness.left()), 10)
        assert session.service.stop() is True
        session.harness.end_spawned()
        session.harness.wait_until_nothing_is_left()
        assert not Path(session.endpoint.path).exists()
        assert not (X11_SOCKETS / f"X{number}").exists()
        assert not Path(f"/tmp/.X{number}-lock").exists()


def test_several_desktops_run_side_by_side() -> None:
    with desktop() as one, desktop(index=1) as two:
        assert one.display != two.display
        with Viewer(one.endpoint) as first, Viewer(two.endpoint) as second:
            assert (first.name, second.name) == ("Desktop #0", "Desktop #1")


def test_a_password_guards_the_port_and_is_in_no_command_line() -> None:
    with desktop({"password": True}) as session:
        password = session.harness.password
        assert session.endpoint.kind is EndpointKind.TCP and session.endpoint.host == "127.0.0.1"
        assert password is not None and len(password) == 8 and session.harness.secrets == [password]
        assert {address.partition(":")[0] for address in listening_ports(session.x_pid)} <= LOOPBACKS
        with Viewer(session.endpoint, password) as viewer:
            assert viewer.security_types == [2]
            viewer.whole_frame()
        with pytest.raises(PermissionError):
            Viewer(session.endpoint, "wrong678")
        assert password.encode() not in everything_shown_of_processes()
        assert password not in "\n".join(session.harness.lines)
        assert (session.harness.scratch / "passwd").stat().st_mode & 0o777 == 0o600


def test_somebodys_wrong_passwords_do_not_lock_the_owner_out() -> None:
    with desktop({"password": True}) as session:
        for _ in range(15):
            with pytest.raises(PermissionError):
                Viewer(session.endpoint, "wrong678")
        with Viewer(session.endpoint, session.harness.password) as viewer:
            viewer.whole_frame()


def free_display() -> int:
    """A display number that nothing uses, well above what servers take by themselves."""
    return next(
        n for n in range(700, 900) if not (X11_SOCKETS / f"X{n}").exists() and not Path(f"/tmp/.X{n}-lock").exists()
    )


def test_the_display_base_is_honoured() -> None:
    number = free_display()
    with desktop({"display_base": number - 1}, index=1) as session:
        assert session.display == number
        assert f":{number}" in command_line(session.x_pid)


def test_a_display_that_is_taken_is_said_clearly_and_the_other_desktop_goes_on() -> None:
    number = free_display()
    with desktop({"display_base": number}) as first:
        with realized("desktop_session.py", {"display_base": number}) as (service, harness):
            assert not service.start("token", None, {"size": "800x600"})
            assert harness.lines[-1] == (
                f"ERROR Xtigervnc did not start on display :{number} (display_base {number} + index 0); when it is "
                "taken, choose another display_base, or leave the option out and any free display is used"
            )
            assert harness.endpoint is None
            harness.wait_until_nothing_is_left()
        assert first.service.poll().answer is Answer.ALIVE


def test_the_size_follows_the_viewer() -> None:
    with desktop() as session, Viewer(session.endpoint) as viewer:
        viewer.whole_frame()
        viewer.set_desktop_size(1003, 701)
        viewer.until(lambda: (viewer.width, viewer.height) == (1003, 701))
        viewer.whole_frame()


def test_a_very_wide_size_is_a_real_size() -> None:
    with desktop(size="12080x1024") as session, Viewer(session.endpoint) as viewer:
        assert (viewer.width, viewer.height) == (12080, 1024)


def test_a_size_that_cannot_be_is_refused() -> None:
    with realized("desktop_session.py") as (service, harness):
        reason = "the screen size is 'huge'; expected width x height in pixels, such as '1600x1200'"
        assert service.validate_options({"size": "huge"}) == reason
        assert not service.start("token", None, {"size": "huge"})
        assert harness.lines == [f"ERROR {reason}"]


def own(session: Desktop, name: str) -> list[int]:
    """The session's living processes that run this program."""
    mark = f"REMOTE_SERVICE_SESSION={session.harness.session}".encode()
    return [
        pid
        for pid in processes_with(name)
        if command_line(pid).split()[:1] == [name] and mark in Path(f"/proc/{pid}/environ").read_bytes()
    ]


def test_it_lives_without_its_window_manager_and_its_terminal_but_not_without_its_server() -> None:
    with desktop() as session:
        eventually(lambda: own(session, "xterm"), 10)
        for name in ("openbox", "xterm"):
            (pid,) = own(session, name)
            os.kill(pid, signal.SIGKILL)
            wait_for_end(pid)
            assert session.service.poll().answer is Answer.ALIVE
        with Viewer(session.endpoint) as viewer:
            viewer.whole_frame()
        os.kill(session.x_pid, signal.SIGTERM)
        eventually(lambda: session.service.poll().answer is Answer.ENDED, 10)


def test_a_command_takes_the_terminals_place(home: Path) -> None:
    with desktop({"command": ["sh", "-c", 'echo "$DISPLAY" > started']}) as session:
        eventually(lambda: (home / "started").exists(), 10)
        eventually(lambda: (home / "started").read_text() == f":{session.display}\n", 10)
        assert not own(session, "xterm")


@pytest.mark.parametrize(
    ("installed", "options", "message"),
    [
        ([], {}, "Xtigervnc is not installed: install the package tigervnc-standalone-server"),
        (["Xtigervnc"], {"password": True}, "vncpasswd is not installed: install the package tigervnc-tools"),
        (
            ["Xtigervnc"],
            {"command": ["paraview"]},
            "the option command names 'paraview', and there is no such program here",
        ),
        (["Xtigervnc"], {"display_base": "1"}, "the option display_base is '1'; expected a whole number, such as 100"),
    ],
)
def test_what_is_missing_or_wrong_is_said_in_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    installed: list[str],
    options: dict[str, Any],
    message: str,
) -> None:
    for name in installed:
        (tmp_path / name).symlink_to("/bin/false")
    monkeypatch.setenv("PATH", str(tmp_path))
    with realized("desktop_session.py", options) as (service, harness):
        assert not service.start("token", None, {"size": "800x600"})
        assert harness.lines == [f"ERROR {message}"]
        assert harness.spawned == []


def test_a_bare_server_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Xtigervnc").symlink_to("/usr/bin/Xtigervnc")
    (tmp_path / "xkbcomp").symlink_to("/usr/bin/xkbcomp")
    monkeypatch.setenv("PATH", str(tmp_path))
    with desktop() as session, Viewer(session.endpoint) as viewer:
        viewer.whole_frame()
        assert session.service.poll().answer is Answer.ALIVE
        assert [line.split()[0] for line in session.harness.left()] == ["Xtigervnc"]


def test_the_answer_to_a_new_size_is_ours(home: Path) -> None:
    with desktop() as session, Viewer(session.endpoint) as viewer:
        viewer.whole_frame()
        viewer.set_desktop_size(20000, 20000)
        seen: list[Rectangle] = []

        def refused() -> bool:
            seen.extend(viewer.frame(incremental=True))
            return any(r.encoding == EXTENDED_DESKTOP_SIZE and r.y != 0 for r in seen)

        eventually(refused, 10)
