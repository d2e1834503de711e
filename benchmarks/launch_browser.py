"""From the press of Start to the first frame in the browser.

What:  Chromium on the picker presses Start for a 1600x1200 desktop (`example_scripts/desktop_session.py`: TigerVNC,
       window manager and terminal); measured until the viewer is connected and every pixel of its canvas is drawn,
       and until there is more than one colour in it. Warm: this browser has seen the viewer page before. Cold: a
       new browser context (empty cache, no cookies) that has logged in and never seen it.
Peer:  Xtigervnc started directly with the same arguments, to its first whole frame, in turns with the browser.
Bars:  warm at most 300 ms over the peer, cold at most 1 s over it (medians, to the first whole frame, as the peer's;
       how long the desktop's own programs take to paint something on it is printed and not judged).
Run:   python -m benchmarks.launch_browser [--rounds 10]; needs tests/requirements.txt and the package
       chromium-headless-shell.

What it prints before, in milliseconds from the press: when the first byte of the viewer page came, when the page had
been read with all its modules, and when noVNC was through its handshake.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks import vnc_server
from benchmarks.browser_page import PATIENCE, open_picker
from benchmarks.figures import Figures, bar, compared
from benchmarks.product import Product, running
from tools.chromium import FLAGS, PROGRAM

SIZE = "1600x1200"
TYPE = "Desktop"
COUNT = 4
# A session that was left ends at once, so that the next launch has the machine for itself.
ENTRY = {"script": "desktop_session.py", "count": COUNT, "options": {"sizes": [SIZE]}, "limits": {"linger": 0}}
MOST_WARM, MOST_COLD = 300.0, 1000.0
"""Milliseconds over the VNC server's own time."""
STEPS = (
    "first byte of the viewer page",
    "page and modules read",
    "noVNC connected",
    "first frame drawn",
    "first frame of more than one colour",
)
DRAWN = 3
"""The step that the bars are about."""

WATCH = """
addEventListener("click", (event) => {
  if (event.target.closest("button[type=submit]")) {
    sessionStorage.setItem("pressed", performance.timeOrigin + performance.now());
  }
}, true);

const small = document.createElement("canvas");
small.width = small.height = 32;
const small2d = small.getContext("2d", { willReadFrequently: true });
const at = {};
let resolve;
window.__launch = new Promise((done) => { resolve = done; });

function pixels() {
  const canvas = document.querySelector("#screen canvas");
  if (!canvas?.width) {
    return [0];
  }
  small2d.clearRect(0, 0, 32, 32);
  small2d.drawImage(canvas, 0, 0, 32, 32);
  return new Uint32Array(small2d.getImageData(0, 0, 32, 32).data.buffer);
}

function look() {
  const now = performance.timeOrigin + performance.now();
  if (window.__viewer?.state === "connected") {
    at.connected ??= now;
    const seen = pixels();
    if (seen.every((pixel) => pixel >>> 24 === 255)) {
      at.drawn ??= now;
    }
    if (at.drawn && !seen.every((pixel) => pixel === seen[0])) {
      const pressed = Number(sessionStorage.getItem("pressed"));
      const [page] = performance.getEntriesByType("navigation");
      resolve([
        performance.timeOrigin + page.responseStart,
        performance.timeOrigin + page.domContentLoadedEventStart,
        at.connected,
        at.drawn,
        now,
      ].map((moment) => moment - pressed));
      return;
    }
  }
  requestAnimationFrame(look);
}
requestAnimationFrame(look);
"""
"""Runs in every page before its own scripts: notes when Start was pressed, and looks at each frame what is drawn."""


def launch(page: Page, product: Product) -> list[float]:
    """Presses Start on the picker; returns when each of `STEPS` was reached, and leaves the session."""
    page.goto("/")
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url("**/sessions/*/")
    # The page's Content-Security-Policy forbids what Playwright's own waiting does; a promise needs no such thing.
    found = [float(moment) for moment in page.evaluate("window.__launch")]
    page.goto("/")
    deadline = time.monotonic() + PATIENCE / 1000
    while product.get("/v1/status")["services"][TYPE]["free"] < COUNT:
        if time.monotonic() > deadline:
            raise TimeoutError("a session that was left did not end")
        time.sleep(0.05)
    return found


def cold_launch(browser: Browser, product: Product) -> list[float]:
    """A launch by somebody who has just logged in for the first time."""
    page = open_picker(browser, product, WATCH)
    try:
        return launch(page, product)
    finally:
        page.context.close()


def report(name: str, launches: list[list[float]], peer: Figures, most: float) -> None:
    """Prints a kind of launch: its steps, how far it is from the peer, whether the bar is met."""
    steps = [
        Figures.of(f"{name}: {step}", "ms", [launch[number] for launch in launches])
        for number, step in enumerate(STEPS)
    ]
    for figures in steps:
        print(figures)
    drawn = steps[DRAWN]
    print(compared(drawn, peer))
    print(bar(f"{name}, over the VNC server's own time", drawn.median - peer.median, "ms", at_most=most))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.launch_browser", description="Start to first frame.")
    parser.add_argument("--rounds", type=int, default=10, help="launches of each kind (default %(default)s)")
    rounds = parser.parse_args(arguments).rounds
    peers, warm, cold = [], [], []
    with running({TYPE: ENTRY}) as product, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=FLAGS)
        vnc_server.launch(SIZE)
        page = open_picker(browser, product, WATCH)
        launch(page, product)
        for _ in range(rounds):
            peers.append(vnc_server.launch(SIZE)[1])
            warm.append(launch(page, product))
            cold.append(cold_launch(browser, product))
        browser.close()
    peer = Figures.of("Xtigervnc alone: exec to whole frame", "ms", peers)
    print(peer)
    report("warm", warm, peer, MOST_WARM)
    report("cold", cold, peer, MOST_COLD)


if __name__ == "__main__":
    main()
