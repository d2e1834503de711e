"""What the tests of this folder share: running a parser to its end, and cutting streams into chunks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import pytest
from hypothesis import strategies as st

from remote_service.rfb.buffer import Steps

T = TypeVar("T")

CHUNK_SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=20)
"""Sizes for `cut`: small enough to fall into every field."""


def finish(steps: Steps[T]) -> T:
    """Run a parser that has all its bytes, and return its result."""
    with pytest.raises(StopIteration) as end:
        next(steps)
    value: T = end.value.value
    return value


def cut(data: bytes, sizes: Sequence[int] = (1,)) -> Iterator[bytes]:
    """Cut a stream into chunks of these sizes, over and over; by default into single bytes."""
    start = turn = 0
    while start < len(data):
        end = start + sizes[turn % len(sizes)]
        yield data[start:end]
        start, turn = end, turn + 1
