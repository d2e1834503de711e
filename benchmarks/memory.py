"""What fifty sessions cost in memory.

What:  one script host and its 50 sessions of `example_scripts/test_pattern.py`, each with its runner and its worker,
       all started and listening: the sum of PSS (`/proc/PID/smaps_rollup`, proc(5): shared pages are counted in
       parts, so the sum is what would be free without them).
Peers: 50 interpreters that do nothing (the least that a process of its own for each session could cost), and 50
       that have each imported the same script (what starting each session afresh, instead of forking, would cost).
Bar:   less than 500 MB for the script host and its 50 sessions.
Run:   python -m benchmarks.memory [--sessions 50]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
from websockets.sync.client import connect

from benchmarks.figures import Figures, bar, compared
from benchmarks.product import PROJECT, Product, inherited, running

TYPE = "Test pattern"
MOST = 500.0
"""MB (of 1 000 000 bytes) for the script host and all its sessions."""
# A session stays when its viewer has left, so that 50 can be started one after the other and measured at rest.
ENTRY = {"script": "test_pattern.py", "count": 60, "options": {"sizes": ["1280x800"]}, "on_last_disconnect": "keep"}
HOST_MODULE = "remote_service.hosting.script_host"


def pss(pid: int) -> float:
    """A process's proportional set size in MB; 0 when it has just gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("Pss:")), 0.0)


def script_host_of(server: int) -> psutil.Process:
    """The server's only script host.

    Raises:
        RuntimeError: there is none, or more than one.
    """
    found = [child for child in psutil.Process(server).children() if HOST_MODULE in child.cmdline()]
    if len(found) != 1:
        raise RuntimeError(f"the server has {len(found)} script hosts; expected 1")
    return found[0]


def start_sessions(product: Product, count: int) -> None:
    """Starts so many sessions and leaves them running without a viewer."""
    for _ in range(count):
        reservation = product.reserve(TYPE)
        with connect(f"ws://127.0.0.1:{product.port}{reservation['websocket']}", compression=None) as websocket:
            banner = websocket.recv(decode=False)
            if not banner.startswith(b"RFB "):
                raise RuntimeError(f"a session answered {banner[:12]!r}; expected the RFB banner")


@contextmanager
def interpreters(count: int, program: str, *, folder: Path) -> Iterator[list[int]]:
    """So many fresh interpreters that have run `program` and wait; gives their pids."""
    waiting = f"{program}\nprint('ready', flush=True)\ninput()"
    with ExitStack() as stack:
        started = []
        for _ in range(count):
            process = subprocess.Popen(
                [sys.executable, "-c", waiting],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder,
                env={**inherited(), "PYTHONPATH": str(PROJECT)},
            )  # fmt: skip
            stack.enter_context(process)
            stack.callback(process.kill)
            started.append(process)
        for process in started:
            assert process.stdout is not None
            if process.stdout.readline() != b"ready\n":
                raise RuntimeError("an interpreter of the peer did not start")
        yield [process.pid for process in started]


def of(what: str, pids: Iterable[int]) -> Figures:
    """The PSS of each process."""
    return Figures.of(what, "MB", [pss(pid) for pid in pids])


def total(what: str, pids: Iterable[int]) -> Figures:
    """The PSS of all processes together."""
    return Figures.of(what, "MB", [sum(map(pss, pids))])


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description="Memory of many sessions.")
    parser.add_argument("--sessions", type=int, default=50, help="how many (at most 60, default %(default)s)")
    count = parser.parse_args(arguments).sessions
    scripts = PROJECT / "example_scripts"
    with interpreters(count, "", folder=scripts) as pids:
        bare = total(f"{count} interpreters that do nothing", pids)
    with interpreters(count, "import test_pattern", folder=scripts) as pids:
        fresh = total(f"{count} interpreters with the script imported", pids)
    with running({TYPE: ENTRY}) as product:
        start_sessions(product, count)
        host = script_host_of(product.pid)
        everything = [host, *host.children(recursive=True)]
        if len(everything) != 2 * count + 1:
            raise RuntimeError(f"found {len(everything)} processes; expected a host, {count} runners, {count} workers")
        runners = [runner.pid for runner in host.children()]
        workers = [worker.pid for runner in runners for worker in psutil.Process(runner).children()]
        ours = total(f"script host and {count} sessions", [process.pid for process in everything])
        print(of("the script host", [host.pid]))
        print(of("a runner", runners))
        print(of("a worker, in which the script runs", workers))
        print(of("the server beside them", [product.pid]))
    for figures in (ours, bare, fresh):
        print(figures)
    print(compared(ours, bare))
    print(compared(ours, fresh))
    print(bar(f"script host and {count} sessions", ours.median, "MB", at_most=MOST))


if __name__ == "__main__":
    main()
