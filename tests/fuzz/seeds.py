"""Where a fuzzer begins: one input for each message of either side, and the recorded conversations."""

from __future__ import annotations

from collections.abc import Iterator

from tests.fuzz.properties import PROPERTIES
from tests.unit.rfb.recordings import load, names
from tests.unit.rfb.samples import ANNOUNCEMENT, EXTENDED_SAMPLES, SAMPLES
from tests.unit.rfb.server_samples import SERVER_INIT, SERVER_SAMPLES

LONGEST = 4096
"""Bytes of an input; longer ones reach nothing that these do not."""


def streams() -> Iterator[bytes]:
    """Streams that mean something to one property or another."""
    for sample in [*SAMPLES, *EXTENDED_SAMPLES, ANNOUNCEMENT]:
        yield b"\x01" + sample.data * 2
    for sample in SERVER_SAMPLES:
        yield SERVER_INIT + sample.data * 2
    yield b"\x01" + b"".join(sample.data for sample in SAMPLES)
    for name in names():
        recording = load(name)
        yield recording.server
        yield recording.viewer
        # As the properties of two directions read it: a byte before each chunk says which.
        yield b"".join(bytes([1 - piece.from_server]) + piece.data for piece in recording.pieces)


def seeds() -> Iterator[bytes]:
    """Inputs for `properties.check`."""
    for stream in streams():
        for what in range(len(PROPERTIES)):
            for policy, size in ((0, 255), (5, 0), (31, 6)):
                yield (bytes([what, policy, size]) + stream)[:LONGEST]
