"""What a viewer notices of people who load pages.

What:  round trips of 6 bytes to a session and 50 back, one every 2 ms, while two clients load one page after another;
       with `--workers 2`, where the relay has a process of its own.
Peers: the same with one process for everything; and, beside the pages of the site with `--workers 2`, the same over
       plain TCP without any relay: what two bare processes wait for each other on this machine. All take turns, and
       each is measured alone, too.
Bar:   p99 at most 3 ms beside pages that cost some 30 ms.
Run:   python -m benchmarks.beside_pages [--seconds 20] [--rounds 3] [--lines 40]
"""

from __future__ import annotations

import argparse
import http.cookiejar
import json
import os
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from benchmarks.figures import Figures, bar, compared
from benchmarks.product import PROJECT, Product, free_port, running
from benchmarks.programs import PROGRAMS, VARIABLES, program_session
from benchmarks.relays import wait_for
from benchmarks.round_trips import Line, Viewer, percentile

CLIENTS = 2
MOST_ROUNDS = 20
MOST = 3.0
"""Milliseconds."""
PAGE = "/dashboard/"
MANY = "Reserved"
"""Of these sessions the page has a line each."""
TYPE = "Echo"
ECHO = "echo.py"


def load(port: int) -> None:
    """Loads one page after another until the standard input ends; reads name and password there, says how it goes."""
    # Elsewhere clients have processors of their own.
    os.nice(15)
    user, password = json.loads(sys.stdin.readline())
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    login = f"http://127.0.0.1:{port}/login/"
    with browser.open(login) as page:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.read().decode())
    assert token, "there is no form to log in with"
    fields = {"csrfmiddlewaretoken": token[1], "username": user, "password": password}
    browser.open(urllib.request.Request(login, urllib.parse.urlencode(fields).encode(), {"Referer": login})).close()
    print("logged in", flush=True)
    while sys.stdin.readline() == "load\n":
        took = []
        until = time.monotonic() + float(sys.stdin.readline())
        while time.monotonic() < until:
            began = time.perf_counter()
            with browser.open(f"http://127.0.0.1:{port}{PAGE}") as page:
                page.read()
            took.append(1000 * (time.perf_counter() - began))
        print(sum(took) / len(took), flush=True)


class Loader:
    """A client, as a process of its own."""

    def __init__(self, product: Product, stack: ExitStack) -> None:
        command = [sys.executable, "-m", "benchmarks.beside_pages", "--load", str(product.port)]
        self._process = stack.enter_context(
            subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        self._say(json.dumps([product.user, product.password]))
        if self.answer() != "logged in":
            raise RuntimeError("a client could not log in")

    def _say(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def begin(self, seconds: float) -> None:
        """Loads pages for so long."""
        self._say(f"load\n{seconds}")

    def answer(self) -> str:
        """Its next line."""
        assert self._process.stdout
        return self._process.stdout.readline().strip()


class Site:
    """One way to serve, with clients."""

    def __init__(self, arguments: Sequence[str], lines: int, stack: ExitStack) -> None:
        sessions = {
            TYPE: program_session(ECHO, count=MOST_ROUNDS, stream="raw"),
            MANY: program_session(ECHO, count=lines, limits={"reservation_timeout": None}),
        }
        self.product = stack.enter_context(running(sessions, VARIABLES, arguments))
        for _ in range(lines):
            self.product.reserve(MANY)
        self._loaders = [Loader(self.product, stack) for _ in range(CLIENTS)]
        self.pages: list[float] = []

    def viewer(self) -> Line:
        """Comes to a session of its own."""
        return Viewer(self.product, TYPE)

    @contextmanager
    def loading(self, seconds: float) -> Iterator[None]:
        """Clients load pages for so long."""
        for loader in self._loaders:
            loader.begin(seconds)
        yield
        self.pages += [float(loader.answer()) for loader in self._loaders]


@dataclass(slots=True)
class Way:
    """One way to the other end, beside the pages of one site."""

    name: str
    site: Site
    line: Callable[[], Line]
    alone: list[list[float]] = field(default_factory=list)
    beside: list[list[float]] = field(default_factory=list)

    def measure(self, seconds: float) -> None:
        """One round, by a line of its own: one that says nothing while others are measured would be cut off."""
        line = self.line()
        self.alone.append(line.round_trips(seconds))
        with self.site.loading(seconds):
            self.beside.append(line.round_trips(seconds))
        line.close()

    def figures(self, where: str, share: float, found: list[list[float]]) -> Figures:
        """A share of the round trips of each round."""
        what = f"p{share * 100:g} of a round trip, {self.name}, {where}"
        return Figures.of(what, "ms", [percentile(one, share) for one in found])


@contextmanager
def echoing() -> Iterator[Callable[[], Line]]:
    """A bare process that answers, for the time of a block; gives what connects to it."""
    port = free_port()
    with subprocess.Popen([sys.executable, str(PROGRAMS / ECHO), str(port)]) as process:
        try:
            wait_for(ECHO, process, port)
            yield lambda: Line(port)
        finally:
            process.kill()


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.beside_pages", description="A viewer beside pages.")
    parser.add_argument("--seconds", type=float, default=20.0, help="a round's length (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each kind (default %(default)s)")
    parser.add_argument("--lines", type=int, default=40, help="of the page (default %(default)s)")
    parser.add_argument("--load", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.load:
        load(options.load)
        return
    with ExitStack() as stack:
        single, several = Site((), options.lines, stack), Site(("--workers", "2"), options.lines, stack)
        peer = Way("one process", single, single.viewer)
        ours = Way("--workers 2", several, several.viewer)
        bare = Way("no relay", several, stack.enter_context(echoing()))
        ways = (peer, ours, bare)
        for _ in range(options.rounds):
            for way in ways:
                way.measure(options.seconds)
    for way in (peer, ours):
        print(Figures.of(f"a page, with {CLIENTS} clients, {way.name}", "ms", way.site.pages))
    for share in (0.5, 0.99):
        for way in ways:
            print(way.figures("alone", share, way.alone))
        beside = {way.name: way.figures("beside pages", share, way.beside) for way in ways}
        print(*beside.values(), sep="\n")
        print(*(compared(beside[ours.name], beside[other.name]) for other in (peer, bare)), sep="\n")
    print(bar("p99 of a round trip beside pages", beside[ours.name].median, "ms", at_most=MOST))


if __name__ == "__main__":
    main()
