"""The clipboard is taken out of a server's stream, and nothing else, whatever else it holds."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_service.rfb.errors import RemoteProtocolError
from remote_service.rfb.pixel_format import FormatInForce, PixelFormat
from remote_service.rfb.policy import Policy
from remote_service.rfb.server_filter import ServerFilter
from tests.unit.rfb.helpers import CHUNK_SIZES, cut
from tests.unit.rfb.samples import Sample
from tests.unit.rfb.server_samples import (
    BOOKKEEPING,
    COPIED,
    FORMAT_32,
    PASSING,
    SERVER_INIT,
    SERVER_SAMPLES,
    rectangle,
    update,
)

CLOSED = Policy(no_clipboard_out=True)
SECRET, BELL = COPIED[0].data, b"\x02"
BIG = b"\0\0\0\x01" + rectangle(16, (1 << 23).to_bytes(4, "big"))


def fed(stream: bytes, sizes: Sequence[int] = (100_000,), policy: Policy = CLOSED) -> bytes:
    server = ServerFilter(policy, FormatInForce())
    return b"".join(server.feed(chunk) for chunk in cut(stream, sizes))


def joined(samples: Iterable[Sample]) -> bytes:
    return b"".join(sample.data for sample in samples)


@pytest.mark.parametrize("sample", PASSING, ids=lambda sample: sample.name)
@pytest.mark.parametrize("size", [1, 100_000])
def test_every_message_but_the_clipboard_passes(sample: Sample, size: int) -> None:
    # The secret behind it is found only at exactly the right byte.
    assert fed(SERVER_INIT + (sample.data + SECRET) * 2, [size]) == SERVER_INIT + sample.data * 2


@pytest.mark.parametrize("sample", COPIED, ids=lambda sample: sample.name)
@pytest.mark.parametrize("size", [1, 100_000])
def test_what_was_copied_is_taken_out(sample: Sample, size: int) -> None:
    assert fed(SERVER_INIT + sample.data + BELL + sample.data + BELL, [size]) == SERVER_INIT + BELL + BELL


@given(st.lists(st.sampled_from(SERVER_SAMPLES), max_size=10), CHUNK_SIZES)
def test_any_messages_are_filtered_in_any_chunks(samples: list[Sample], sizes: list[int]) -> None:
    passing = [sample for sample in samples if sample in PASSING]

    assert fed(SERVER_INIT + joined(samples), sizes) == SERVER_INIT + joined(passing)
    assert fed(SERVER_INIT + joined(samples), sizes, Policy()) == SERVER_INIT + joined(samples)


@pytest.mark.parametrize("form", [bytes, bytearray, memoryview])
def test_a_picture_is_not_copied(form: type) -> None:
    server = ServerFilter(CLOSED, FormatInForce())
    server.feed(SERVER_INIT)

    for chunk in (form(joined(PASSING[:-3])), form(BIG[:7]), form(BIG[7:] + bytes(1000)), form(bytes(1000))):
        assert server.feed(chunk) is chunk


def test_another_policy_holds_from_the_next_message_on() -> None:
    server = ServerFilter(Policy(), FormatInForce())
    server.feed(SERVER_INIT + SECRET[:10])

    server.policy = CLOSED
    assert server.feed(SECRET[10:] + SECRET[:10]) == SECRET[10:]

    server.policy = Policy()
    assert server.feed(SECRET[10:] + SECRET) == SECRET


def test_an_update_has_the_format_that_held_when_it_began() -> None:
    format = FormatInForce()
    server = ServerFilter(CLOSED, format)
    long, short = update([rectangle(0, bytes(32))]), update([rectangle(0, bytes(16))])
    server.feed(SERVER_INIT + long[:10])

    format.set(PixelFormat(2, 2), 0)

    assert server.feed(long[10:] + SECRET + short + SECRET + BELL) == long[10:] + short + BELL


@pytest.mark.parametrize("sample", SERVER_SAMPLES, ids=lambda sample: sample.name)
def test_it_says_when_it_is_between_messages(sample: Sample) -> None:
    server = ServerFilter(CLOSED, FormatInForce())
    assert not server.between_messages
    server.feed(SERVER_INIT)
    assert server.between_messages

    server.feed(sample.data[:-1])
    assert server.between_messages is (len(sample.data) == 1)
    server.feed(sample.data[-1:])
    assert server.between_messages


def test_last_rect_ends_an_update_before_its_count() -> None:
    stream = b"\0\0\0\x02" + rectangle(-224, b"")

    assert fed(SERVER_INIT + stream + SECRET) == SERVER_INIT + stream


def test_bookkeeping_of_the_clipboard_passes() -> None:
    assert fed(SERVER_INIT + joined(BOOKKEEPING), [1]) == SERVER_INIT + joined(BOOKKEEPING)


def refusal(stream: bytes) -> str:
    with pytest.raises(RemoteProtocolError) as caught:
        fed(stream, [7])
    text = str(caught.value)
    return text[: text.index(". Check")].removeprefix("The VNC server does not speak RFB as expected: ")


def test_a_server_that_cannot_be_followed_is_an_error_that_says_where() -> None:
    assert refusal(SERVER_INIT + BELL + b"\x07") == (
        "message-type at byte 29 is 7, expected one of 0, 1, 2, 3, 150, 248, 250, 253, 255"
    )
    assert refusal(SERVER_INIT + update([rectangle(21, b"")])).startswith("encoding-type at byte 40 is 21, expected ")
    assert refusal(SERVER_INIT + update([rectangle(6, b"\xff" * 4)])) == (
        "zlib length at byte 44 is 4294967295, expected at most 1073741824 bytes"
    )
    assert refusal(SERVER_INIT + b"\x03\0\0\0\x02\0\0\x01") == (
        "ServerCutText length at byte 32 is 33554433, expected at most 33554432 bytes"
    )


def test_server_init_is_bounded() -> None:
    assert refusal(b"\0\x10\0\x10" + FORMAT_32 + b"\0\0\x10\x01") == (
        "name-length at byte 20 is 4097, expected at most 4096 bytes"
    )
    assert refusal(b"\0\x10\0\x10\x18" + FORMAT_32[1:] + bytes(4)) == (
        "bits-per-pixel at byte 4 is 24, expected 8, 16 or 32"
    )


@pytest.mark.parametrize("begin", [BIG, b"\x03\0\0\0" + (1 << 23).to_bytes(4, "big")])
def test_neither_a_picture_nor_a_clipboard_is_kept(begin: bytes) -> None:
    server = ServerFilter(CLOSED, FormatInForce())
    server.feed(SERVER_INIT + begin)
    chunk = bytes(64 * 1024)
    tracemalloc.start()
    try:
        for _ in range(128):
            server.feed(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 16 * 1024
    assert server.feed(SECRET + BELL) == BELL


@given(st.lists(st.binary(max_size=60) | st.sampled_from([sample.data for sample in SERVER_SAMPLES]), max_size=8))
def test_garbage_raises_nothing_but_a_protocol_error(chunks: list[bytes]) -> None:
    server = ServerFilter(CLOSED, FormatInForce())
    server.feed(SERVER_INIT)
    try:
        for chunk in chunks:
            server.feed(chunk)
    except RemoteProtocolError as error:
        assert 0 <= error.offset < len(SERVER_INIT) + sum(map(len, chunks))


def test_its_repr_tells_the_position_only() -> None:
    server = ServerFilter(CLOSED, FormatInForce())
    server.feed(SERVER_INIT + b"\x03\0\0\0\0\0\0\x0asecret")

    assert repr(server) == "<ServerFilter <Sieve at byte 42, taking out>>"
