"""What is measured of a relay: each function takes one that runs, and returns what something costs there."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass

from benchmarks.relay_ends import POINTER_EVENT, REPLY, Act, Door, Order, Viewer, crowd, drain, framed
from benchmarks.relay_site import handshake
from benchmarks.relays import Subject

FRAME = 16 * 1024
"""Bytes of a frame that a viewer sends in bulk."""
LOAD = (20, 8 * 1024, 60)
"""Viewers, bytes of an update, updates a second."""
SMALL, SMALL_RATE = 1024, 10
PACE = 0.002
LEVEL, SLACK = 0.1, 0.02
"""The relay's use of the processor is level when it differs by no more than this part, and these seconds."""
LOOKS, MOST_LOOKS = 3, 60
"""So many looks, of a second each, have to be level; and there are no more than so many."""
SETTLED = 1.5
"""Seconds after which all that handshakes cause has been done."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    bytes: int
    seconds: float
    streams: int
    trips: int
    handshakes: int


def down(subject: Subject, size: Size) -> float:
    """CPU seconds a GB (1e9 bytes) from the endpoint to the viewer."""
    before = subject.cpu()
    viewer = Viewer(subject.port, Order(Act.SOURCE, size.bytes))
    viewer.receive(size.bytes)
    spent = subject.cpu() - before
    viewer.close()
    return spent / size.bytes * 1e9


def up(subject: Subject, size: Size) -> float:
    """CPU seconds a GB from the viewer to the endpoint, in frames of 16 KiB."""
    count = -(-size.bytes // FRAME)
    frame = framed(bytes(FRAME))
    before = subject.cpu()
    viewer = Viewer(subject.port, Order(Act.SINK, count * FRAME))
    for _ in range(count):
        viewer.socket.sendall(frame)
    viewer.receive(len(REPLY))
    spent = subject.cpu() - before
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
    before = subject.cpu()
    for _ in range(size.trips):
        _round_trip(viewer)
    spent = subject.cpu() - before
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


def _settle(subject: Subject, viewers: list[Viewer]) -> None:
    """Returns when the relay's use of the processor is level: for seconds it looks who owns all those endpoints."""
    used, before = list[float](), subject.cpu()
    for _ in range(MOST_LOOKS):
        drain(viewers, 1.0)
        now = subject.cpu()
        used, before = [*used, now - before][-LOOKS:], now
        if len(used) == LOOKS and max(used) - min(used) <= LEVEL * max(used) + SLACK:
            return


def small(subject: Subject, size: Size) -> float:
    """CPU microseconds of a message of 1 KiB, with many streams at once."""
    viewers = [Viewer(subject.port, Order(Act.BEAT, SMALL, SMALL_RATE)) for _ in range(size.streams)]
    _settle(subject, viewers)
    before, began = subject.cpu(), time.monotonic()
    drain(viewers, size.seconds)
    messages = size.streams * SMALL_RATE * (time.monotonic() - began)
    spent = subject.cpu() - before
    for viewer in viewers:
        viewer.close()
    return spent / messages * 1e6


def a_stream(subject: Subject, size: Size) -> float:
    """KiB of memory that an open stream takes."""
    before = subject.memory()
    viewers = [Viewer(subject.port, Order(Act.BEAT, SMALL, SMALL_RATE)) for _ in range(size.streams)]
    _settle(subject, viewers)
    grown = subject.memory() - before
    for viewer in viewers:
        viewer.close()
    return grown / size.streams


def deaf_viewer(subject: Subject, size: Size) -> float:
    """KiB by which the relay grows while a viewer reads nothing and the endpoint sends all it can."""
    before = subject.memory()
    viewer = Viewer(subject.port, Order(Act.FLOOD))
    time.sleep(size.seconds)
    grown = subject.memory() - before
    viewer.close()
    return grown


def deaf_endpoint(subject: Subject, size: Size) -> float:
    """KiB by which the relay grows while an endpoint reads nothing and the viewer sends all it can."""
    before = subject.memory()
    viewer = Viewer(subject.port, Order(Act.SILENT))
    frame, until = framed(bytes(FRAME)), time.monotonic() + size.seconds
    viewer.socket.settimeout(0.2)
    rest = b""
    while time.monotonic() < until:
        rest = rest or frame
        with suppress(TimeoutError):
            rest = rest[viewer.socket.send(rest) :]
    grown = subject.memory() - before
    viewer.close()
    return grown


def handshakes(subject: Subject, size: Size) -> float:
    """CPU milliseconds of a websocket: opened, its session's first words received, closed; one after the other."""
    door = subject.door or Door(subject.port)
    before = subject.cpu()
    for _ in range(size.handshakes):
        handshake(door)
    time.sleep(SETTLED)
    return (subject.cpu() - before) / size.handshakes * 1e3
