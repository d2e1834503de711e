"""Sessions of the product whose endpoints are played by the process that asks for them."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import NamedTuple

import psutil

from benchmarks.memory import HOST_MODULE
from benchmarks.product import running
from benchmarks.programs import VARIABLES, program_session
from remote_service.tasks import spawn

TYPE = "Stream"
AT_ONCE = 16
"""Connections that are taken over in one go."""

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Sessions(NamedTuple):
    """They run."""

    server: psutil.Process
    addresses: list[str]
    """A websocket's for each session."""
    taker: socket.socket
    """Where their programs hand connections over, see `programs/handing.py`."""


@contextmanager
def sessions(count: int) -> Iterator[Sessions]:
    """The product with so many sessions, none of which ends by itself."""
    name = f"soak-{secrets.token_hex(8)}"
    limits = {"reservation_timeout": None, "linger": None, "reconnect": None}
    entry = program_session("handing.py", name, count=count, stream="raw", limits=limits, on_last_disconnect="keep")
    with socket.socket(socket.AF_UNIX) as taker:
        # In no directory: sessions run as another account.
        taker.bind(f"\0{name}")
        taker.listen(count)
        taker.setblocking(False)
        with running({TYPE: entry}, VARIABLES) as product:
            paths = [product.reserve(TYPE)["websocket"] for _ in range(count)]
            addresses = [f"ws://127.0.0.1:{product.port}{path}" for path in paths]
            yield Sessions(psutil.Process(product.pid), addresses, taker)


@asynccontextmanager
async def played(taker: socket.socket, serve: Serve) -> AsyncIterator[None]:
    """Has a function serve each connection that is handed over, for the time of a block."""
    loop = asyncio.get_running_loop()
    programs: list[socket.socket] = []

    async def play(descriptor: int) -> None:
        await serve(*await asyncio.open_unix_connection(sock=socket.socket(fileno=descriptor)))

    def take(program: socket.socket) -> None:
        data, descriptors, _flags, _address = socket.recv_fds(program, AT_ONCE, AT_ONCE)
        for descriptor in descriptors:
            spawn(play(descriptor), name="endpoint")
        if not data:
            loop.remove_reader(program)

    def accept() -> None:
        program, _address = taker.accept()
        programs.append(program)
        loop.add_reader(program, take, program)

    loop.add_reader(taker, accept)
    try:
        yield
    finally:
        for each in (taker, *programs):
            loop.remove_reader(each)
        for each in programs:
            each.close()


def rss(server: psutil.Process) -> int:
    """Bytes of memory that a server's processes have, without those in which sessions run."""
    children = [child for child in server.children() if HOST_MODULE not in child.cmdline()]
    return sum(process.memory_info().rss for process in (server, *children))
