"""Running a part of a parser by itself, to learn how many bytes it takes."""

from __future__ import annotations

from remote_service.rfb.sieve import Sieve, Walk


def taken(walk: Walk[object], data: bytes, *, size: int = 0) -> int:
    """How many bytes of `data` the walk takes until it ends, in chunks of `size` (0: all at once).

    `data` must hold more than enough: it is an error if the walk wants more.
    """
    ended: list[int] = []

    def parser(sieve: Sieve) -> Walk[None]:
        yield 1
        yield from walk
        ended.append(sieve.offset)
        yield 1 << 62

    sieve = Sieve(parser, offset=-1)
    stream = b"\0" + data
    for at in range(0, len(stream), size or len(stream)):
        sieve.feed(stream[at : at + (size or len(stream))])
        if ended:
            return ended[0]
    raise AssertionError(f"it wants more than {len(data)} bytes")
