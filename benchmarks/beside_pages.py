"""What a viewer notices of people who load pages.

What:  round trips of 6 bytes to a session and 50 back, one every 2 ms, while two clients load one page after another;
       with `--workers 2`, where the relay has a process of its own.
Peer:  the same with one process for everything; both take turns, and each is measured alone, too.
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
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from benchmarks.figures import Figures, bar, compared
from benchmarks.product import PROJECT, Product, running
from benchmarks.strangers import SCRIPTS, SESSIONS, TYPE, Viewer, percentile

CLIENTS = 2
MOST_ROUNDS = 20
MOST = 3.0
"""Milliseconds."""
PAGE = "/dashboard/"
MANY = "Reserved"
"""Of these sessions the page has a line each."""
WAYS = {"one process": (), "--workers 2": ("--workers", "2")}


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
    """One way to serve, with a viewer and clients."""

    def __init__(self, arguments: Sequence[str], lines: int, stack: ExitStack) -> None:
        reserved = {"script": "echo_session.py", "count": lines, "options": {}, "limits": {"reservation_timeout": None}}
        sessions = {TYPE: {**SESSIONS[TYPE], "count": MOST_ROUNDS}, MANY: reserved}
        site = running(sessions, {"REMOTE_SERVICE_SCRIPT_DIRS": str(SCRIPTS)}, arguments)
        self.product = stack.enter_context(site)
        for _ in range(lines):
            self.product.reserve(MANY)
        self.loaders = [Loader(self.product, stack) for _ in range(CLIENTS)]
        self.alone: list[list[float]] = []
        self.beside: list[list[float]] = []
        self.pages: list[float] = []

    def measure(self, seconds: float) -> None:
        """One round, by a viewer of its own: one that says nothing while others are measured would be cut off."""
        viewer = Viewer(self.product)
        self.alone.append(viewer.round_trips(seconds))
        with self._loading(seconds):
            self.beside.append(viewer.round_trips(seconds))
        viewer.close()

    @contextmanager
    def _loading(self, seconds: float) -> Iterator[None]:
        for loader in self.loaders:
            loader.begin(seconds)
        yield
        self.pages += [float(loader.answer()) for loader in self.loaders]

    def figures(self, name: str, share: float, found: list[list[float]]) -> Figures:
        """A share of the round trips of each round."""
        return Figures.of(f"p{share * 100:g} of a round trip, {name}", "ms", [percentile(one, share) for one in found])


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
        sites = {name: Site(way, options.lines, stack) for name, way in WAYS.items()}
        for _ in range(options.rounds):
            for site in sites.values():
                site.measure(options.seconds)
    for name, site in sites.items():
        print(Figures.of(f"a page, with {CLIENTS} clients, {name}", "ms", site.pages))
        print(site.figures(f"{name}, alone", 0.99, site.alone))
    for share in (0.5, 0.99):
        peer, ours = (site.figures(f"{name}, beside pages", share, site.beside) for name, site in sites.items())
        print(peer, ours, compared(ours, peer), sep="\n")
    print(bar("p99 of a round trip beside pages", ours.median, "ms", at_most=MOST))


if __name__ == "__main__":
    main()
