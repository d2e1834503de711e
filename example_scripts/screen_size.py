"""Reads a screen size as it stands in a session type's `sizes`: "1600x1200".

It lies beside the scripts that use it: a script may import what is in its own directory.
"""

from __future__ import annotations

import re
from typing import NamedTuple

LARGEST_SIDE = 16384
"""Pixels; Xtigervnc 1.12 refuses sides above this."""
LARGEST_AREA = 64 * 1024 * 1024
"""Pixels; an X server keeps four bytes for each, so this is 256 MiB."""
SMALLEST_SIDE = 16
"""Pixels."""


class Size(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


def parse_size(text: object, largest_side: int = LARGEST_SIDE) -> Size:
    """The size that the text names.

    Args:
        text: what the user chose, such as "1600x1200".
        largest_side: the longest side that is taken, in pixels.

    Raises:
        ValueError: a sentence for the user: what was seen and what was expected.
    """
    match = re.fullmatch(r"\s*([0-9]{1,5})\s*[xX]\s*([0-9]{1,5})\s*", text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"the screen size is {text!r}; expected width x height in pixels, such as '1600x1200'")
    size = Size(int(match[1]), int(match[2]))
    if not all(SMALLEST_SIDE <= side <= largest_side for side in size):
        raise ValueError(f"the screen size is {text!r}; expected sides from {SMALLEST_SIDE} to {largest_side} pixels")
    if size.width * size.height > LARGEST_AREA:
        raise ValueError(
            f"the screen size is {text!r}, {size.width * size.height} pixels; expected at most {LARGEST_AREA}"
        )
    return size
