"""What relaying costs: CPU time, waiting and memory, with the viewer and the VNC server played by this benchmark.

What:  the relay without a site around it (`tests.integration.bare_relay`), in both tiers: bulk in either direction,
       round trips of a pointer event, the same beside a load, many small streams, memory of streams, and what piles up
       when one side reads nothing. And the handshake with a site around it: `manage.py serve`, the cookie of a user who
       has logged in, a session of theirs.
Peer:  websockify 0.13 with numpy, which is installed into a folder that is thrown away; all take turns.
Bars:  ratios to websockify: see `ROWS`. What depends on RFB itself is not measured here; strangers and pages beside the
       relay have benchmarks of their own.
Run:   python -m benchmarks.relay [--rounds 3] [--megabytes 500] [--seconds 10] [--streams 500] [--trips 2000]
       [--handshakes 200]
"""

from __future__ import annotations

import argparse
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.figures import Figures, bar, compared
from benchmarks.relay_ends import POINTER_EVENT, REPLY, Act, Door, Order, Viewer, crowd, drain, endpoints, framed
from benchmarks.relay_site import greeting, handshake, site
from benchmarks.relay_soak import relay, wait_for

PEER = ("websockify==0.13.0", "numpy")
FRAME = 16 * 1024
"""Bytes of a frame that a viewer sends in bulk."""
LOAD = (20, 8 * 1024, 60)
"""Viewers, bytes of an update, updates a second."""
SMALL, SMALL_RATE = 1024, 4
PACE = 0.002
SETTLED = 1.5
"""Seconds after which all that handshakes cause has been done."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A relay that runs."""

    name: str
    process: psutil.Process
    port: int
    door: Door | None = None
    """The way to a session that greets, of one that has a site around it."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    bytes: int
    seconds: float
    streams: int
    trips: int
    handshakes: int


# ---- what a process costs ------------------------------------------------------------------------------------


def tree(subject: Subject) -> list[psutil.Process]:
    """The relay's processes: websockify forks one for each viewer. A site's children are its scripts and sessions."""
    if subject.door is not None:
        return [subject.process]
    return [subject.process, *subject.process.children(recursive=True)]


def cpu(subject: Subject) -> float:
    """Seconds of CPU time so far: of living threads to the nanosecond (schedstat), of ended children by ticks."""
    spent = 0.0
    for process in tree(subject):
        with suppress(OSError, psutil.NoSuchProcess):
            times = process.cpu_times()
            spent += times.children_user + times.children_system
            for task in Path(f"/proc/{process.pid}/task").iterdir():
                spent += int((task / "schedstat").read_text().split()[0]) / 1e9
    return spent


def memory(subject: Subject) -> float:
    """KiB (PSS: what is shared is counted in parts) without files, whose parts depend on what else the machine runs."""
    found = 0
    for process in tree(subject):
        with suppress(OSError):
            lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
            found += next(int(line.split()[1]) for line in lines if line.startswith("Pss_Anon:"))
    return float(found)


# ---- the measurements ----------------------------------------------------------------------------------------


def down(subject: Subject, size: Size) -> float:
    """CPU seconds a GB (1e9 bytes) from the endpoint to the viewer."""
    before = cpu(subject)
    viewer = Viewer(subject.port, Order(Act.SOURCE, size.bytes))
    viewer.receive(size.bytes)
    spent = cpu(subject) - before
    viewer.close()
    return spent / size.bytes * 1e9


def up(subject: Subject, size: Size) -> float:
    """CPU seconds a GB from the viewer to the endpoint, in frames of 16 KiB."""
    count = -(-size.bytes // FRAME)
    frame = framed(bytes(FRAME))
    before = cpu(subject)
    viewer = Viewer(subject.port, Order(Act.SINK, count * FRAME))
    for _ in range(count):
        viewer.socket.sendall(frame)
    viewer.receive(len(REPLY))
    spent = cpu(subject) - before
    viewer.close()
    return spent / (count * FRAME) * 1e9


def _round_trip(viewer: Viewer) -> float:
    began = time.perf_counter()
    viewer.send(POINTER_EVENT)
    viewer.receive(len(REPLY))
    return (time.perf_counter() - began) * 1000


def pointer(subject: Subject, size: Size) -> float:
    """CPU microseconds of a pointer event and its answer."""
    viewer = Viewer(subject.port, Order(Act.ECHO))
    _round_trip(viewer)
    before = cpu(subject)
    for _ in range(size.trips):
        _round_trip(viewer)
    spent = cpu(subject) - before
    viewer.close()
    return spent / size.trips * 1e6


def beside_load(subject: Subject, size: Size) -> float:
    """Milliseconds: p99 of a round trip beside other viewers."""
    with crowd(subject.port, *LOAD):
        viewer = Viewer(subject.port, Order(Act.ECHO))
        _round_trip(viewer)
        trips = []
        for _ in range(size.trips):
            trips.append(_round_trip(viewer))
            time.sleep(PACE)
        viewer.close()
    return sorted(trips)[int(len(trips) * 0.99)]


def small(subject: Subject, size: Size) -> float:
    """CPU microseconds of a message of 1 KiB, with many streams at once."""
    viewers = [Viewer(subject.port, Order(Act.BEAT, SMALL, SMALL_RATE)) for _ in range(size.streams)]
    drain(viewers, 1.0)
    before, began = cpu(subject), time.monotonic()
    drain(viewers, size.seconds)
    messages = size.streams * SMALL_RATE * (time.monotonic() - began)
    spent = cpu(subject) - before
    for viewer in viewers:
        viewer.close()
    return spent / messages * 1e6


def a_stream(subject: Subject, size: Size) -> float:
    """KiB of memory that an open stream takes."""
    before = memory(subject)
    viewers = [Viewer(subject.port, Order(Act.BEAT, SMALL, SMALL_RATE)) for _ in range(size.streams)]
    drain(viewers, 1.0)
    grown = memory(subject) - before
    for viewer in viewers:
        viewer.close()
    return grown / size.streams


def deaf_viewer(subject: Subject, size: Size) -> float:
    """KiB by which the relay grows while a viewer reads nothing and the endpoint sends all it can."""
    before = memory(subject)
    viewer = Viewer(subject.port, Order(Act.FLOOD))
    time.sleep(size.seconds)
    grown = memory(subject) - before
    viewer.close()
    return grown


def deaf_endpoint(subject: Subject, size: Size) -> float:
    """KiB by which the relay grows while an endpoint reads nothing and the viewer sends all it can."""
    before = memory(subject)
    viewer = Viewer(subject.port, Order(Act.SILENT))
    frame, until = framed(bytes(FRAME)), time.monotonic() + size.seconds
    viewer.socket.settimeout(0.2)
    rest = b""
    while time.monotonic() < until:
        rest = rest or frame
        with suppress(TimeoutError):
            rest = rest[viewer.socket.send(rest) :]
    grown = memory(subject) - before
    viewer.close()
    return grown


def handshakes(subject: Subject, size: Size) -> float:
    """CPU milliseconds of a websocket: opened, its session's first words received, closed; one after the other."""
    door = subject.door or Door(subject.port)
    before = cpu(subject)
    for _ in range(size.handshakes):
        handshake(door)
    time.sleep(SETTLED)
    return (cpu(subject) - before) / size.handshakes * 1e3


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    unit: str
    measure: Callable[[Subject, Size], float]
    most: dict[str, float]
    """By tier: per cent of what websockify takes; or so much, whatever websockify takes."""
    absolute: bool = False
    greets: bool = False
    """Whether the endpoint speaks first, as a VNC server does, instead of doing what it is ordered."""


ROWS = (
    Row("CPU of a GB to the viewer", "s", down, {"takeover": 60, "portable": 90}),
    Row("CPU of a GB from the viewer", "s", up, {"takeover": 25, "portable": 50}),
    Row("CPU of a pointer event and its answer", "µs", pointer, {"takeover": 75}),
    Row("p99 of a round trip beside 20 streams", "ms", beside_load, {"takeover": 150}),
    Row("CPU of 1 KiB with many streams", "µs", small, {"takeover": 30}),
    Row("memory of an open stream", "KiB", a_stream, {"takeover": 40}, absolute=True),
    Row("growth while the viewer reads nothing", "KiB", deaf_viewer, {"takeover": 1024}, absolute=True),
    Row("growth while the endpoint reads nothing", "KiB", deaf_endpoint, {"takeover": 1024}, absolute=True),
    Row("CPU of a handshake", "ms", handshakes, {"site": 2.5}, absolute=True, greets=True),
)


# ---- the relays ----------------------------------------------------------------------------------------------


def install_peer(folder: Path) -> None:
    """Installs websockify there."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin/python", "-m", "pip", "install", "--quiet", "--quiet", *PEER], check=True)


@contextmanager
def websockify(folder: Path) -> Iterator[tuple[psutil.Process, int, int]]:
    """Runs the peer: its process, its port, and the port of its only endpoint."""
    ports = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            ports.append(int(probe.getsockname()[1]))
    command = [str(folder / "bin/websockify"), f"127.0.0.1:{ports[0]}", f"127.0.0.1:{ports[1]}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for("websockify", process, ports[0])
            yield psutil.Process(process.pid), ports[0], ports[1]
        finally:
            process.terminate()


@contextmanager
def served(name: str, folder: Path, *, greets: bool = False) -> Iterator[Subject]:
    """A relay and its endpoints for the time of a block."""
    if name == "site":
        with site() as (process, door):
            yield Subject(name, process, door.port, door)
        return
    started = websockify(folder) if name == "websockify" else relay(name, "uvloop", False)
    with started as (process, port, endpoint), greeting(endpoint) if greets else endpoints(endpoint):
        yield Subject(name, process, port)


def judged(row: Row, found: dict[str, Figures]) -> list[str]:
    """What is printed of a row: the figures, the ratios, and whether the bars are met."""
    peer = found["websockify"]
    lines = [str(figures) for figures in found.values()]
    for tier, most in row.most.items():
        ours = found[tier]
        lines.append(compared(ours, peer))
        if row.absolute:
            lines.append(bar(ours.what, ours.median, row.unit, at_most=most))
        else:
            lines.append(bar(f"{ours.what}, of websockify's", 100 * ours.median / peer.median, "%", at_most=most))
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.relay", description="What relaying costs.")
    parser.add_argument("--rounds", type=int, default=3, help="of each measurement (default %(default)s)")
    parser.add_argument("--megabytes", type=int, default=500, help="of a bulk stream (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of a stall, or of many streams")
    parser.add_argument("--streams", type=int, default=500, help="at once (default %(default)s)")
    parser.add_argument("--trips", type=int, default=2000, help="round trips (default %(default)s)")
    parser.add_argument("--handshakes", type=int, default=200, help="a round (default %(default)s)")
    options = parser.parse_args(arguments)
    size = Size(options.megabytes * 1_000_000, options.seconds, options.streams, options.trips, options.handshakes)
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    with tempfile.TemporaryDirectory(prefix="rsg-bench-") as folder, ExitStack() as running:
        peer = Path(folder, "peer")
        install_peer(peer)
        subjects: dict[bool, list[Subject]] = {}
        for greets in (False, True):
            names = ("takeover", "portable", "websockify") if not greets else ("site", "websockify")
            subjects[greets] = [running.enter_context(served(name, peer, greets=greets)) for name in names]
        for row in ROWS:
            wanted = [one for one in subjects[row.greets] if one.name in row.most or one.name == "websockify"]
            values: dict[str, list[float]] = {subject.name: [] for subject in wanted}
            for _ in range(options.rounds):
                for subject in wanted:
                    values[subject.name].append(row.measure(subject, size))
            found = {name: Figures.of(f"{row.what}, {name}", row.unit, measured) for name, measured in values.items()}
            print(*judged(row, found), sep="\n", flush=True)


if __name__ == "__main__":
    main()
