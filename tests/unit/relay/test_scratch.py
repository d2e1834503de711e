"""What is read into the scratch buffer is either gone when it is read into again, or the buffer is another one then."""

from __future__ import annotations

import threading

import pytest

from remote_service.relay.scratch import SIZE, WORTH_LENDING, ScratchReader
from remote_service.rfb.buffer import Data


class Reader(ScratchReader):
    """Keeps what it is given, and says so or not."""

    def __init__(self, *, keeps: bool) -> None:
        self.given: list[Data] = []
        self._keeps = keeps

    def data_received(self, data: Data) -> bool:
        self.given.append(data)
        return self._keeps

    def reads(self, data: bytes) -> None:
        room = self.get_buffer(-1)
        room[: len(data)] = data
        self.buffer_updated(len(data))


@pytest.mark.parametrize("size", [1, WORTH_LENDING - 1, WORTH_LENDING, SIZE])
def test_what_is_kept_stays_as_it_is_whoever_reads_next(size: int) -> None:
    keeps, other = Reader(keeps=True), Reader(keeps=False)
    keeps.reads(b"a" * size)
    other.reads(b"b" * size)
    other.reads(b"c" * size)
    assert keeps.given == [b"a" * size]


def test_much_that_is_not_kept_is_written_over_and_little_is_copied() -> None:
    reader = Reader(keeps=False)
    reader.reads(b"a" * WORTH_LENDING)
    reader.reads(b"b" * WORTH_LENDING)
    assert reader.given == [b"b" * WORTH_LENDING] * 2
    reader.reads(b"key")
    assert isinstance(reader.given[2], bytes)


def test_each_thread_has_a_buffer_of_its_own() -> None:
    reader, rooms = Reader(keeps=False), []
    for read in (threading.Thread(target=lambda: rooms.append(reader.get_buffer(-1))) for _ in range(2)):
        read.start()
        read.join()
    assert rooms[0] is not rooms[1]
    assert reader.get_buffer(-1) not in rooms
