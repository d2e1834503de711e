"""Letting a stream through, chunk by chunk, while a parser follows it and takes out what must not pass.

A parser is a generator that reads as straight-line code and never sees more than it asks for. It yields

- a number above 0: so many of the next bytes are wanted, and it is resumed with them;
- a number below 0: so many of the next bytes concern nobody; it is resumed with `b""` when they have gone by;
- `NEXT_MESSAGE`: the first byte of a message is wanted, and whole messages that pass in any case may be left out.

What is read or skipped passes, unless the parser called `take_out`; so a screen's megabytes are counted, not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeAlias, TypeVar

from .buffer import Data

_T = TypeVar("_T")

Walk: TypeAlias = Generator[int, bytes, _T]
"""A parser over a `Sieve`, or a part of one: yields how many bytes to read (above 0) or to skip (below 0)."""

Glide: TypeAlias = Callable[[Data, int], int]
"""Takes a chunk and where in it a message begins; returns where the first message begins that is none of its kind."""

NEXT_MESSAGE = 0


class Sieve:
    """One direction of a connection.

    Holds the begin of one field that is not all there (as long as the parser's longest read), and nothing else.
    """

    def __init__(
        self,
        parser: Callable[[Sieve], Walk[None]],
        *,
        offset: int = 0,
        glide: Glide | None = None,
        drop: Glide | None = None,
    ) -> None:
        """Start.

        Args:
            parser: follows the stream; it must ask for bytes before it takes out or puts in anything.
            offset: the number of the stream's first byte.
            glide: spares the parser whole messages that pass in any case, ten times as fast.
            drop: the same of whole messages that never pass.
        """
        self._before = offset  # the number of the chunk's first byte
        self._data: Data = b""
        self._at = 0  # how far the parser has come in the chunk
        self._passed_upto = 0  # where in the chunk begins what was not dealt with yet
        self._parts: list[Data] = []  # what passes of the chunk, when it is not the chunk as it came
        self._changed = False
        self._taking_out = False
        self._lost = False
        self._begun = b""  # what is there of the field that is wanted
        self._glide = glide
        self._drop = drop
        self._steps = parser(self)
        self._wanted = next(self._steps)

    def __repr__(self) -> str:
        """Tell the position only: the bytes are what somebody types or copies."""
        return f"<Sieve at byte {self.offset}{', taking out' if self._taking_out else ''}>"

    @property
    def offset(self) -> int:
        """The number of the next byte that the parser has not seen."""
        return self._before + self._at

    def feed(self, data: Data) -> Data:
        """Take what came, and return what passes of it: `data` itself when nothing was taken out or put in.

        Raises:
            RemoteProtocolError: the parser's. The place in the stream is lost then.
            RuntimeError: the place was lost before; a bug of the caller.
        """
        if self._lost:
            raise RuntimeError("Sieve.feed was called after the stream was lost")
        at = 0
        if self._wanted == NEXT_MESSAGE:
            # What comes alone is mostly one whole message.
            if self._glide is not None and (at := self._glide(data, 0)) == len(data):
                self._before += at
                return data
            if at == 0 and self._drop is not None and self._drop(data, 0) == len(data):
                self._before += len(data)
                return b""
        self._data, self._at, self._passed_upto = data, at, 0
        self._parts, self._changed = [], self._taking_out
        # Until shown otherwise: behind an error nothing may pass any more.
        self._lost = True
        self._walk(len(data))
        self._lost = False
        if self._changed and not self._taking_out:
            self._parts.append(data[self._passed_upto :])
        passed = b"".join(self._parts) if self._changed else data
        self._before += len(data)
        self._data, self._at, self._parts = b"", 0, []
        return passed

    def ahead(self) -> tuple[Data, int]:
        """What there is of the stream at this place: a chunk, and where in it the parser has come to."""
        return self._data, self._at

    def skip_to(self, at: int) -> Walk[None]:
        """Go on at this place of the chunk that is `ahead`, or behind its end; all that comes until there passes."""
        end = len(self._data)
        self._at = min(at, end)
        return skip(max(0, at - end))

    def take_out(self, back: int) -> None:
        """From the byte `back` bytes before this place on, nothing passes until `put_in` is called.

        Those bytes must have come with this chunk; the last one that the parser read always has.
        """
        assert back <= self._at, "what has passed cannot be taken back"
        self._parts.append(self._data[self._passed_upto : self._at - back])
        self._taking_out = self._changed = True

    def put_in(self, data: bytes) -> None:
        """Pass `data` on at this place, then the stream again."""
        if not self._taking_out:
            self._parts.append(self._data[self._passed_upto : self._at])
        self._parts.append(data)
        self._passed_upto = self._at
        self._taking_out, self._changed = False, True

    def _leave_out(self) -> None:
        """Go past the messages that the parser need not see."""
        data, at, moved = self._data, self._at, True
        while moved:
            began = at
            if self._glide is not None:
                at = self._glide(data, at)
            if self._drop is not None and (upto := self._drop(data, at)) > at:
                self._parts.append(data[self._passed_upto : at])
                self._passed_upto = at = upto
                self._changed = True
            moved = at > began
        self._at = at

    def _walk(self, end: int) -> None:
        """Resume the parser with all that it can be given of the chunk."""
        while self._at < end:
            wanted = self._wanted
            if wanted == NEXT_MESSAGE:
                self._leave_out()
                seen = bytes(self._data[self._at : self._at + 1])
                if not seen:
                    return
                self._at += 1
            elif wanted < 0:
                step = min(-wanted, end - self._at)
                self._at += step
                self._wanted = wanted + step
                if self._wanted:
                    return
                seen = b""
            else:
                missing = wanted - len(self._begun)
                piece = bytes(self._data[self._at : self._at + missing])
                self._at += len(piece)
                seen = self._begun + piece
                if len(piece) < missing:
                    self._begun = seen
                    return
                self._begun = b""
            self._wanted = self._steps.send(seen)


def skip(size: int) -> Walk[None]:
    """Let `size` bytes go by unseen; it may be none."""
    if size:
        yield -size
