"""What a viewer notices of thousands of connections of people who have not logged in.

What:  round trips of 6 bytes to a session and 50 back, one every 2 ms, by a viewer, while strangers hold connections to
       the same server: a quarter says nothing, a quarter sends half of its headers, a quarter half of a form, and a
       quarter keeps a connection after a request. Whoever is sent away comes again at once.
Peer:  the same viewer alone, in turns.
Bar:   p99 at most 20 ms beside 5000 strangers.
Run:   python -m benchmarks.strangers [--strangers 5000] [--seconds 25] [--rounds 3]

The strangers are one other process. The server may have as many open files as the shell's hard limit allows; when that
is too few for all of them, it sends some away, which the count of those that came again shows.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figures import Figures, bar, compared
from benchmarks.product import PROJECT, Product, running

TYPE = "Echo"
SESSIONS = {TYPE: {"script": "echo_session.py", "count": 1, "options": {}, "stream": "raw"}}
SCRIPTS = Path(__file__).with_name("scripts")
MOST = 20.0
"""Milliseconds."""
PACE = 0.002
MOST_FILES = 65536
AT_ONCE = 200
"""Strangers that connect at the same time."""
PATIENCE = 60.0

HEAD = "Host: 127.0.0.1:{port}\r\n"
KINDS = (
    "",
    "GET /login/ HTTP/1.1\r\n" + HEAD + "X-Slow: ",
    "POST /login/ HTTP/1.1\r\n" + HEAD + "Content-Length: 100\r\n\r\nusername=",
    "GET /healthz HTTP/1.1\r\n" + HEAD + "\r\n",
)


class Viewer:
    """A websocket by hand: a library's threads or tasks would be measured too."""

    def __init__(self, product: Product) -> None:
        path = product.reserve(TYPE)["websocket"]
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket = socket.create_connection(("127.0.0.1", product.port), timeout=PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{product.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._socket.recv(4096)
        if b" 101 " not in answer.splitlines()[0]:
            raise RuntimeError(f"the viewer was refused: {answer!r}")
        self.round_trip()

    def round_trip(self) -> float:
        """Milliseconds."""
        began = time.perf_counter()
        self._socket.sendall(b"\x82\x86\0\0\0\0pointr")  # one masked binary frame (RFC 6455 section 5.2)
        left = 2 + 50
        while left:
            heard = self._socket.recv(left)
            if not heard or heard[:1] == b"\x88":  # a close frame
                raise RuntimeError(f"the viewer's line was cut: {heard!r}")
            if heard[:1] == b"\x89" and left == 52:  # a ping of four bytes came first
                heard = heard[6:]
            left -= len(heard)
        return (time.perf_counter() - began) * 1000

    def close(self) -> None:
        """Leaves, without a goodbye."""
        self._socket.close()

    def round_trips(self, seconds: float) -> list[float]:
        """One every 2 ms."""
        found, until = [], time.monotonic() + seconds
        while time.monotonic() < until:
            found.append(self.round_trip())
            time.sleep(PACE)
        return found


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of all lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


# ---- the strangers, in a process of their own ------------------------------------------------------------


async def _stranger(port: int, kind: str, ready: asyncio.Semaphore, came: list[int]) -> None:
    while True:
        try:
            async with ready:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                came[0] += 1
                writer.write(kind.format(port=port).encode())
        except OSError:
            await asyncio.sleep(0.1)
            continue
        try:
            while await reader.read(65536):
                pass
        except OSError:
            pass
        writer.close()


async def strangers(port: int, count: int) -> None:
    """Says when all have come; on a line of the standard input, how many came again, and ends."""
    ready, came = asyncio.Semaphore(AT_ONCE), [0]
    tasks = [asyncio.get_running_loop().create_task(_stranger(port, KINDS[n % len(KINDS)], ready, came))
             for n in range(count)]  # fmt: skip
    while came[0] < count:
        await asyncio.sleep(0.05)
    print("all came", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    print(came[0] - count, flush=True)
    for task in tasks:
        task.cancel()


@contextmanager
def beside(port: int, count: int) -> Iterator[list[int]]:
    """Strangers for the time of a block; afterwards the list holds how often one of them came again."""
    again: list[int] = []
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.strangers", "--port", str(port), "--strangers", str(count)],
        cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin and process.stdout
        if process.stdout.readline() != "all came\n":
            raise RuntimeError("the strangers did not come")
        yield again
        process.stdin.write("\n")
        process.stdin.flush()
        again.append(int(process.stdout.readline()))


# ---- the measurement -------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.strangers", description="A viewer beside strangers.")
    parser.add_argument("--strangers", type=int, default=5000, help="connections (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=25.0, help="a round's length (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each kind (default %(default)s)")
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, MOST_FILES), hard))
    if options.port:
        asyncio.run(strangers(options.port, options.strangers))
        return
    alone: list[list[float]] = []
    crowded: list[list[float]] = []
    again: list[float] = []
    with running(SESSIONS, {"REMOTE_SERVICE_SCRIPT_DIRS": str(SCRIPTS)}) as product:
        viewer = Viewer(product)
        for _ in range(options.rounds):
            alone.append(viewer.round_trips(options.seconds))
            with beside(product.port, options.strangers) as came_again:
                crowded.append(viewer.round_trips(options.seconds))
            again += came_again
    names = ("alone", f"beside {options.strangers} strangers")
    for share in (0.5, 0.99):
        peer, ours = (
            Figures.of(f"p{share * 100:g} of a round trip, {name}", "ms", [percentile(one, share) for one in found])
            for name, found in zip(names, (alone, crowded), strict=True)
        )
        print(peer, ours, compared(ours, peer), sep="\n")
    print(Figures.of("strangers that came again in a round", "", again))
    print(bar("p99 of a viewer's round trip beside strangers", max(ours.values), "ms", at_most=MOST))


if __name__ == "__main__":
    main()
