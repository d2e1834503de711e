"""The end of a client under TLS: what the kernel says of it, and that a slow one gets all it was sent."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from remote_service.relay_process import goodbye as module
from remote_service.relay_process.front import Front
from remote_service.relay_process.goodbye import taken_by
from tests.integration.certificates import self_signed
from tests.waiting import eventually

MUCH = 200 * 1024
"""Bytes: more than the kernel takes of both ends, and no more than a tunnel passes on at once."""


@pytest.fixture(params=["TCP", "Unix"])
def ends(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection."""
    if request.param == "Unix":
        here, there = socket.socketpair()
    else:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            there = socket.create_connection(listener.getsockname())
            here, _address = listener.accept()
    with here, there:
        yield here, there


def test_the_kernel_knows_whether_a_client_takes_something(ends: tuple[socket.socket, socket.socket]) -> None:
    here, there = ends
    here.setblocking(False)
    while True:
        try:
            here.send(bytes(65536))
        except BlockingIOError:
            break
    before = taken_by(here)
    assert taken_by(here) == before
    for _ in range(64):
        there.recv(65536, socket.MSG_DONTWAIT)
        if taken_by(here) != before:
            break
    eventually(lambda: taken_by(here) != before)


async def download(folder: Path, *, first: float = 0.0, pause: float = 0.0) -> int:
    """How many bytes a client under TLS gets of an answer whose page process hangs up behind it.

    Args:
        folder: for sockets and certificate.
        first: seconds before the client reads anything.
        pause: seconds between two of its reads.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(bytes(MUCH))
        writer.close()

    cert, key = self_signed(folder)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    listener.bind(("127.0.0.1", 0))
    pages = await asyncio.start_unix_server(answer, folder / "pages.sock")
    front = Front(folder / "pages.sock")
    await front.open(listener, cert, key)
    try:
        return await asyncio.to_thread(read_slowly, listener.getsockname(), first, pause)
    finally:
        front.close()
        pages.close()


def read_slowly(address: tuple[str, int], first: float, pause: float) -> int:
    """What a client gets that takes little at a time."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    got = 0
    with socket.socket() as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.connect(address)
        with context.wrap_socket(plain) as client:
            threading.Event().wait(first)
            try:
                while data := client.recv(16384):
                    got += len(data)
                    threading.Event().wait(pause)
            except (ConnectionError, ssl.SSLError):
                pass
    return got


def test_a_slow_client_gets_all_of_what_it_was_sent_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.2)
    assert uvloop.run(download(tmp_path, pause=0.05)) == MUCH


def test_one_that_takes_nothing_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    assert uvloop.run(download(tmp_path, first=0.5)) < MUCH
