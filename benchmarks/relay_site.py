"""The relay with its site around it: a user who has logged in, and a session of theirs that greets its viewers.

Beside it the peer, which relays to the same program and asks nobody whether it may.
"""

from __future__ import annotations

import http.cookiejar
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from benchmarks.product import Product, running
from benchmarks.programs import PROGRAMS, VARIABLES, program_session
from benchmarks.relay_ends import Door, Viewer

TYPE = "Greeting"
GREETING = "greeting.py"
SESSIONS = {TYPE: program_session(GREETING, tcp=True, on_last_disconnect="keep")}
BANNER = b"RFB 003.008\n"
PATIENCE = 20.0
_FORM_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_SESSION = re.compile(r"/sessions/([0-9a-f-]{36})/")


@contextmanager
def site() -> Iterator[tuple[psutil.Process, Door]]:
    """Serves for the time of a block, and gives the process and the way to the session's screen."""
    with running(SESSIONS, VARIABLES) as product:
        door = _launched(product)
        _wait_until_it_greets(door)
        yield psutil.Process(product.pid), door


@contextmanager
def greeting(port: int) -> Iterator[None]:
    """Greets at this port for the time of a block."""
    with subprocess.Popen([sys.executable, str(PROGRAMS / GREETING), str(port)]) as process:
        try:
            yield
        finally:
            process.kill()


def handshake(door: Door) -> None:
    """Opens a websocket, takes the first words of the session, and closes it as a browser does."""
    viewer = Viewer(door)
    viewer.receive(len(BANNER))
    viewer.leave()


def _launched(product: Product) -> Door:
    """Logs in and starts the session, by the forms of the pages."""
    origin, jar = f"http://127.0.0.1:{product.port}", http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(jar))

    def post(path: str, form: str, **fields: str) -> str:
        with browser.open(f"{origin}{form}", timeout=PATIENCE) as page:
            token = _FORM_TOKEN.search(page.read().decode())
        assert token, f"there is no form at {form}"
        data = urllib.parse.urlencode({"csrfmiddlewaretoken": token[1], **fields}).encode()
        headers = {"Origin": origin, "Referer": f"{origin}{form}"}
        with browser.open(urllib.request.Request(f"{origin}{path}", data, headers), timeout=PATIENCE) as page:
            return str(page.url)

    post("/login/", "/login/", username=product.user, password=product.password)
    session = _SESSION.search(post("/launch/", "/", type=TYPE))
    assert session, "the session was not launched"
    cookie = "; ".join(f"{one.name}={one.value}" for one in jar)
    return Door(product.port, f"/sessions/{session[1]}/websockify", (f"Origin: {origin}", f"Cookie: {cookie}"))


def _wait_until_it_greets(door: Door) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            handshake(door)
            return
        except (OSError, EOFError, RuntimeError):
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)
