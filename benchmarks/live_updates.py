"""How long a change takes to be seen on a page that is open elsewhere.

What:  two tabs of Chromium show the picker of one user. One starts a session, as its form does; measured from before
       the request is sent until the first frame in which the other tab, told by its websocket, shows the session.
Peer:  the same page loaded anew until it shows the session, in turns with the starts: what somebody waits who presses
       "reload" at just the right moment. It does not hold the start itself, whose time is printed beside it.
Bars:  at most 300 ms for the median, and for that of a stop right after the start was seen; the worst is printed.
Run:   python -m benchmarks.live_updates [--rounds 10] [--gap 2]; needs tests/requirements.txt and the package
       chromium-headless-shell.

An open page is not rendered again right after it was. Each start leaves a gap of more than 1.5 s after the last change
that was seen, so it comes after a quiet moment; what somebody waits who is less lucky is measured by the stop.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from playwright.sync_api import Page, sync_playwright

from benchmarks.browser_page import open_picker
from benchmarks.figures import Figures, bar, compared
from benchmarks.product import running
from tools.chromium import FLAGS, PROGRAM

TYPE = "Test pattern"
SESSIONS = {TYPE: {"script": "test_pattern.py", "count": 4, "options": {}}}
MOST = 300.0
"""Milliseconds."""
LEAST_GAP = 1.5
"""Seconds of quiet that a change needs at least, to be shown at once."""

WATCH = """
const now = () => performance.timeOrigin + performance.now();
const cards = () => [...document.querySelectorAll("#yours [data-session]")];
const lives = (card) => ["Reserved", "Starting", "Running"].includes(card.dataset.state);
const another = (last) => cards().map((card) => card.dataset.session).find((id) => id !== last);

/** When the first frame was there in which `wanted` is true. */
function frame(wanted) {
  return new Promise((resolve) => {
    const look = () => (wanted() ? resolve(now()) : requestAnimationFrame(look));
    requestAnimationFrame(look);
  });
}

async function post(form, action) {
  const began = now();
  const answer = await fetch(action, { method: "POST", body: new FormData(form), redirect: "manual" });
  if (answer.type !== "opaqueredirect") {
    throw new Error(`${action} was answered with ${answer.status}`);
  }
  return [began, now()];
}

window.__bench = {
  start: () => post(document.querySelector("form.launch"), document.querySelector("form.launch").action),
  stop: (id) => post(document.getElementById("stop-form"), document.getElementById(`stop-${id}`).formAction),
  /** `last` is the session before, which may still be ending. */
  watchForStart: (last) => { window.__seen = frame(() => another(last)); },
  watchForStop: (id) => {
    window.__seen = frame(() => !cards().some((card) => card.dataset.session === id && lives(card)));
  },
  another,
};
// Since the navigation began, as all that performance.now() says.
window.__loaded = frame(() => document.body?.dataset.live === "socket").then((at) => at - performance.timeOrigin);
window.__drawn = frame(() => cards().some(lives)).then((at) => at - performance.timeOrigin);
"""
"""Runs in every page before its own scripts. Moments are milliseconds of a clock that all tabs share."""


def change(kind: str, session: str, acting: Page, watching: Page) -> tuple[float, float]:
    """Starts a session after another one, or stops one; returns how long the answer took, and until it was seen."""
    watching.evaluate(f"(id) => window.__bench.watchFor{kind}(id)", session)
    began, answered = acting.evaluate(f"(id) => window.__bench.{kind.lower()}(id)", session)
    seen: float = watching.evaluate("window.__seen")
    return answered - began, seen - began


def reload(page: Page) -> float:
    """Loads a page anew; returns how long it took until it showed a session."""
    page.reload()
    drawn: float = page.evaluate("window.__drawn")
    return drawn


def measure(acting: Page, rounds: int, gap: float) -> None:
    """Opens the other tab, takes turns and prints."""
    watching = acting.context.new_page()
    watching.goto("/")
    watching.evaluate("window.__loaded")
    answered, seen, hurried, loads = [], [], [], []
    session = ""
    for _ in range(rounds):
        time.sleep(gap)
        took, until = change("Start", session, acting, watching)
        answered.append(took)
        seen.append(until)
        session = watching.evaluate("(last) => window.__bench.another(last)", session)
        loads.append(reload(acting))
        hurried.append(change("Stop", session, acting, watching)[1])
    ours = Figures.of("a start, until another page shows it", "ms", seen)
    peer = Figures.of("the page loaded anew", "ms", loads)
    print(Figures.of("a start, until it is answered", "ms", answered))
    print(ours)
    next_one = Figures.of("a stop right after it, likewise", "ms", hurried)
    print(next_one)
    print(peer)
    print(compared(ours, peer))
    print(f"the worst of {rounds}: {max(seen):.1f} ms, right after another {max(hurried):.1f} ms")
    print(bar("a change on another open page", ours.median, "ms", at_most=MOST))
    print(bar("another change right after it", next_one.median, "ms", at_most=MOST))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live_updates", description="A change on another page.")
    parser.add_argument("--rounds", type=int, default=10, help="changes to measure (default %(default)s)")
    parser.add_argument("--gap", type=float, default=2.0, help="seconds of quiet before each (default %(default)s)")
    options = parser.parse_args(arguments)
    if options.gap <= LEAST_GAP:
        parser.error(f"--gap {options.gap:g}: expected more than {LEAST_GAP:g}")
    with running(SESSIONS) as product, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=FLAGS)
        acting = open_picker(browser, product, WATCH)
        acting.evaluate("window.__loaded")
        measure(acting, options.rounds, options.gap)
        browser.close()


if __name__ == "__main__":
    main()
