"""How many slots can be reserved and released a second over HTTP.

What:  `GET /v1/reserve/{type}` and `GET /v1/release/{token}` in turn, by one client and by four at once, each on a
       connection that it keeps. Nothing starts: a reservation starts no program.
Peer:  `GET /v1/status` on the same server (Django and the database, nothing written), and a bare ASGI application
       under uvicorn with the same settings (what HTTP itself costs here).
Bar:   at least 50 cycles a second with one client.
Run:   python -m benchmarks.reservations [--seconds 2] [--rounds 5]
"""

from __future__ import annotations

import argparse
import http.client
import json
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from benchmarks.figures import Figures, bar, compared
from benchmarks.product import PROJECT, Product, free_port, running

TYPE = "Test pattern"
CLIENTS = 4
LEAST = 50.0
"""Cycles a second."""
SESSIONS = {TYPE: {"script": "test_pattern.py", "count": CLIENTS, "options": {}}}
PATIENCE = 10.0


class Client:
    """One connection that is kept."""

    def __init__(self, port: int, token: str = "") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path: str) -> bytes:
        """The answer's body.

        Raises:
            RuntimeError: it was not 200.
        """
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"GET {path} was answered with {answer.status}: {body[:500].decode(errors='replace')}")
        return body

    def cycle(self) -> None:
        """Reserves and releases."""
        token = json.loads(self.get(f"/v1/reserve/{urllib.parse.quote(TYPE)}"))["token"]
        self.get(f"/v1/release/{token}")


def rate(works: Sequence[Callable[[], object]], seconds: float) -> float:
    """How often a second the works were done, each in a thread of its own over and over."""
    end = time.monotonic() + seconds

    def repeat(work: Callable[[], object]) -> int:
        done = 0
        while time.monotonic() < end:
            work()
            done += 1
        return done

    began = time.monotonic()
    with ThreadPoolExecutor(len(works)) as threads:
        total = sum(threads.map(repeat, works))
    return total / (time.monotonic() - began)


@contextmanager
def bare_server() -> Iterator[int]:
    """uvicorn with an application that only says hello; gives its port."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "--port", str(port), "--loop", "uvloop", "--http", "httptools",
         "--lifespan", "off", "--no-access-log", "--log-level", "critical", "benchmarks.hello:application"],
        cwd=PROJECT, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                Client(port).get("/")
                break
            except ConnectionRefusedError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait()


def measure(product: Product, hello_port: int, seconds: float, rounds: int) -> list[Figures]:
    """All rates, taken in turns: one client's cycles, four clients' cycles, the status, the bare server."""

    def cycle() -> Callable[[], object]:
        return Client(product.port, product.token).cycle

    def get(port: int, token: str, path: str) -> Callable[[], object]:
        client = Client(port, token)
        return lambda: client.get(path)

    def works() -> list[list[Callable[[], object]]]:
        # New clients for each round: servers hang up on those that are silent for some seconds.
        return [
            [cycle()],
            [cycle() for _ in range(CLIENTS)],
            [get(product.port, product.token, "/v1/status")],
            [get(hello_port, "", "/")],
        ]

    for kind in works():
        rate(kind, min(seconds, 0.5))
    names = (
        "reserve and release, 1 client",
        f"reserve and release, {CLIENTS} clients",
        "GET /v1/status, 1 client",
        "bare uvicorn, 1 client",
    )
    rates: list[list[float]] = [[] for _ in names]
    for _ in range(rounds):
        for found, kind in zip(rates, works(), strict=True):
            found.append(rate(kind, seconds))
    return [Figures.of(name, "/s", found) for name, found in zip(names, rates, strict=True)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reservations", description="Reservations a second.")
    parser.add_argument("--seconds", type=float, default=2.0, help="a round's length (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each kind (default %(default)s)")
    options = parser.parse_args(arguments)
    with bare_server() as hello_port, running(SESSIONS) as product:
        one, four, status, hello = measure(product, hello_port, options.seconds, options.rounds)
    for figures in (one, four, status, hello):
        print(figures)
    print(compared(one, status))
    print(compared(one, hello))
    print(bar("reserve/release cycles, 1 client", one.median, "/s", at_least=LEAST))


if __name__ == "__main__":
    main()
