"""VNC viewers that are not ours, at a session of the real server through a small forwarder."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.integration.live import LiveServer
from tests.integration.test_rfb_against_servers import ended, require, x_server
from tests.waiting import eventually

GREEN = (0, 255, 0)
"""The upper right corner of the test pattern."""
LAST_INPUT = "SELECT last_input_at FROM remote_service_session WHERE id = ?"


def _to_viewer(websocket: ClientConnection, viewer: socket.socket) -> None:
    with suppress(ConnectionClosed, OSError):
        for message in websocket:
            assert isinstance(message, bytes)
            viewer.sendall(message)
    with suppress(OSError):
        viewer.shutdown(socket.SHUT_RDWR)


def _forward(listener: socket.socket, site: LiveServer, session: str) -> None:
    with suppress(OSError):
        while True:
            viewer, _address = listener.accept()
            websocket = site.open_page("alice", session)
            threading.Thread(target=_to_viewer, args=(websocket, viewer), daemon=True).start()
            with viewer, suppress(ConnectionClosed, OSError):
                while data := viewer.recv(65536):
                    websocket.send(data)
            websocket.close()


@contextmanager
def forwarder(site: LiveServer, session: str) -> Iterator[int]:
    """A port at which a session's screen can be had without a websocket, one viewer after the other."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_forward, args=(listener, site, session), daemon=True).start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def session(live: LiveServer) -> str:
    """Alice's test pattern."""
    return live.launch("alice", "Patient")


def last_input(site: LiveServer, session: str) -> object:
    return site.query(LAST_INPUT, session.replace("-", ""))[0][0]


def test_vncdotool_sees_the_screen_and_types(live: LiveServer, session: str, tmp_path: Path) -> None:
    picture = tmp_path / "screen.png"
    with forwarder(live, session) as port:
        command = [sys.executable, "-m", "vncdotool.command", "-s", f"127.0.0.1::{port}"]
        done = subprocess.run(
            [*command, "type", "hello", "capture", str(picture)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with Image.open(picture) as image:
        assert image.convert("RGB").getpixel((image.width - 1, 0)) == GREEN
    eventually(lambda: last_input(live, session) is not None)


def test_tigervncs_viewer_shows_the_screen_and_types(live: LiveServer, session: str) -> None:
    require("xtigervncviewer")
    require("xdotool")
    with x_server(["Xvfb", "-screen", "0", "1024x768x24"]) as display, forwarder(live, session) as port:
        there = {**os.environ, "DISPLAY": display}
        viewer = subprocess.Popen(
            ["xtigervncviewer", "-Shared", f"127.0.0.1::{port}"], env=there, stderr=subprocess.DEVNULL
        )
        with ended(viewer):
            search = ["xdotool", "search", "--sync", "--onlyvisible", "--name", "Patient #"]
            found = subprocess.run(search, env=there, capture_output=True, text=True, timeout=30, check=True)
            window = found.stdout.split()[0]
            assert last_input(live, session) is None
            keys = ["xdotool", "windowfocus", "--sync", window, "key", "a"]

            def typed() -> bool:
                subprocess.run(keys, env=there, timeout=30, check=True)
                return last_input(live, session) is not None

            eventually(typed, within=15)
            assert viewer.poll() is None
