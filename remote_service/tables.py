"""Tables for terminals: columns of plain text, of which the last one takes what the line has left."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from remote_service.session_logs import clean

GAP = "  "
NARROWEST = 20
"""Characters that the last column has at least, however narrow the terminal is."""


def one_line(text: object) -> str:
    """A text in one line, without anything that could act on a terminal: people and programs wrote it."""
    return " ".join(clean(str(text)).split())


def table(
    header: Sequence[str], rows: Iterable[Sequence[object]], width: int | None = None, *, cut: bool = False
) -> Iterator[str]:
    """The lines of a table.

    Args:
        header: what stands above the columns.
        rows: as many cells each.
        width: characters of a line; None when lines may have any length.
        cut: what does not fit into the last column is left out, with a "…" for it; else it goes on in further lines.
    """
    cells = [list(header), *([one_line(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header) - 1)]
    left = sum(widths) + len(GAP) * len(widths)
    room = None if width is None else max(width - left, NARROWEST)
    for row in cells:
        first = "".join(f"{cell:<{size}}{GAP}" for cell, size in zip(row, widths, strict=False))
        for number, part in enumerate(_fitted(row[-1], room, cut=cut)):
            yield f"{first if number == 0 else ' ' * left}{part}".rstrip()


def _fitted(text: str, room: int | None, *, cut: bool) -> list[str]:
    if room is None or len(text) <= room:
        return [text]
    return [f"{text[: room - 1]}…"] if cut else textwrap.wrap(text, room)
