"""Conversations of real VNC servers, recorded as hex in `fixtures/`; the file names carry the programs'
versions.

A line is `server HEX` or `viewer HEX`, in the order in which the bytes were seen, with `input` behind it
where a person's hand caused it; `#` begins a comment that tells how it was made. The password of all of them
is `secret12`, or `wrong` where the name says so. A `viewer-3.x` in the name is a viewer that asks a 3.8
server for less.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FIXTURES = Path(__file__).with_name("fixtures")


@dataclass(frozen=True)
class Piece:
    """Bytes of one side, as one read gave them."""

    from_server: bool
    data: bytes
    is_input: bool


@dataclass(frozen=True)
class Recording:
    """One conversation."""

    name: str
    pieces: tuple[Piece, ...]

    @property
    def server(self) -> bytes:
        """All that the server sent."""
        return b"".join(piece.data for piece in self.pieces if piece.from_server)

    @property
    def viewer(self) -> bytes:
        """All that the viewer sent."""
        return b"".join(piece.data for piece in self.pieces if not piece.from_server)


def names(pattern: str = "*") -> list[str]:
    """Return the names of the recordings that fit, so that a test can be parametrised by them."""
    found = sorted(path.stem for path in FIXTURES.glob(f"{pattern}.txt"))
    assert found, f"no recording fits {pattern}"
    return found


def load(name: str) -> Recording:
    """Read one recording."""
    return Recording(name, tuple(_pieces((FIXTURES / f"{name}.txt").read_text().splitlines())))


def _pieces(lines: list[str]) -> Iterator[Piece]:
    for line in lines:
        if not line.startswith("#"):
            side, data, *notes = line.split()
            assert side in ("server", "viewer") and notes in ([], ["input"]), line
            yield Piece(side == "server", bytes.fromhex(data), bool(notes))
