"""What a viewer may send under each policy: message for message, in any chunks, with framing never lost."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_service.rfb.clipboard import MAX_CUT_TEXT
from remote_service.rfb.encodings import ALLOWED, FOLLOWED, strike
from remote_service.rfb.errors import RemoteProtocolError
from remote_service.rfb.message_table import MAX_ENCODINGS
from remote_service.rfb.messages import ClientMessageFramer
from remote_service.rfb.pacer import Pacer
from remote_service.rfb.pixel_format import FormatInForce, PixelFormat
from remote_service.rfb.policy import Policy
from remote_service.rfb.viewer_filter import ViewerFilter
from tests.clock import Clock
from tests.unit.rfb.helpers import CHUNK_SIZES, cut
from tests.unit.rfb.samples import ANNOUNCEMENT, SAMPLES, Sample
from tests.unit.rfb.server_samples import FORMAT_16, FORMAT_32

INIT = b"\x01"
ALL = [*SAMPLES, ANNOUNCEMENT]
BY_NAME = {sample.name: sample for sample in ALL}
KEY, REQUEST = BY_NAME["KeyEvent"].data, BY_NAME["FramebufferUpdateRequest"].data

PICTURE = {
    "SetPixelFormat", "SetEncodings, none", "SetEncodings", "SetEncodings, misleading", ANNOUNCEMENT.name,
    "FramebufferUpdateRequest", "EnableContinuousUpdates", "ClientFence", "ClientFence, empty",
}  # fmt: skip
CAPS = {"ClientCutText, caps"}
ASKING = {"ClientCutText, request", "ClientCutText, peek"}
COPYING = {
    "ClientCutText", "ClientCutText, empty", "ClientCutText, of type bytes", "ClientCutText, notify",
    "ClientCutText, provide",
}  # fmt: skip
SIZES = {"SetDesktopSize", "SetDesktopSize, no screen"}
EVERYTHING = set(BY_NAME)

PASSING = {
    Policy(): EVERYTHING,
    Policy(view_only=True): PICTURE | CAPS,
    Policy(no_clipboard_in=True): EVERYTHING - COPYING,
    Policy(no_clipboard_out=True): EVERYTHING - ASKING,
    Policy(no_resize=True): EVERYTHING - SIZES,
    Policy(view_only=True, no_clipboard_in=True, no_clipboard_out=True, no_resize=True): PICTURE | CAPS,
    Policy(no_clipboard_in=True, no_clipboard_out=True): EVERYTHING - COPYING - ASKING,
}
REQUEST_NAME = "FramebufferUpdateRequest"
POLICIES = st.sampled_from(list(PASSING))


def made(policy: Policy, clock: Clock | None = None, format: FormatInForce | None = None) -> ViewerFilter:
    return ViewerFilter(policy, Pacer(clock or Clock(), policy.max_updates_per_second), format)


def fed(policy: Policy, stream: bytes, sizes: Sequence[int] = (1000,)) -> bytes:
    viewer = made(policy)
    return b"".join(viewer.feed(chunk) for chunk in cut(stream, sizes))


def may_pass(policy: Policy, samples: Iterable[Sample]) -> bytes:
    passing = [sample.data for sample in samples if sample.name in PASSING[policy]]
    return b"".join(strike(data, ALLOWED) if data[0] == 2 else data for data in passing)


@pytest.mark.parametrize("sample", ALL, ids=lambda sample: sample.name)
@pytest.mark.parametrize("policy", PASSING, ids=str)
@pytest.mark.parametrize("size", [1, 1000])
def test_every_message_passes_whole_or_not_at_all(sample: Sample, policy: Policy, size: int) -> None:
    assert fed(policy, INIT + sample.data * 2, [size]) == INIT + may_pass(policy, [sample, sample])


@given(POLICIES, st.lists(st.sampled_from(ALL), max_size=12), CHUNK_SIZES)
def test_any_messages_are_filtered_in_any_chunks(policy: Policy, samples: list[Sample], sizes: list[int]) -> None:
    stream = INIT + b"".join(sample.data for sample in samples)

    assert fed(policy, stream, sizes) == INIT + may_pass(policy, samples)


@given(st.lists(st.sampled_from(ALL) | st.binary(max_size=20).map(lambda data: Sample("noise", data)), max_size=8))
def test_whatever_passes_a_looker_can_be_framed_and_holds_no_input(samples: list[Sample]) -> None:
    viewer, framer = made(Policy(view_only=True)), ClientMessageFramer()
    viewer.feed(INIT)
    for sample in samples:
        try:
            passed = viewer.feed(sample.data)
        except RemoteProtocolError:
            return
        assert not framer.feed(passed)
        assert not viewer.input_passed


@pytest.mark.parametrize("flag", [b"\x00", b"\x01", b"\xff"])
def test_a_viewer_never_throws_the_others_out(flag: bytes) -> None:
    # RFC 6143 section 7.3.1: without the shared flag the server may disconnect all other clients.
    assert fed(Policy(no_resize=True), flag) == b"\x01"


@pytest.mark.parametrize("name", [*sorted(EVERYTHING - PICTURE - COPYING - ASKING - CAPS), REQUEST_NAME])
@pytest.mark.parametrize("form", [bytes, bytearray, memoryview])
def test_what_passes_whole_is_not_copied(name: str, form: type) -> None:
    viewer = made(Policy(no_clipboard_in=True))
    viewer.feed(INIT)
    chunk = form(KEY + BY_NAME[name].data + REQUEST[:7])

    assert viewer.feed(chunk) is chunk


def test_input_is_told_only_when_it_passes() -> None:
    controls, looks = made(Policy(no_clipboard_in=True)), made(Policy(view_only=True))
    told = [
        (controls.feed(data), controls.input_passed, looks.feed(data), looks.input_passed)[1::2]
        for data in (INIT, KEY, REQUEST, BY_NAME["ClientCutText"].data, KEY[:1], KEY[1:], REQUEST + KEY)
    ]

    assert [control for control, _ in told] == [False, True, False, False, True, False, True]
    assert not any(look for _, look in told)


def test_clipboard_text_that_passes_is_input() -> None:
    viewer = made(Policy(no_resize=True))
    viewer.feed(INIT)

    viewer.feed(BY_NAME["ClientCutText"].data)
    assert viewer.input_passed
    viewer.feed(BY_NAME["ClientCutText, request"].data)
    assert not viewer.input_passed


def test_another_policy_holds_from_the_next_message_on() -> None:
    viewer = made(Policy(no_resize=True))
    text = BY_NAME["ClientCutText"].data
    viewer.feed(INIT + text[:10])

    viewer.policy = Policy(view_only=True)
    assert viewer.feed(text[10:] + text[:10]) == text[10:]

    viewer.policy = Policy()
    assert viewer.feed(text[10:] + text) == text


def test_a_pointer_event_stays_short_since_the_server_never_heard_of_long_ones() -> None:
    pointer = BY_NAME["PointerEvent, eighth button"].data

    assert fed(Policy(no_resize=True), INIT + ANNOUNCEMENT.data + pointer + KEY) == (
        INIT + bytes.fromhex("02 00 0002 00000007 00000000") + pointer + KEY
    )


# ---- update requests ------------------------------------------------------------------------------------


def test_requests_that_come_too_early_are_held_and_nothing_else_is() -> None:
    clock = Clock()
    viewer = made(Policy(no_resize=True, max_updates_per_second=10), clock)

    assert viewer.feed(INIT + REQUEST + KEY + REQUEST + KEY) == INIT + REQUEST + KEY + KEY
    assert viewer.held_until == clock.now + 0.1
    assert viewer.release() == b""
    clock.now += 0.1
    assert viewer.release() == REQUEST
    assert viewer.held_until is None


def test_what_is_due_never_falls_into_a_message() -> None:
    clock = Clock()
    viewer = made(Policy(no_resize=True, max_updates_per_second=10), clock)
    viewer.feed(INIT + REQUEST + REQUEST + KEY[:3])
    clock.now += 1

    assert viewer.held_until is None
    assert viewer.release() == b""
    assert viewer.feed(KEY[3:] + KEY) == KEY[3:] + REQUEST + KEY


# ---- where the server is followed -----------------------------------------------------------------------


def followed(clock: Clock | None = None, rate: float | None = None) -> tuple[ViewerFilter, FormatInForce]:
    format = FormatInForce()
    format.initial(PixelFormat(4, 3))
    viewer = made(Policy(no_clipboard_out=True, max_updates_per_second=rate), clock, format)
    viewer.feed(INIT)
    return viewer, format


def test_only_encodings_that_can_be_measured_are_named() -> None:
    viewer, _ = followed()
    message = b"\x02\0\0\x04" + struct.pack(">4i", 7, 21, -317, 0)

    assert viewer.feed(message) == strike(message, FOLLOWED) == b"\x02\0\0\x02" + struct.pack(">2i", 7, 0)


@pytest.mark.parametrize("size", [1, 100])
def test_the_pixel_format_is_told_and_passes(size: int) -> None:
    viewer, format = followed()
    message = bytes(4) + FORMAT_16

    assert b"".join(viewer.feed(chunk) for chunk in cut(message, [size])) == message
    assert format.update_begins() == PixelFormat(2, 2)


@pytest.mark.parametrize("ask", [REQUEST, BY_NAME["EnableContinuousUpdates"].data])
@pytest.mark.parametrize("rate", [None, 10])
def test_the_pixels_keep_their_size_once_updates_were_asked_for(ask: bytes, rate: float | None) -> None:
    viewer, _ = followed(rate=rate)
    viewer.feed(ask)
    viewer.feed(bytes(4) + FORMAT_32)

    with pytest.raises(RemoteProtocolError) as caught:
        viewer.feed(bytes(4) + FORMAT_16)

    assert "SetPixelFormat at byte 34 is 16 bits a pixel, expected no other size" in str(caught.value)


def test_a_request_counts_when_it_is_released() -> None:
    clock = Clock()
    viewer, format = followed(clock, rate=10)
    viewer.feed(REQUEST + REQUEST)
    format.update_begins()
    clock.now += 0.1

    assert viewer.release() == REQUEST
    with pytest.raises(RemoteProtocolError):
        viewer.feed(bytes(4) + FORMAT_16)


# ---- hostile viewers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize("policy", PASSING, ids=str)
def test_what_it_does_not_know_is_an_error_that_says_where(policy: Policy, size: int) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        fed(policy, INIT + SAMPLES[0].data + KEY + b"\x07", [size])

    assert str(caught.value) == (
        "The viewer does not speak RFB as expected: message-type at byte 28 is 7, expected one of 0, 2, 3, 4, 5, 6, "
        "150, 248, 250, 251, 253, 255. Connect with a viewer that speaks RFB 3.3, 3.7 or 3.8."
    )


def test_behind_an_error_nothing_passes_any_more() -> None:
    viewer = made(Policy(no_resize=True))
    with pytest.raises(RemoteProtocolError):
        viewer.feed(INIT + b"\x07")

    with pytest.raises(RuntimeError):
        viewer.feed(KEY)


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (b"\x02\0" + (MAX_ENCODINGS + 1).to_bytes(2, "big"), "SetEncodings number-of-encodings"),
        (b"\x06\0\0\0" + (MAX_CUT_TEXT + 1).to_bytes(4, "big"), "ClientCutText length"),
        (b"\x06\0\0\0\xff\xff\xff\xff\0\0\0\0", "ClientCutText length"),
        (b"\xf8\0\0\0\0\0\0\0\x41", "ClientFence length"),
        (b"\xff\x02", "QEMU submessage-type"),
    ],
)
@pytest.mark.parametrize("policy", PASSING, ids=str)
def test_lengths_that_are_not_allowed_are_errors(policy: Policy, message: bytes, field: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        fed(policy, INIT + message)

    assert caught.value.field == field


@pytest.mark.parametrize("policy", [Policy(view_only=True), Policy(no_resize=True)], ids=str)
def test_a_long_clipboard_is_never_kept(policy: Policy) -> None:
    viewer = made(policy)
    viewer.feed(INIT + b"\x06\0\0\0" + (8 * 1024 * 1024).to_bytes(4, "big"))
    chunk = bytes(64 * 1024)
    tracemalloc.start()
    try:
        for _ in range(128):
            viewer.feed(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 16 * 1024
    assert viewer.feed(REQUEST) == REQUEST


def test_its_repr_tells_positions_only() -> None:
    viewer = made(Policy(view_only=True))
    viewer.feed(INIT + SAMPLES[0].data + b"\x06\0\0\0\0\0\0\x0asecret")

    assert repr(viewer) == "<ViewerFilter <Sieve at byte 34, taking out>>"
