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
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.figures import Figures, bar, compared
from benchmarks.product import PROJECT, running
from benchmarks.programs import VARIABLES, program_session
from benchmarks.relays import allow_many_files
from benchmarks.round_trips import Viewer, percentile

TYPE = "Echo"
SESSIONS = {TYPE: program_session("echo.py", stream="raw")}
MOST = 20.0
"""Milliseconds."""
AT_ONCE = 200
"""Strangers that connect at the same time."""

HEAD = "Host: 127.0.0.1:{port}\r\n"
KINDS = (
    "",
    "GET /login/ HTTP/1.1\r\n" + HEAD + "X-Slow: ",
    "POST /login/ HTTP/1.1\r\n" + HEAD + "Content-Length: 100\r\n\r\nusername=",
    "GET /healthz HTTP/1.1\r\n" + HEAD + "\r\n",
)


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
    allow_many_files()
    if options.port:
        asyncio.run(strangers(options.port, options.strangers))
        return
    alone: list[list[float]] = []
    crowded: list[list[float]] = []
    again: list[float] = []
    with running(SESSIONS, VARIABLES) as product:
        viewer = Viewer(product, TYPE)
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
