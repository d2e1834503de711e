"""What it costs that the relay looks into RFB: CPU time of streams of pictures, of keys and of the pointer.

What:  viewers with limits behind the relay without a site around it (`tests.integration.bare_relay`): one that may
       only look on, and one that may not have the session's clipboard, the only one whose VNC server is followed; and
       one without limits, of whom only a person's input is noted. Down they are sent pictures that TigerVNC drew at the
       start of the run (see `recording`), again and again. Up they send pointer and key events, each in a message of
       its own as noVNC does: many in a row, and one at a time; and as many as fit into messages of 16 KiB, which no
       viewer does.
Peer:  the same bytes for a viewer without limits of an endpoint that is no RFB: the blind path. All take turns.
Bars:  in per cent of the peer: down 110, up 150; none for messages of 16 KiB, which the peer only copies.
Run:   python -m benchmarks.relay_rfb [--rounds 3] [--megabytes 300] [--events 200000] [--single 3000] [--record 4]
"""

from __future__ import annotations

import argparse
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from benchmarks.figures import Figures, bar, compared
from benchmarks.recording import Recording, record
from benchmarks.relay_ends import framed
from benchmarks.relays import Subject, bare_relay
from benchmarks.rfb_ends import RfbViewer, playing

DOWN, UP = 110, 150
PEER = "blind"
KINDS: dict[str, dict[str, object]] = {
    PEER: {},
    "without limits": {"rfb": True},
    "view-only": {"rfb": True, "policy": {"view_only": True}},
    "no clipboard out": {"rfb": True, "policy": {"no_clipboard_out": True}},
}
EVENTS = b"".join(
    struct.pack("!BBHH", 5, 0, x, 3 * x) + struct.pack("!BBxxI", 4, x & 1, 0x60 + x % 26) for x in range(100)
)
"""PointerEvents and KeyEvents in turns (RFC 6143 sections 7.5.4 and 7.5.5)."""
PAIR, EVENTS_OF_PAIR = 14, 2
AT_ONCE = 100
"""Messages that a viewer sends in one go."""
BLOCK = 16 * 1024
PACE = 0.0005
"""Seconds between single events: each finds the relay asleep."""

Measure = Callable[[Subject, RfbViewer], float]


def down(number: int, size: int, subject: Subject, viewer: RfbViewer) -> float:
    """CPU milliseconds a GB (1e9 bytes) of this recording."""
    times = -(-size // viewer.watch(number, 1))
    before = subject.cpu()
    seen = viewer.watch(number, times)
    return (subject.cpu() - before) / seen * 1e12


def _cost(subject: Subject, viewer: RfbViewer, piece: bytes, times: int, pace: float = 0.0) -> float:
    """CPU microseconds of sending this so many times."""
    viewer.settle()
    before = subject.cpu()
    for _ in range(times):
        viewer.socket.sendall(piece)
        if pace:
            time.sleep(pace)
    viewer.settle()
    return (subject.cpu() - before) * 1e6


def in_a_row(count: int, subject: Subject, viewer: RfbViewer) -> float:
    """CPU microseconds of an event, each in a message of its own, many of them in one go."""
    events = [
        event for at in range(0, len(EVENTS), PAIR) for event in (EVENTS[at : at + 6], EVENTS[at + 6 : at + PAIR])
    ]
    times = -(-count // AT_ONCE)
    return _cost(subject, viewer, b"".join(map(framed, events[:AT_ONCE])), times) / (times * AT_ONCE)


def single(count: int, subject: Subject, viewer: RfbViewer) -> float:
    """CPU microseconds of a pointer event that comes alone."""
    return _cost(subject, viewer, framed(EVENTS[:6]), count, PACE) / count


def in_blocks(count: int, subject: Subject, viewer: RfbViewer) -> float:
    """CPU microseconds of a thousand events, as many of which are in a message as fit into 16 KiB."""
    block = (EVENTS * (BLOCK // len(EVENTS) + 1))[: BLOCK // PAIR * PAIR]
    events = len(block) // PAIR * EVENTS_OF_PAIR
    times = -(-count // events)
    return _cost(subject, viewer, framed(block), times) / (times * events) * 1000


@contextmanager
def served(name: str, recording: Recording) -> Iterator[Subject]:
    """A relay for viewers of one kind, and its VNC server, for the time of a block."""
    with bare_relay(**KINDS[name]) as (process, port, endpoint), playing(endpoint, recording):  # type: ignore[arg-type]
        yield Subject(name, process, port)


def measured(what: str, unit: str, measure: Measure, subjects: Sequence[Subject], recording: Recording, rounds: int,
             at_most: int | None = None) -> None:  # fmt: skip
    """Lets all take turns and prints what was found."""
    values: dict[str, list[float]] = {subject.name: [] for subject in subjects}
    for _ in range(rounds):
        for subject in subjects:
            viewer = RfbViewer(subject.port, recording)
            values[subject.name].append(measure(subject, viewer))
            viewer.close()
    found = {name: Figures.of(f"{what}, {name}", unit, each) for name, each in values.items()}
    peer = found.pop(PEER)
    print(peer)
    for ours in found.values():
        print(ours, compared(ours, peer), sep="\n")
        if at_most is not None:
            share = 100 * ours.median / peer.median
            print(bar(f"{ours.what}, of the blind path's", share, "%", at_most=at_most), flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.relay_rfb", description="What looking into RFB costs.")
    parser.add_argument("--rounds", type=int, default=3, help="of each measurement (default %(default)s)")
    parser.add_argument("--megabytes", type=int, default=300, help="of a stream of pictures (default %(default)s)")
    parser.add_argument("--events", type=int, default=200_000, help="in a row (default %(default)s)")
    parser.add_argument("--single", type=int, default=3000, help="events alone (default %(default)s)")
    parser.add_argument("--record", type=float, default=4.0, help="seconds of each encoding (default %(default)s)")
    options = parser.parse_args(arguments)
    recording = record(options.record)
    with ExitStack() as stack:
        subjects = [stack.enter_context(served(name, recording)) for name in KINDS]
        show = partial(measured, subjects=subjects, recording=recording, rounds=options.rounds)
        for number, name in enumerate(recording.updates):
            show(f"CPU of a GB of {name}", "ms", partial(down, number, options.megabytes * 1_000_000), at_most=DOWN)
        show("CPU of an event, in a row", "µs", partial(in_a_row, options.events), at_most=UP)
        show("CPU of a pointer event, alone", "µs", partial(single, options.single), at_most=UP)
        show("CPU of 1000 events, in blocks", "µs", partial(in_blocks, options.events))


if __name__ == "__main__":
    main()
