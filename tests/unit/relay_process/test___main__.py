"""The relay's process itself: without Django, ready when it says so, and ended by SIGTERM or with its keeper."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from remote_service.monitoring.siblings import ask
from tests.unit.docs.pages import ROOT

FOREIGN = ("django", "channels", "uvicorn", "asgiref")
SHOWS_MODULES = """
import sys
import remote_service.relay_process.__main__
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_it_loads_neither_django_nor_the_web_server() -> None:
    shown = subprocess.run([sys.executable, "-c", SHOWS_MODULES], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(shown.stdout.split())
    assert {"remote_service", "uvloop"} <= loaded
    assert loaded.isdisjoint(FOREIGN)


class Relay:
    """The process, and its keeper's ends of two pipes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        hears, says = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "remote_service.relay_process"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[says],
        )
        os.close(says)
        self.keeper = os.fdopen(hears, "rb", 0)
        order = {name: str(folder / name) for name in ("handovers", "figures")}
        self.tell(
            json.dumps(
                {**order, "offices": [str(folder / "office")], "logging": {"version": 1}, "tls": None, "ready_at": says}
            ).encode()
            + b"\n"
        )

    def tell(self, what: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(what)
        self.process.stdin.flush()

    def is_ready(self) -> None:
        assert self.keeper.read(1) == b"\n"

    def ended(self) -> tuple[int, bytes]:
        """Its exit status, and what it complained of."""
        assert self.process.stderr is not None
        return self.process.wait(10), self.process.stderr.read()

    def clean_up(self) -> None:
        self.process.kill()
        self.process.wait()
        for each in (self.keeper, self.process.stdin, self.process.stderr):
            assert each is not None
            each.close()


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    made = Relay(tmp_path)
    yield made
    made.clean_up()


def test_when_it_is_ready_it_takes_websockets_and_tells_its_figures(relay: Relay) -> None:
    relay.is_ready()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as giver:
        giver.connect(str(relay.folder / "handovers"))
    told = ask(relay.folder / "figures")
    assert told is not None
    assert "remote_session_viewers 0.0\n" in told


def test_sigterm_ends_it(relay: Relay) -> None:
    relay.is_ready()
    relay.process.send_signal(signal.SIGTERM)
    assert relay.ended() == (0, b"")


def test_so_does_the_end_of_its_keeper(relay: Relay) -> None:
    relay.is_ready()
    assert relay.process.stdin is not None
    relay.process.stdin.close()
    assert relay.ended() == (0, b"")
