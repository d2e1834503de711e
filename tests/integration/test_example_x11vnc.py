"""The x11vnc script with the real Xvfb and x11vnc: here, over ssh, through a tunnel, on a display that runs."""

from __future__ import annotations

import os
import pwd
import signal
import socket
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from remote_service.answers import Answer, Poll
from remote_service.endpoints import Endpoint, EndpointKind
from remote_service.script import RemoteServiceScript
from tests.integration.rfb_viewer import Viewer
from tests.integration.script_harness import (
    EXAMPLE_SCRIPTS,
    Harness,
    alive,
    command_line,
    everything_shown_of_processes,
    listening_ports,
    processes_with,
    realized,
    wait_for_end,
)
from tests.waiting import eventually

SSHD = "/usr/sbin/sshd"
LOOPBACKS = {"0100007F", "00000000000000000000000001000000"}
"""127.0.0.1 and ::1 as /proc/net has them on a little-endian machine."""


class Session(NamedTuple):
    """A session that was started."""

    service: RemoteServiceScript
    harness: Harness
    endpoint: Endpoint

    @property
    def directory(self) -> Path:
        """Its directory where the X server is."""
        return Path(str(vars(self.service)["_directory"]))

    @property
    def vnc_pid(self) -> int:
        """Its x11vnc."""
        return int(vars(self.service)["_pid"])

    def processes(self) -> list[int]:
        """What the start script left running: the directory is in its command line or environment."""
        mark = f"X11_SESSION_DIR={self.directory}".encode()
        pids = [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]
        marked = [pid for pid in pids if alive(pid) and mark in _environment(pid)]
        return sorted({*marked, *processes_with(str(self.directory))})


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


@contextmanager
def session(options: dict[str, Any], *, size: str = "800x600", index: int = 0) -> Iterator[Session]:
    """Started; and stopped if the test has not done it, since on a node the harness cannot clean up."""
    with realized("x11vnc_desktop_session.py", options, name="Node", index=index) as (service, harness):
        try:
            assert service.start("token", None, {"username": "alice", "size": size}) is True, harness.lines
            assert harness.endpoint is not None
            yield Session(service, harness, harness.endpoint)
        finally:
            service.stop()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own, here at least; ssh's programs get the account's."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The options that lead to an sshd of the test's own on a loopback port, with throw-away keys."""
    folder = tmp_path_factory.mktemp("sshd")
    for name in ("host_key", "user_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    # The port is chosen by the kernel a moment before; sshd itself cannot choose one.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": folder / "host_key",
        "AuthorizedKeysFile": folder / "user_key.pub",
        "StrictModes": "no",
        "PidFile": "none",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
    }
    options = [f"-o{key}={value}" for key, value in settings.items()]
    log = folder / "log"
    with log.open("wb") as output:
        server = subprocess.Popen([SSHD, "-D", "-e", "-f", "/dev/null", *options], stderr=output)
    try:
        eventually(lambda: b"Server listening" in log.read_bytes(), 10)
        known = folder / "known_hosts"
        known.write_text(f"[127.0.0.1]:{port} {(folder / 'host_key.pub').read_text()}")
        ssh_options = ["-F", "/dev/null", "-i", str(folder / "user_key"), "-o", f"UserKnownHostsFile={known}"]
        yield {
            "host": f"{pwd.getpwuid(os.getuid()).pw_name}@127.0.0.1",
            "ssh_port": port,
            "ssh_options": ssh_options,
        }
    finally:
        server.terminate()
        server.wait(timeout=10)


def assert_it_works(started: Session, effect: Path) -> None:
    """A screen that is not blank, behind the password; what is typed reaches the terminal."""
    password = started.harness.password
    assert password is not None and len(password) == 8
    with pytest.raises(PermissionError):
        Viewer(started.endpoint, "wrong678")
    with Viewer(started.endpoint, password) as viewer:
        assert viewer.security_types == [2]
        assert (viewer.name, viewer.width, viewer.height) == ("Node #0", 800, 600)
        eventually(lambda: _terminals(started), 10)
        viewer.whole_frame()

        def typed() -> bool:
            viewer.type(f"\ntouch {effect}\n")
            viewer.whole_frame()
            return effect.exists()

        eventually(typed, 15)
        assert viewer.colours() > 3


def _terminals(started: Session) -> bool:
    return any(b"xterm" in Path(f"/proc/{pid}/cmdline").read_bytes()[:5] for pid in started.processes())


def assert_nothing_is_left(started: Session) -> None:
    with suppress(AssertionError):
        eventually(lambda: not started.processes(), 5)
    assert [command_line(pid) for pid in started.processes()] == []
    assert not started.directory.exists()


def test_a_session_on_this_machine(home: Path) -> None:
    with session({}) as started:
        assert started.endpoint.kind is EndpointKind.TCP and started.endpoint.host == "127.0.0.1"
        assert {address.partition(":")[0] for address in listening_ports(started.vnc_pid)} == LOOPBACKS
        assert started.directory.stat().st_mode & 0o777 == 0o700
        assert not (started.directory / "password").exists()
        assert_it_works(started, home / "typed")
        assert started.service.poll() == Poll.alive()
        assert started.service.stop() is True
        assert_nothing_is_left(started)
        started.harness.wait_until_nothing_is_left()
        assert started.service.stop() is True


def test_a_session_on_a_node(node: dict[str, Any], home: Path) -> None:
    with session(node) as started:
        assert started.endpoint.kind is EndpointKind.TCP and started.endpoint.host == "127.0.0.1"
        assert_it_works(started, home / "typed")
        assert started.service.poll() == Poll.alive()
        assert started.service.stop() is True
        assert_nothing_is_left(started)


def test_a_session_on_a_node_through_a_tunnel(node: dict[str, Any], home: Path) -> None:
    with session({**node, "tunnel": True}) as started:
        assert started.endpoint.kind is EndpointKind.UNIX
        path = Path(started.endpoint.path)
        eventually(lambda: path.exists(), 10)
        assert path.stat().st_mode & 0o777 == 0o600
        assert {address.partition(":")[0] for address in listening_ports(started.vnc_pid)} == LOOPBACKS
        assert_it_works(started, home / "typed")
        assert started.service.stop() is True
        started.harness.end_spawned()
        assert_nothing_is_left(started)


@contextmanager
def x_server() -> Iterator[str]:
    """An X server that runs already: its display."""
    reader, writer = os.pipe()
    argv = ["Xvfb", "-displayfd", str(writer), "-screen", "0", "800x600x24", "-nolisten", "tcp", "-noreset"]
    server = subprocess.Popen(argv, pass_fds=[writer], stderr=subprocess.DEVNULL)
    os.close(writer)
    try:
        with open(reader) as pipe:
            yield f":{pipe.readline().strip()}"
        assert server.poll() is None, "the X server was ended with the session"
    finally:
        server.terminate()
        server.wait(timeout=10)


def test_a_session_on_a_display_that_runs_leaves_it_running() -> None:
    with x_server() as display, session({"display": display}) as started:
        with Viewer(started.endpoint, started.harness.password) as viewer:
            assert (viewer.width, viewer.height) == (800, 600)
        assert len(started.processes()) == 1
        assert started.service.stop() is True
        assert_nothing_is_left(started)


def test_two_sessions_run_side_by_side() -> None:
    with session({}) as one, session({}, index=1) as two:
        assert one.endpoint != two.endpoint
        assert one.service.stop() is True
        assert_nothing_is_left(one)
        assert two.service.poll() == Poll.alive()
        with Viewer(two.endpoint, two.harness.password) as viewer:
            viewer.whole_frame()


def test_the_password_is_in_no_command_line_no_environment_and_no_log(node: dict[str, Any]) -> None:
    for options in ({}, node):
        with session(options) as started:
            password = started.harness.password
            assert password is not None and started.harness.secrets == [password]
            assert password.encode() not in everything_shown_of_processes()
            assert password not in "\n".join(started.harness.lines)
            files = [path for path in started.directory.iterdir() if path.is_file()]
            assert files and all(password.encode() not in path.read_bytes() for path in files)


def test_the_end_of_x11vnc_is_seen_and_of_its_x_server_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("x11vnc.pid", "x.pid"):
        with session({}) as started:
            vars(started.service)["_look_again"] = 0.0
            assert started.service.poll() == Poll.alive()
            os.kill(int((started.directory / name).read_text()), signal.SIGTERM)
            wait_for_end(started.vnc_pid)
            assert started.service.poll() == Poll.alive(), "it looked again at once"
            vars(started.service)["_look_again"] = 0.0
            assert started.service.poll() == Poll.ended("x11vnc on 127.0.0.1 has ended")


def test_a_node_that_does_not_answer_is_unknown_and_not_ended(node: dict[str, Any]) -> None:
    with session(node) as started:
        options = started.service.common_options
        port, options["ssh_port"] = options["ssh_port"], 1
        answer = started.service.poll()
        options["ssh_port"] = port
        assert answer.answer is Answer.UNKNOWN
        assert answer.reason.startswith("127.0.0.1: ssh could not ask: ssh: connect to host 127.0.0.1 port 1: ")


def test_a_successor_can_stop_it(node: dict[str, Any]) -> None:
    with session(node) as started, realized("x11vnc_desktop_session.py", node) as (successor, _):
        successor.load_state(started.service.get_state())
        assert successor.stop() is True
        assert_nothing_is_left(started)


@pytest.mark.parametrize("where", ["here", "node"])
def test_a_start_that_fails_says_why_and_its_stop_finds_nothing(where: str, node: dict[str, Any]) -> None:
    options = {"display": ":6543", **(node if where == "node" else {})}
    with realized("x11vnc_desktop_session.py", options) as (service, harness):
        with pytest.raises(RuntimeError) as caught:
            service.start("token", None, {"size": "800x600"})
        assert str(caught.value) == (
            "no desktop on 127.0.0.1 (exit code 1): start_x11_server.sh: x11vnc did not start on display :6543"
        )
        assert harness.endpoint is None
        assert service.stop() is True
        assert not Path(str(vars(service)["_directory"])).exists()


def test_a_node_that_lets_nobody_in_is_an_error_that_quotes_ssh(node: dict[str, Any]) -> None:
    no_key = ["-o", "IdentitiesOnly=yes", "-o", "IdentityFile=/dev/null"]
    options = {**node, "ssh_options": ["-F", "/dev/null", *no_key, *node["ssh_options"][4:]]}
    with realized("x11vnc_desktop_session.py", options) as (service, _):
        with pytest.raises(RuntimeError) as caught:
            service.start("token", None, {"size": "800x600"})
        said = f"{node['host']}: Permission denied (publickey)."
        assert str(caught.value) == f"no desktop on 127.0.0.1 (exit code 255): {said}"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"host": "-oProxyCommand=id"},
            "the option host is '-oProxyCommand=id'; expected a host as ssh knows it, such as 'n8'",
        ),
        ({"display": "0"}, "the option display is '0'; expected an X display, such as ':0'"),
        ({"command": "xterm"}, "the option command is 'xterm'; expected a list of texts, such as ['one', 'two']"),
    ],
)
def test_options_that_cannot_be_start_nothing(options: dict[str, Any], message: str) -> None:
    with realized("x11vnc_desktop_session.py", options) as (service, harness):
        assert not service.start("token", None, {"size": "800x600"})
        assert harness.lines == [f"ERROR {message}"]
        assert service.stop() is True


def test_without_ssh_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with realized("x11vnc_desktop_session.py", {"host": "n8"}) as (service, harness):
        assert not service.start("token", None, {"size": "800x600"})
        assert harness.lines == ["ERROR ssh is not installed: install the package openssh-client"]


def new_directory() -> str:
    """A directory for the start script that no other test uses, on another worker either."""
    return f"/tmp/x11-session-test-{uuid.uuid4().hex}"


def shell(name: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs one of the shell scripts by hand, as an admin does."""
    return subprocess.run(
        ["sh", str(EXAMPLE_SCRIPTS / name), *arguments],
        env={key: value for key, value in os.environ.items() if key != "SSH_CONNECTION"} | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


DIRECTORY = "/tmp/x11-session-test-of-arguments"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "-d is ''; expected /tmp/x11-session-NAME"),
        (["-d", "/tmp/other"], "-d is '/tmp/other'; expected /tmp/x11-session-NAME"),
        (["-d", "/tmp/x11-session-"], "-d is '/tmp/x11-session-'; expected /tmp/x11-session-NAME"),
        (["-d", "/tmp/x11-session-/../x"], "-d is '/tmp/x11-session-/../x'; expected /tmp/x11-session-NAME"),
        (["-d", DIRECTORY], "-s is ''; expected a size such as 1600x1200, or -x DISPLAY"),
        (["-d", DIRECTORY, "-s", "1x2x3"], "-s is '1x2x3'; expected a size such as 1600x1200, or -x DISPLAY"),
        (["-d", DIRECTORY, "-s", "1x2", "-p", "x"], "-p is 'x'; expected a port such as 5900"),
        (["-d", DIRECTORY, "-s", "1x2"], "VNC_PASSWORD is empty; a display without a password is open to everybody"),
    ],
)
def test_the_start_script_checks_its_arguments(arguments: list[str], message: str) -> None:
    done = shell("start_x11_server.sh", *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"start_x11_server.sh: {message}\n")
    assert not Path(DIRECTORY).exists()


def test_the_start_script_says_what_is_not_installed(tmp_path: Path) -> None:
    for name in ("sh", "expr", "hostname"):
        (tmp_path / name).symlink_to(f"/usr/bin/{name}")
    arguments = ["-d", DIRECTORY, "-s", "800x600"]
    done = shell("start_x11_server.sh", *arguments, PATH=str(tmp_path), VNC_PASSWORD="secret12")
    assert done.returncode == 1 and "x11vnc is not installed on " in done.stderr
    (tmp_path / "x11vnc").symlink_to("/bin/true")
    done = shell("start_x11_server.sh", *arguments, PATH=str(tmp_path), VNC_PASSWORD="secret12")
    assert done.returncode == 1 and "Xvfb is not installed on " in done.stderr


def test_the_start_script_does_not_use_somebody_elses_directory(tmp_path: Path) -> None:
    directory = Path(new_directory())
    directory.mkdir()
    try:
        done = shell("start_x11_server.sh", "-d", str(directory), "-s", "800x600", VNC_PASSWORD="secret12")
        assert done.returncode == 1 and "File exists" in done.stderr
        assert list(directory.iterdir()) == []
    finally:
        directory.rmdir()


def test_the_scripts_work_by_hand() -> None:
    directory = new_directory()
    try:
        done = shell("start_x11_server.sh", "-d", directory, "-s", "800x600", VNC_PASSWORD="secret12")
        assert done.returncode == 0, done.stderr
        port = int(done.stdout.split("port=")[1].split()[0])
        with Viewer(Endpoint.tcp("127.0.0.1", port), "secret12") as viewer:
            viewer.whole_frame()
    finally:
        done = shell("stop_x11_server.sh", directory)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not processes_with(directory)
    assert shell("stop_x11_server.sh", directory).returncode == 0


@pytest.mark.parametrize(
    ("address", "option", "listens"),
    [
        ("127.0.0.2", [], {"0200007F"}),
        ("::1", [], LOOPBACKS),
        ("127.0.0.2", ["-l"], LOOPBACKS),
    ],
)
def test_over_ssh_only_the_interface_that_was_called_is_open(
    address: str, option: list[str], listens: set[str]
) -> None:
    directory = new_directory()
    variables = {"VNC_PASSWORD": "secret12", "SSH_CONNECTION": f"192.0.2.1 40000 {address} 22"}
    try:
        # The first port is taken: x11vnc opens IPv6 ports of another number then, unless it is told not to.
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            arguments = ("-d", directory, "-s", "800x600", "-p", port, *option)
            done = shell("start_x11_server.sh", *arguments, **variables)
        assert done.returncode == 0, done.stderr
        pid = int(done.stdout.split("pid=")[1].split()[0])
        places = [place.split(":") for place in listening_ports(pid)]
        assert {host for host, _ in places} == listens
        assert len({number for _, number in places}) == 1
    finally:
        shell("stop_x11_server.sh", directory)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "expected one argument, the directory that start_x11_server.sh made"),
        (["/tmp/a", "/tmp/b"], "expected one argument, the directory that start_x11_server.sh made"),
        (["/tmp"], "'/tmp' is not /tmp/x11-session-NAME"),
        (["/tmp/x11-session-a/../../home"], "'/tmp/x11-session-a/../../home' is not /tmp/x11-session-NAME"),
    ],
)
def test_the_stop_script_removes_nothing_else(arguments: list[str], message: str) -> None:
    done = shell("stop_x11_server.sh", *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"stop_x11_server.sh: {message}\n")


def test_the_stop_script_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    link = Path(new_directory())
    link.symlink_to(tmp_path)
    try:
        done = shell("stop_x11_server.sh", str(link))
        assert (done.returncode, done.stderr) == (
            1,
            f"stop_x11_server.sh: '{link}' is not a directory of this user\n",
        )
        assert (tmp_path / "precious").exists()
    finally:
        link.unlink()


def test_the_stop_script_spares_a_process_that_got_the_number() -> None:
    directory = Path(new_directory())
    directory.mkdir()
    with subprocess.Popen(["sleep", "60"]) as bystander:
        try:
            (directory / "x11vnc.pid").write_text(f"{bystander.pid}\n")
            done = shell("stop_x11_server.sh", str(directory))
            assert done.returncode == 0, done.stderr
            assert bystander.poll() is None
        finally:
            bystander.terminate()
    assert not directory.exists()
