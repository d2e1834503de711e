"""The filter for those who may only look: what passes, what is dropped, and that framing is never lost."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_service.rfb.clipboard import MAX_CUT_TEXT
from remote_service.rfb.errors import RemoteProtocolError
from remote_service.rfb.message_table import MAX_ENCODINGS, MessageType
from remote_service.rfb.messages import ClientMessageFramer
from remote_service.rfb.view_only import PASSED, ViewOnlyFilter
from tests.unit.rfb.helpers import CHUNK_SIZES, cut
from tests.unit.rfb.samples import ANNOUNCEMENT, SAMPLES, Sample

INIT = b"\x01"
ALL = [*SAMPLES, ANNOUNCEMENT]
LOOKING = {
    "SetPixelFormat", "SetEncodings, none", "SetEncodings", "SetEncodings, misleading", "FramebufferUpdateRequest",
    "EnableContinuousUpdates", "ClientFence", "ClientFence, empty", ANNOUNCEMENT.name,
}  # fmt: skip

SAMPLE_TYPES = {sample.name: MessageType(sample.data[0]) for sample in ALL}


def may_pass(sample: Sample) -> bytes:
    """What of a message reaches the server."""
    if sample is ANNOUNCEMENT:
        return bytes.fromhex("02 00 0002 00000007 00000000")
    return sample.data if sample.name in LOOKING else b""


def fed(stream: bytes, sizes: Sequence[int] = (1000,)) -> bytes:
    view_only = ViewOnlyFilter()
    return b"".join(view_only.feed(chunk) for chunk in cut(stream, sizes))


@pytest.mark.parametrize("sample", ALL, ids=lambda sample: sample.name)
@pytest.mark.parametrize("size", [1, 1000])
def test_every_message_passes_whole_or_not_at_all(sample: Sample, size: int) -> None:
    assert fed(INIT + sample.data * 2, [size]) == INIT + may_pass(sample) * 2


def test_no_message_that_passes_is_input() -> None:
    assert not [sample.name for sample in ALL if sample.is_input and may_pass(sample)]
    assert {SAMPLE_TYPES[name] for name in LOOKING} == PASSED


@given(st.lists(st.sampled_from(ALL), max_size=12), CHUNK_SIZES)
def test_any_messages_are_filtered_in_any_chunks(samples: list[Sample], sizes: list[int]) -> None:
    stream = INIT + b"".join(sample.data for sample in samples)

    assert fed(stream, sizes) == INIT + b"".join(may_pass(sample) for sample in samples)


@given(st.lists(st.sampled_from(ALL) | st.binary(max_size=20).map(lambda data: Sample("noise", data)), max_size=8))
def test_whatever_passes_can_be_framed_and_holds_no_input(samples: list[Sample]) -> None:
    view_only, framer = ViewOnlyFilter(), ClientMessageFramer()
    view_only.feed(INIT)
    for sample in samples:
        try:
            passed = view_only.feed(sample.data)
        except RemoteProtocolError:
            return
        assert not framer.feed(passed)


@pytest.mark.parametrize("flag", [b"\x00", b"\x01", b"\xff"])
def test_a_looker_never_throws_the_others_out(flag: bytes) -> None:
    # RFC 6143 section 7.3.1: without the shared flag the server may disconnect all other clients.
    assert fed(flag) == b"\x01"


def test_nothing_passes_before_client_init() -> None:
    view_only = ViewOnlyFilter()

    assert view_only.feed(b"") == b""
    assert view_only.feed(INIT) == INIT


def test_only_the_announcement_of_long_pointer_events_is_struck() -> None:
    encodings = bytes.fromhex("fffffec4 00000007 fffffec4 fffffec5 fffffec4")

    assert fed(INIT + b"\x02\x09\0\5" + encodings) == INIT + bytes.fromhex("02 09 0002 00000007 fffffec5")


def test_a_pointer_event_stays_short_since_the_server_never_heard_of_long_ones() -> None:
    pointer = bytes.fromhex("05 80 0102 0304")
    request = bytes.fromhex("03 01 0000 0000 0640 04b0")

    assert fed(INIT + ANNOUNCEMENT.data + pointer + request) == INIT + may_pass(ANNOUNCEMENT) + request


@pytest.mark.parametrize("size", [1, 1000])
def test_what_it_does_not_know_is_an_error_that_says_where(size: int) -> None:
    view_only = ViewOnlyFilter()
    stream = INIT + SAMPLES[0].data + bytes.fromhex("04 01 0000 00000061") + b"\x07"

    with pytest.raises(RemoteProtocolError) as caught:
        for chunk in cut(stream, [size]):
            view_only.feed(chunk)

    assert str(caught.value) == (
        "The viewer does not speak RFB as expected: message-type at byte 28 is 7, expected one of 0, 2, 3, 4, 5, 6, "
        "150, 248, 250, 251, 253, 255. Connect with a viewer that speaks RFB 3.3, 3.7 or 3.8."
    )


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (b"\x02\0" + (MAX_ENCODINGS + 1).to_bytes(2, "big"), "SetEncodings number-of-encodings"),
        (b"\x06\0\0\0" + (MAX_CUT_TEXT + 1).to_bytes(4, "big"), "ClientCutText length"),
        (b"\xf8\0\0\0\0\0\0\0\x41", "ClientFence length"),
        (b"\xff\x02", "QEMU submessage-type"),
    ],
)
def test_lengths_that_are_not_allowed_are_errors(message: bytes, field: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        fed(INIT + message)

    assert caught.value.field == field


def test_a_long_clipboard_is_dropped_without_being_kept() -> None:
    view_only = ViewOnlyFilter()
    view_only.feed(INIT + b"\x06\0\0\0" + (8 * 1024 * 1024).to_bytes(4, "big"))
    chunk = bytes(64 * 1024)
    tracemalloc.start()
    try:
        assert not any(view_only.feed(chunk) for _ in range(128))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 256 * 1024
    assert view_only.feed(SAMPLES[0].data) == SAMPLES[0].data


@pytest.mark.parametrize("form", [bytes, bytearray, memoryview])
def test_it_takes_bytes_in_any_form(form: type) -> None:
    view_only = ViewOnlyFilter()

    assert view_only.feed(form(INIT + SAMPLES[0].data)) == INIT + SAMPLES[0].data


def test_its_repr_tells_positions_only() -> None:
    view_only = ViewOnlyFilter()
    view_only.feed(INIT + SAMPLES[0].data + b"\x06\0\0\0\0\0\0\x0asecret")

    assert repr(view_only) == "<ViewOnlyFilter after 34 bytes, 4 to be dropped>"
