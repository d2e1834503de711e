"""An X server with x11vnc on it: on this machine, or on a node of the cluster over ssh.

Shows: start and stop scripts beside the script, run here and on another machine in the same way.
Needs: x11vnc and xvfb where the X server is (openbox and xterm are used when they are there); for a node, ssh
       without a password: a key of the account that sessions run as, and the node in its known_hosts.
Run:   {"Node": {"script": "x11vnc_desktop_session.py", "count": 1,
                 "options": {"sizes": ["1600x1200"], "host": "n8"}}}

Options, beside `sizes`:
    command      what to start instead of a terminal, as a list: ["paraview", "--stereo"]
    display      an X server that runs already, such as ":0" (a node's graphics card), instead of a new one
    xauthority   that X server's authority file there, or "guess" to have x11vnc look for it; unset: the
                 account's own ~/.Xauthority
    host         the node, as ssh knows it: "n8" or "render@n8"; unset: this machine
    ssh_port     its ssh port
    ssh_options  further arguments of ssh, as a list: ["-i", "/etc/remote/key"]
    tunnel       true: the bytes go through ssh, and x11vnc listens on the node's loopback interface only

Without `tunnel` x11vnc listens on that interface of the node by which ssh came in, because the gateway
connects to it from another machine: everybody in that network sees the port. VNC's password authentication
guards it, with a new password for each session, but the screen travels unencrypted. Where others share that
network, set `tunnel`.
"""

from __future__ import annotations

import re
import secrets
import shlex
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from screen_size import Size, parse_size
from ssh_node import SSH_FAILED, Node, NodeError, text_list

from remote_service import RemoteServiceScript
from remote_service.answers import Answer, Poll

HERE = Path(__file__).parent
DEFAULT_SIZE = "1600x1200"
FIRST_PORT = 5900
START_SECONDS, STOP_SECONDS, CHECK_SECONDS = 50.0, 9.0, 4.0
"""How long the three calls may take."""
CHECK_EVERY = 10.0
"""Seconds from one look at the node to the next."""


class X11vncSession(RemoteServiceScript):
    """One x11vnc, and the X server under it unless that ran before."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Starts nothing."""
        super().__init__(*args, **kwargs)
        # These two outlive this process: the base's get_state takes every attribute that JSON can hold.
        self._directory = ""
        self._pid = 0
        self._seen = Poll.alive()
        self._look_again = 0.0

    def validate_options(self, options: dict[str, Any]) -> str | None:
        """Refuses a size that no X server can have."""
        try:
            parse_size(options.get("size", DEFAULT_SIZE))
        except ValueError as error:
            return str(error)
        return None

    def start(self, token: str, timestamp: float | None = None, options: dict[str, Any] | None = None) -> bool:
        """Runs start_x11_server.sh there and reads from its output where x11vnc listens.

        Raises:
            NodeError: it failed. An exception and not False, because something may run there nevertheless:
                after an exception `stop` is called, and cleans up.
        """
        directory = f"/tmp/x11-session-{secrets.token_hex(8)}"
        try:
            node = Node.from_options(self.common_options)
            size = parse_size((options or {}).get("size", DEFAULT_SIZE))
            command = start_argv(directory, size, self.name, self.index, self.common_options)
        except ValueError as error:
            self.log.error("%s", error)
            return False
        if node.host and shutil.which("ssh") is None:
            self.log.error("ssh is not installed: install the package openssh-client")
            return False

        self._directory = directory
        password = self.new_password()
        # In front of the script, on the standard input of its shell: in no command line and no environment.
        secret = f"VNC_PASSWORD={shlex.quote(password)}\n"
        done = node.call(command, secret + script("start_x11_server.sh"), START_SECONDS)
        self._note(node, done)
        port, self._pid = started(done, node)
        if node.host and self.common_options.get("tunnel"):
            socket = self.scratch / "vnc.sock"
            self.spawn(node.tunnel_argv(socket, port))
            self.set_unix_socket(socket, password)
        else:
            self.set_host_port(node.address, port, password)
        return True

    def stop(self) -> bool:
        """Runs stop_x11_server.sh there; that succeeds as well when there is nothing to stop."""
        if not self._directory:
            return True
        node = Node.from_options(self.common_options)
        done = node.call(["sh", "-s", "--", self._directory], script("stop_x11_server.sh"), STOP_SECONDS)
        self._note(node, done)
        return done.returncode == 0

    def poll(self) -> Poll:
        """What the base says; and, every `CHECK_EVERY` seconds, whether x11vnc still runs there."""
        answer = super().poll()
        if answer.answer is not Answer.ALIVE:
            return answer
        if time.monotonic() >= self._look_again:
            self._seen = self._look(Node.from_options(self.common_options))
            self._look_again = time.monotonic() + CHECK_EVERY
        return self._seen

    def _look(self, node: Node) -> Poll:
        # The number may belong to another process by now; x11vnc has the directory in its command line.
        command = ["grep", "-qsF", "-e", self._directory, f"/proc/{self._pid}/cmdline"]
        try:
            return seen(node.call(command, "", CHECK_SECONDS), node)
        except NodeError as error:
            return Poll.unknown(str(error))

    def _note(self, node: Node, done: subprocess.CompletedProcess[str]) -> None:
        for line in (done.stdout + done.stderr).splitlines():
            self.log.info("%s: %s", node.address, line)


def script(name: str) -> str:
    """The text of a shell script that lies beside this one."""
    return (HERE / name).read_text()


def start_argv(directory: str, size: Size, name: str, index: int, options: Mapping[str, Any]) -> list[str]:
    """The command line of start_x11_server.sh, which the shell reads from its standard input.

    Raises:
        ValueError: one of the options cannot be; says which.
    """
    # Slots look for a free port from different ones on, so that two that start at once do not meet.
    argv = ["sh", "-s", "--", "-d", directory, "-n", f"{name} #{index}", "-p", str(FIRST_PORT + index)]
    display, authority = options.get("display"), options.get("xauthority")
    if display is None:
        argv += ["-s", str(size)]
    elif isinstance(display, str) and re.fullmatch(r":[0-9]+(\.[0-9]+)?", display):
        argv += ["-x", display]
        if authority is not None:
            if not isinstance(authority, str) or not authority:
                raise ValueError(f"the option xauthority is {authority!r}; expected the path of a file")
            argv += ["-a", authority]
    else:
        raise ValueError(f"the option display is {display!r}; expected an X display, such as ':0'")
    if options.get("tunnel") or not options.get("host"):
        argv.append("-l")
    command = text_list(options, "command")
    return [*argv, "--", *command] if command else argv


def started(done: subprocess.CompletedProcess[str], node: Node) -> tuple[int, int]:
    """Port and process number of x11vnc, from what start_x11_server.sh said.

    Raises:
        NodeError: it failed; the message has its last words.
    """
    found = re.search(r"^X11-SESSION port=(\d+) pid=(\d+) ", done.stdout, re.MULTILINE)
    if done.returncode or found is None:
        raise NodeError(f"no desktop on {node.address} (exit code {done.returncode}): {last_words(done)}")
    return int(found[1]), int(found[2])


def seen(done: subprocess.CompletedProcess[str], node: Node) -> Poll:
    """What a look for x11vnc with grep means: 0 found, 1 and 2 not found, else nobody could look."""
    if done.returncode == 0:
        return Poll.alive()
    if done.returncode in (1, 2):
        return Poll.ended(f"x11vnc on {node.address} has ended")
    asked = "ssh could not ask" if done.returncode == SSH_FAILED else f"the look failed ({done.returncode})"
    return Poll.unknown(f"{node.address}: {asked}: {last_words(done)}")


def last_words(done: subprocess.CompletedProcess[str]) -> str:
    """The last line of what a command said, for a message."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def realize_service(
    name: str = "", count: int = 1, index: int = 0, common_options: Mapping[str, Any] | None = None
) -> RemoteServiceScript:
    """Called once for each slot."""
    return X11vncSession(name, count=count, index=index, common_options=common_options)
