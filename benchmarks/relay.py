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
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from benchmarks import relay_costs as costs
from benchmarks.figures import Figures, bar, compared
from benchmarks.relay_costs import Size
from benchmarks.relay_ends import endpoints
from benchmarks.relay_site import greeting, site
from benchmarks.relays import Subject, allow_many_files, bare_relay, install_websockify, websockify


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
    fresh: bool = False
    """Whether each round is of a relay that has just begun: one that had many streams before has memory to spare."""


ROWS = (
    Row("CPU of a GB to the viewer", "s", costs.down, {"takeover": 60, "portable": 90}),
    Row("CPU of a GB from the viewer", "s", costs.up, {"takeover": 25, "portable": 50}),
    Row("CPU of a pointer event and its answer", "µs", costs.pointer, {"takeover": 75}),
    Row("p99 of a round trip beside 20 streams", "ms", costs.beside_load, {"takeover": 150}),
    Row("CPU of 1 KiB with many streams", "µs", costs.small, {"takeover": 30}),
    Row("memory of an open stream", "KiB", costs.a_stream, {"takeover": 40}, absolute=True, fresh=True),
    Row("growth while the viewer reads nothing", "KiB", costs.deaf_viewer, {"takeover": 1024}, absolute=True),
    Row("growth while the endpoint reads nothing", "KiB", costs.deaf_endpoint, {"takeover": 1024}, absolute=True),
    Row("CPU of a handshake", "ms", costs.handshakes, {"site": 2.5}, absolute=True, greets=True),
)


# ---- the relays ----------------------------------------------------------------------------------------------


@contextmanager
def served(name: str, folder: Path, *, greets: bool = False) -> Iterator[Subject]:
    """A relay and its endpoints for the time of a block."""
    if name == "site":
        with site() as (process, door):
            yield Subject(name, process, door.port, door)
        return
    started = websockify(folder) if name == "websockify" else bare_relay(tier=name)
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
    allow_many_files()
    with tempfile.TemporaryDirectory(prefix="rsg-bench-") as folder, ExitStack() as running:
        peer = Path(folder, "peer")
        install_websockify(peer)
        subjects: dict[bool, list[Subject]] = {}
        for greets in (False, True):
            names = ("takeover", "portable", "websockify") if not greets else ("site", "websockify")
            subjects[greets] = [running.enter_context(served(name, peer, greets=greets)) for name in names]
        for row in ROWS:
            wanted = [one for one in subjects[row.greets] if one.name in row.most or one.name == "websockify"]
            values: dict[str, list[float]] = {subject.name: [] for subject in wanted}
            for _ in range(options.rounds):
                for subject in wanted:
                    with served(subject.name, peer) if row.fresh else nullcontext(subject) as measured:
                        values[subject.name].append(row.measure(measured, size))
            found = {name: Figures.of(f"{row.what}, {name}", row.unit, each) for name, each in values.items()}
            print(*judged(row, found), sep="\n", flush=True)


if __name__ == "__main__":
    main()
