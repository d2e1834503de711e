"""Logging in to real VNC servers, TigerVNC on a Unix socket and x11vnc on loopback."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from remote_service.rfb.errors import AuthenticationFailed
from remote_service.rfb.handshake import ServerLogin
from remote_service.rfb.wire import V3_3, V3_7, V3_8, SecurityType, Version

PASSWORD = "secret12"
SECONDS = 20.0
"""How long any one step of a real program may take."""

GIVE_PASSWORD = (
    "Give set_host_port or set_unix_socket the password that the server was started with; only its first 8 bytes count."
)

Connect = Callable[[], socket.socket]


def require(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed; `make test` installs it")


@contextmanager
def ended(process: subprocess.Popen[bytes], by: signal.Signals = signal.SIGTERM) -> Iterator[None]:
    """Have a program gone afterwards in any case."""
    try:
        yield
    finally:
        process.send_signal(by)
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def x_server(argv: list[str]) -> Iterator[str]:
    """Start an X server on a free display and give the display's name once it answers."""
    require(argv[0])
    reader, writer = os.pipe()
    with open(reader, "rb") as pipe:
        # Without -noreset it begins anew whenever its last client leaves, and throws out whoever comes at that moment.
        argv = [*argv, "-noreset", "-displayfd", str(writer)]
        process = subprocess.Popen(argv, pass_fds=[writer], stderr=subprocess.DEVNULL)
        with ended(process):
            os.close(writer)
            number = pipe.readline()
            assert number.endswith(b"\n"), f"{argv[0]} ended before it had a display"
            yield f":{int(number)}"


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A directory with a path short enough for a Unix socket."""
    with tempfile.TemporaryDirectory(prefix="rfb-") as directory:
        yield Path(directory)


@pytest.fixture
def password_file(scratch: Path) -> Path:
    """What `vncpasswd -f` makes of the password."""
    require("vncpasswd")
    path = scratch / "passwd"
    made = subprocess.run(["vncpasswd", "-f"], input=f"{PASSWORD}\n".encode(), capture_output=True, check=True)
    path.touch(mode=0o600)
    path.write_bytes(made.stdout)
    return path


@contextmanager
def tigervnc(scratch: Path, *options: str) -> Iterator[Connect]:
    """Start Xtigervnc with these security options and give a way to connect to it."""
    path = scratch / "vnc.sock"
    argv = ["Xtigervnc", "-geometry", "320x240", "-depth", "24", "-desktop", "proof", *options]
    with x_server([*argv, "-rfbport", "-1", "-rfbunixpath", str(path), "-rfbunixmode", "0600"]):

        def connect() -> socket.socket:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(SECONDS)
            connection.connect(str(path))
            return connection

        yield connect


@contextmanager
def x11vnc(*options: str) -> Iterator[Connect]:
    """Start Xvfb with x11vnc on it and give a way to connect to that."""
    require("x11vnc")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with x_server(["Xvfb", "-screen", "0", "320x240x24", "-nolisten", "tcp"]) as display:
        argv = ["x11vnc", "-display", display, "-rfbport", str(port), "-localhost", "-forever", "-shared"]
        process = subprocess.Popen(
            [*argv, "-desktop", "proof", "-noxrecord", "-quiet", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        # Not by SIGTERM: x11vnc 0.9.16 locks up in its handler when a viewer has just left.
        with ended(process, by=signal.SIGKILL), process.stdout or pytest.fail("no pipe") as output:
            assert output.readline() == f"PORT={port}\n".encode()
            yield lambda: socket.create_connection(("127.0.0.1", port), timeout=SECONDS)


def log_in(connection: socket.socket, login: ServerLogin) -> None:
    def send(data: bytes) -> None:
        # A server that refuses closes at once; its reason can still be read.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(data)

    send(login.start())
    while not login.done:
        data = connection.recv(65536)
        if not data:
            login.receive_eof()
        send(login.receive(data))


def desktop_name(connection: socket.socket) -> str:
    """Go on behind the handshake with ClientInit, and return the name in the ServerInit that answers it."""
    connection.sendall(b"\x01")
    with connection.makefile("rb") as stream:
        length = int.from_bytes(stream.read(24)[20:], "big")
        return stream.read(length).decode()


def assert_let_in(
    connect: Connect, password: str | None, version: Version, security: SecurityType, name: str = "proof"
) -> None:
    login = ServerLogin(password)
    with connect() as connection:
        log_in(connection, login)

        assert login.version is version
        assert login.security_type is security
        assert login.leftover == b""
        assert desktop_name(connection) == name, "the handshake ended exactly before ClientInit"


def refusal(connect: Connect, password: str | None) -> str:
    with connect() as connection, pytest.raises(AuthenticationFailed) as caught:
        log_in(connection, ServerLogin(password))
    return str(caught.value)


@pytest.mark.parametrize(("options", "version"), [([], V3_8), (["-Protocol3.3"], V3_3)])
def test_tigervnc_without_a_password_lets_us_in(scratch: Path, options: list[str], version: Version) -> None:
    with tigervnc(scratch, "-SecurityTypes", "None", *options) as connect:
        assert_let_in(connect, None, version, SecurityType.NONE)
        assert_let_in(connect, PASSWORD, version, SecurityType.NONE)


@pytest.mark.parametrize(
    ("options", "version", "reason"),
    [([], V3_8, ' (it says: "Authentication failure")'), (["-Protocol3.3"], V3_3, "")],
)
def test_tigervnc_takes_the_right_password_and_no_other(
    scratch: Path, password_file: Path, options: list[str], version: Version, reason: str
) -> None:
    security = ("-SecurityTypes", "VncAuth", "-PasswordFile", str(password_file))
    with tigervnc(scratch, *security, *options) as connect:
        assert_let_in(connect, PASSWORD, version, SecurityType.VNC_AUTH)
        assert refusal(connect, "wrong") == f"The VNC server refuses the password{reason}. {GIVE_PASSWORD}"
        assert refusal(connect, None) == (
            f"The VNC server asks for a password and the session's endpoint has none. {GIVE_PASSWORD}"
        )
        assert_let_in(connect, PASSWORD + " and more", version, SecurityType.VNC_AUTH)


def test_tigervnc_says_when_it_had_enough_of_wrong_passwords(scratch: Path, password_file: Path) -> None:
    security = ("-SecurityTypes", "VncAuth", "-PasswordFile", str(password_file), "-BlacklistThreshold", "2")
    with tigervnc(scratch, *security) as connect:
        refusals = [refusal(connect, "wrong") for _ in range(3)]

        assert refusals[-1] == (
            'The VNC server refuses the connection (it says: "Too many security failures"). '
            "Look into the server's log; TigerVNC refuses everybody for a while "
            "after a dozen connections that ended before they had logged in."
        )


def test_tigervnc_that_insists_on_encryption_is_told_apart(scratch: Path) -> None:
    with tigervnc(scratch, "-SecurityTypes", "TLSNone") as connect:
        assert refusal(connect, PASSWORD) == (
            "The VNC server offers the security types 19 (VeNCrypt); the gateway can do 1 (None), "
            "2 (VNC Authentication). Start the VNC server with one of these: TigerVNC with "
            "-SecurityTypes VncAuth, or with -SecurityTypes None on a Unix socket."
        )


@pytest.mark.parametrize(
    ("number", "version", "reason"),
    [("3.8", V3_8, ' (it says: "password check failed!")'), ("3.7", V3_7, ""), ("3.3", V3_3, "")],
)
def test_x11vnc_takes_the_right_password_and_no_other(
    password_file: Path, number: str, version: Version, reason: str
) -> None:
    with x11vnc("-rfbauth", str(password_file), "-rfbversion", number) as connect:
        assert_let_in(connect, PASSWORD, version, SecurityType.VNC_AUTH)
        assert refusal(connect, "wrong") == f"The VNC server refuses the password{reason}. {GIVE_PASSWORD}"


def test_x11vnc_without_a_password_lets_us_in() -> None:
    with x11vnc("-nopw") as connect:
        assert_let_in(connect, None, V3_8, SecurityType.NONE)
