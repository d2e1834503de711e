"""Websocket frames: every chunking gives the same, every breach has its code, every length its header."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame
from websockets.frames import Opcode as Theirs
from websockets.streams import StreamReader
from websockets.utils import apply_mask

from remote_service.relay import frames
from remote_service.relay.frames import (
    LEAST_PART,
    MOST_CONTROL_FRAMES,
    MOST_JOINED,
    MOST_PIECE,
    Control,
    FloodError,
    FloodGuard,
    FrameError,
    FrameReader,
    Opcode,
    binary_header,
    binary_message,
    close_frame,
    close_of,
    control_frame,
)
from tests.clock import Clock

MASK = b"\x01\x82\x03\xf4"
MOST = 1 << 20


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, mask: bytes = MASK) -> bytes:
    """A frame as a browser sends it."""
    head = bytes([(0x80 if fin else 0) | opcode])
    if len(payload) < 126:
        head += bytes([0x80 | len(payload)])
    elif len(payload) < 1 << 16:
        head += struct.pack("!BH", 0x80 | 126, len(payload))
    else:
        head += struct.pack("!BQ", 0x80 | 127, len(payload))
    return head + mask + apply_mask(payload, mask)


class Peer:
    """A reader and all that it gave."""

    def __init__(self, most: int = MOST) -> None:
        self.clock = Clock()
        self.reader = FrameReader(most, FloodGuard(self.clock))
        self.heard: list[bytes | Control] = []
        self.error: FrameError | None = None

    def says(self, *chunks: bytes) -> Peer:
        for chunk in chunks:
            try:
                for event in self.reader.feed(chunk):
                    if isinstance(event, bytes) and self.heard and isinstance(self.heard[-1], bytes):
                        self.heard[-1] += event
                    else:
                        self.heard.append(event)
            except FrameError as error:
                self.error = error
                break
        return self


# ---- any chunking gives the same -------------------------------------------------------------------------

payloads = st.binary(max_size=300) | st.integers(0, 70_000).map(lambda size: bytes(range(251)) * (size // 251 + 1))
masks = st.binary(min_size=4, max_size=4)
controls = st.builds(
    lambda opcode, payload, mask: (frame(opcode, payload, mask=mask), Control(opcode, payload)),
    st.sampled_from([Opcode.PING, Opcode.PONG]),
    st.binary(max_size=125),
    masks,
)


@st.composite
def messages(draw: st.DrawFn) -> tuple[bytes, list[bytes | Control]]:
    """A message in fragments with control frames in between, and what is to come of it."""
    parts = draw(st.lists(payloads, min_size=1, max_size=3))
    sent, given_on = b"", list[bytes | Control]()
    for number, part in enumerate(parts):
        opcode = Opcode.CONTINUATION if number else Opcode.BINARY
        sent += frame(opcode, part, fin=number == len(parts) - 1, mask=draw(masks))
        given_on.append(part)
        for control, expected in draw(st.lists(controls, max_size=2)):
            sent += control
            given_on.append(expected)
    return sent, given_on


def joined(events: list[bytes | Control]) -> list[bytes | Control]:
    heard: list[bytes | Control] = []
    for event in events:
        if isinstance(event, bytes) and heard and isinstance(heard[-1], bytes):
            heard[-1] += event
        elif event != b"":
            heard.append(event)
    return heard


@given(st.lists(messages(), max_size=3), st.data())
def test_any_chunking_gives_the_same(said: list[tuple[bytes, list[bytes | Control]]], data: st.DataObject) -> None:
    stream = b"".join(sent for sent, _ in said)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    chunks = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    peer = Peer().says(*chunks)

    assert peer.error is None
    assert peer.heard == joined([event for _, events in said for event in events])


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=8))
def test_any_chunking_of_garbage_ends_in_the_same_error(stream: bytes, cuts: list[int]) -> None:
    whole = Peer().says(stream)
    bounds = sorted(min(cut, len(stream)) for cut in cuts)
    pieces = Peer().says(*(stream[a:b] for a, b in zip([0, *bounds], [*bounds, len(stream)], strict=True)))

    assert joined(pieces.heard) == joined(whole.heard)
    assert (pieces.error and pieces.error.code) == (whole.error and whole.error.code)


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 5, 125, 126, 65535, 65536])
def test_every_form_of_length_is_read_byte_by_byte(length: int) -> None:
    payload = (bytes(range(256)) * 257)[:length]
    stream = frame(Opcode.BINARY, payload) + frame(Opcode.PING, b"?")
    chunks = [stream[at : at + 1] for at in range(20)] + [stream[20:]]

    assert Peer().says(*chunks).heard == [*([payload] if payload else []), Control(Opcode.PING, b"?")]


def test_a_large_frame_is_given_on_as_it_comes() -> None:
    peer = Peer()
    stream = frame(Opcode.BINARY, b"ab" * 50_000)
    assert list(peer.reader.feed(stream[:14])) == []
    assert list(peer.reader.feed(stream[14:17])) == [b"aba"]
    rest = list(peer.reader.feed(stream[17:]))
    assert b"".join(piece for piece in rest if isinstance(piece, bytes)) == b"b" + b"ab" * 49_998
    assert max(len(piece) for piece in rest if isinstance(piece, bytes)) == MOST_PIECE


def test_without_the_c_module_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "apply_mask", apply_mask)
    stream = frame(Opcode.BINARY, bytes(range(256)))

    assert Peer().says(stream[:11], stream[11:14], stream[14:]).heard == [bytes(range(256))]


# ---- breaches, in the order of RFC 6455 and of Autobahn's test suite --------------------------------------

HELLO = frame(Opcode.BINARY, b"hello")
BEGIN = frame(Opcode.BINARY, b"a", fin=False)
END = frame(Opcode.CONTINUATION, b"b")


@pytest.mark.parametrize(
    ("stream", "heard"),
    [
        (frame(Opcode.BINARY), []),
        (frame(Opcode.BINARY, fin=False) + frame(0, fin=False) + frame(0), []),
        (frame(Opcode.PING), [Control(Opcode.PING, b"")]),
        (frame(Opcode.PING, b"p" * 125), [Control(Opcode.PING, b"p" * 125)]),
        (frame(Opcode.PONG, b"unsolicited"), [Control(Opcode.PONG, b"unsolicited")]),
        (BEGIN + END, [b"ab"]),
        (BEGIN + frame(Opcode.PING, b"?") + END, [b"a", Control(Opcode.PING, b"?"), b"b"]),
        (BEGIN + frame(0, b"-", fin=False) + END + HELLO, [b"a-bhello"]),
        (BEGIN + frame(Opcode.CLOSE), [b"a", Control(Opcode.CLOSE, b"")]),
        (frame(Opcode.CLOSE, b"\x03\xe8bye"), [Control(Opcode.CLOSE, b"\x03\xe8bye")]),
    ],
)  # fmt: skip
def test_what_is_allowed(stream: bytes, heard: list[bytes | Control]) -> None:
    for size in (1, len(stream)):
        peer = Peer().says(*(stream[at : at + size] for at in range(0, len(stream), size)))
        assert (peer.heard, peer.error) == (heard, None)


@pytest.mark.parametrize(
    ("stream", "code", "reason"),
    [
        (b"\xc2" + HELLO[1:], 1002, "a reserved bit is set, and no extension was agreed on"),
        (b"\xa2" + HELLO[1:], 1002, "a reserved bit is set, and no extension was agreed on"),
        (b"\x92" + HELLO[1:], 1002, "a reserved bit is set, and no extension was agreed on"),
        (b"\xc9" + frame(Opcode.PING)[1:], 1002, "a reserved bit is set, and no extension was agreed on"),
        *[(frame(opcode), 1002, f"the opcode {opcode} is reserved") for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)],
        (b"\x82\x05hello", 1002, "a frame is not masked"),
        (b"\x89\x00", 1002, "a frame is not masked"),
        (frame(Opcode.PING, fin=False), 1002, "a control frame is fragmented"),
        (frame(Opcode.CLOSE, fin=False), 1002, "a control frame is fragmented"),
        (frame(Opcode.PING, b"p" * 126), 1002, "a control frame has more than 125 bytes"),
        (frame(Opcode.CLOSE, bytes(126)), 1002, "a control frame has more than 125 bytes"),
        (END, 1002, "nothing is there to continue"),
        (HELLO + END, 1002, "nothing is there to continue"),
        (BEGIN + HELLO, 1002, "a message was not ended"),
        (BEGIN + END + END, 1002, "nothing is there to continue"),
        (frame(Opcode.TEXT, b"hello"), 1003, "only binary messages are carried"),
        (BEGIN + frame(Opcode.TEXT, b"hello"), 1003, "only binary messages are carried"),
        (b"\x82\xff" + b"\x80" + bytes(7) + MASK, 1002, "a length has its top bit set"),
        (b"\x82\xff" + (MOST + 1).to_bytes(8, "big") + MASK, 1009, f"a message has more than {MOST} bytes"),
        (frame(Opcode.CLOSE, b"\x03"), 1002, "a close frame has half a code"),
        (frame(Opcode.CLOSE, b"\x03\xe8\xff"), 1007, "the reason of a close frame is no UTF-8"),
        *[
            (frame(Opcode.CLOSE, code.to_bytes(2, "big")), 1002, f"the close code {code} may not be sent")
            for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
        ],
    ],
)  # fmt: skip
def test_what_is_not(stream: bytes, code: int, reason: str) -> None:
    for size in (1, 3, len(stream)):
        peer = Peer().says(*(stream[at : at + size] for at in range(0, len(stream), size)))
        assert peer.error is not None
        assert (peer.error.code, str(peer.error)) == (code, reason)


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1011, 1012, 3000, 3999, 4000, 4999])
def test_close_codes_that_may_be_sent(code: int) -> None:
    assert close_of(code.to_bytes(2, "big") + "schön".encode()) == (code, "schön")
    assert close_of(b"") == (1005, "")


def test_what_came_before_a_breach_is_given_on() -> None:
    peer = Peer().says(HELLO + frame(Opcode.TEXT))

    assert peer.heard == [b"hello"]
    assert peer.error is not None


def test_the_parts_of_a_message_count_together_and_those_of_two_do_not() -> None:
    assert Peer(most=10).says(frame(2, b"12345"), frame(2, b"1234567890")).error is None
    error = Peer(most=10).says(frame(2, b"12345", fin=False), frame(0, b"678901")).error
    assert error is not None
    assert error.code == 1009


# ---- floods ----------------------------------------------------------------------------------------------

PART = frame(0, b"a" * (LEAST_PART - 1), fin=False)


@pytest.mark.parametrize("nothing", [frame(9), frame(10), frame(2), PART])
def test_too_many_frames_that_carry_nothing_on_are_a_flood(nothing: bytes) -> None:
    peer = Peer().says(BEGIN if nothing is PART else HELLO)
    peer.says(nothing * MOST_CONTROL_FRAMES)
    with pytest.raises(FloodError):
        peer.says(nothing)


def test_now_and_then_they_are_none_and_neither_are_large_parts() -> None:
    peer = Peer()
    for _ in range(3):
        peer.says(frame(9) * MOST_CONTROL_FRAMES)
        peer.clock.now += 1.0
    peer.says(BEGIN, frame(0, b"a" * LEAST_PART, fin=False) * (2 * MOST_CONTROL_FRAMES))
    peer.says(frame(0, b"a" * LEAST_PART), HELLO * (2 * MOST_CONTROL_FRAMES))
    assert peer.error is None


def test_a_flood_is_noticed_before_all_of_it_is_read() -> None:
    events = Peer().reader.feed(frame(9) * 10_000)
    assert sum(1 for _ in zip(range(MOST_CONTROL_FRAMES), events, strict=False)) == MOST_CONTROL_FRAMES
    with pytest.raises(FloodError):
        next(events)


# ---- to the browser --------------------------------------------------------------------------------------


def parsed(data: bytes) -> Frame:
    """As a browser reads it."""
    reader = StreamReader()
    reader.feed_data(data)
    parsing = Frame.parse(reader.read_exact, mask=False)
    with pytest.raises(StopIteration) as done:
        next(parsing)
    assert reader.at_eof() is not None
    frame: Frame = done.value.value
    return frame


@pytest.mark.parametrize(
    ("length", "size"), [(0, 2), (1, 2), (125, 2), (126, 4), (65535, 4), (65536, 10), (1 << 20, 10)]
)
def test_a_header_says_how_long_its_message_is(length: int, size: int) -> None:
    header = binary_header(length)
    read = parsed(header + bytes(length))

    assert (len(header), read.opcode, read.fin, len(read.data)) == (size, Theirs.BINARY, True, length)


@pytest.mark.parametrize(("length", "buffers"), [(0, 1), (MOST_JOINED, 1), (MOST_JOINED + 1, 2)])
def test_a_message_that_is_large_is_not_copied(length: int, buffers: int) -> None:
    data = bytes(length)
    sent = binary_message(data)

    assert len(sent) == buffers
    assert b"".join(sent) == binary_header(length) + data
    assert buffers == 1 or sent[1] is data


def test_control_frames_are_read_as_they_were_meant() -> None:
    assert parsed(control_frame(Opcode.PING, b"beat")) == Frame(Theirs.PING, b"beat")
    assert parsed(close_frame(4008, "too long")).data == b"\x0f\xa8too long"
    assert parsed(close_frame(1005)) == Frame(Theirs.CLOSE, b"")


def test_a_reason_is_cut_between_two_characters() -> None:
    read = parsed(close_frame(1011, "a" + "é" * 100))

    assert len(read.data) == 2 + 123
    assert close_of(bytes(read.data)) == (1011, "a" + "é" * 61)
