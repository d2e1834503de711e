"""Framing and input, at every chunking; then the watch over whole conversations."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_service.rfb.clipboard import MAX_CUT_TEXT
from remote_service.rfb.errors import RemoteProtocolError
from remote_service.rfb.messages import ClientMessageFramer, InputWatch
from tests.unit.rfb.helpers import CHUNK_SIZES, cut
from tests.unit.rfb.recordings import load
from tests.unit.rfb.samples import ANNOUNCEMENT, EXTENDED_SAMPLES, SAMPLES, Sample

KEY = bytes.fromhex("04 01 0000 00000061")
REQUEST = bytes.fromhex("03 01 0000 0000 0640 04b0")
UNKNOWN = b"\x07"
V3_8 = b"RFB 003.008\n"

# What has its top bit set is read as the long form once the extension is announced.
AFTER_ANNOUNCEMENT = [sample for sample in SAMPLES if sample.name != "PointerEvent, eighth button"]


def expected(samples: Sequence[Sample], sizes: Sequence[int]) -> list[bool]:
    """For each chunk of the stream, whether it holds a byte of input that is certain by its end."""
    marks: list[bool] = []
    for sample in samples:
        marks += [sample.shows_at is not None and i >= sample.shows_at for i in range(len(sample.data))]
    return [any(chunk) for chunk in cut(bytes(marks), sizes)]


def assert_framed(samples: Sequence[Sample], sizes: Sequence[int]) -> None:
    framer = ClientMessageFramer()
    stream = b"".join(sample.data for sample in samples)

    assert [framer.feed(chunk) for chunk in cut(stream, sizes)] == expected(samples, sizes)

    with pytest.raises(RemoteProtocolError) as caught:
        framer.feed(UNKNOWN)
    assert caught.value.offset == len(stream), "it is at a message's end"


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
@pytest.mark.parametrize("size", [1, 1000])
def test_every_message_is_framed_one_byte_at_a_time_and_all_at_once(sample: Sample, size: int) -> None:
    assert_framed([sample, sample], [size])


@pytest.mark.parametrize("sample", EXTENDED_SAMPLES, ids=lambda sample: sample.name)
@pytest.mark.parametrize("size", [1, 1000])
def test_the_long_pointer_event_is_framed_once_it_was_announced(sample: Sample, size: int) -> None:
    assert_framed([ANNOUNCEMENT, sample, sample], [size])


@given(st.lists(st.sampled_from(SAMPLES), min_size=1, max_size=12), CHUNK_SIZES)
def test_any_messages_are_framed_in_any_chunks(samples: list[Sample], sizes: list[int]) -> None:
    assert_framed(samples, sizes)


@given(st.lists(st.sampled_from(AFTER_ANNOUNCEMENT + EXTENDED_SAMPLES), max_size=12), CHUNK_SIZES)
def test_any_messages_are_framed_after_the_announcement(samples: list[Sample], sizes: list[int]) -> None:
    # After the first byte a short PointerEvent cannot be told from a long one, so it shows with the second.
    samples = [Sample(sample.name, sample.data, 1) if sample.name == "PointerEvent" else sample for sample in samples]
    assert_framed([ANNOUNCEMENT, *samples], sizes)


def test_the_announcement_is_not_forgotten_by_a_later_set_encodings() -> None:
    later = next(sample for sample in SAMPLES if sample.name == "SetEncodings")

    assert_framed([ANNOUNCEMENT, later, EXTENDED_SAMPLES[0]], [1000])


@pytest.mark.parametrize("form", [bytes, bytearray, memoryview])
def test_it_takes_bytes_in_any_form(form: type) -> None:
    framer = ClientMessageFramer()
    stream = b"".join(sample.data for sample in [ANNOUNCEMENT, *AFTER_ANNOUNCEMENT])

    for size in (len(stream), 1):
        assert any(framer.feed(form(chunk)) for chunk in cut(stream, [size]))


def test_an_empty_chunk_holds_nothing() -> None:
    framer = ClientMessageFramer()
    framer.feed(KEY[:4])

    assert framer.feed(b"") is False


def test_housekeeping_between_input_does_not_count_again() -> None:
    framer = ClientMessageFramer()

    assert framer.feed(KEY) is True
    assert framer.feed(REQUEST) is False
    assert framer.feed(REQUEST + KEY) is True
    assert framer.feed(b"\x06") is False


def test_an_unknown_message_is_refused_with_its_place_in_the_stream() -> None:
    framer = ClientMessageFramer()
    framer.feed(KEY + REQUEST[:3])

    with pytest.raises(RemoteProtocolError) as caught:
        framer.feed(REQUEST[3:] + b"\x07rest")

    assert str(caught.value) == (
        "The viewer does not speak RFB as expected: message-type at byte 18 is 7, expected "
        "one of 0, 2, 3, 4, 5, 6, 150, 248, 250, 251, 253, 255. "
        "Connect with a viewer that speaks RFB 3.3, 3.7 or 3.8."
    )


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_length_that_is_not_allowed_is_refused_with_its_place_in_the_stream(size: int) -> None:
    framer = ClientMessageFramer()

    with pytest.raises(RemoteProtocolError) as caught:
        for chunk in cut(KEY + b"\x06\0\0\0\x7f\xff\xff\xff", [size]):
            framer.feed(chunk)

    assert caught.value.offset == len(KEY) + 4
    assert caught.value.field == "ClientCutText length"


def test_a_long_message_is_counted_and_not_collected() -> None:
    framer = ClientMessageFramer()
    framer.feed(b"\x06\0\0\0" + MAX_CUT_TEXT.to_bytes(4, "big"))
    chunk = bytes(65536)
    tracemalloc.start()
    try:
        for _ in range(MAX_CUT_TEXT // len(chunk)):
            assert framer.feed(chunk) is True
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 4096
    assert framer.feed(REQUEST) is False


def test_the_repr_of_a_framer_holds_no_bytes_of_the_viewer() -> None:
    framer = ClientMessageFramer()
    framer.feed(KEY + b"\x06\0\0\0\0\0\0\x08secret")

    assert repr(framer) == "<ClientMessageFramer after 22 bytes, 2 to come of a message>"


@given(st.lists(st.binary(max_size=60) | st.sampled_from([sample.data for sample in SAMPLES]), max_size=8))
def test_garbage_raises_nothing_but_a_protocol_error(chunks: list[bytes]) -> None:
    framer = ClientMessageFramer()
    try:
        for chunk in chunks:
            framer.feed(chunk)
    except RemoteProtocolError as error:
        assert 0 <= error.offset < sum(map(len, chunks))


def test_it_watches_a_real_viewer_from_the_banner_on() -> None:
    watch = InputWatch.for_rfb()
    recording = load("novnc-1.7.0")

    for piece in recording.pieces:
        if piece.from_server:
            watch.from_server(piece.data)
        else:
            assert watch.from_viewer(piece.data) is piece.is_input, piece.data.hex()

    assert not watch.opaque
    assert not watch.needs_server


@given(sizes=CHUNK_SIZES)
def test_it_watches_a_real_viewer_in_any_chunks(sizes: list[int]) -> None:
    watch = InputWatch.for_rfb()
    recording = load("novnc-1.7.0")
    watch.from_server(recording.server)

    verdicts = [watch.from_viewer(chunk) for chunk in cut(recording.viewer, sizes)]

    assert any(verdicts)
    assert not watch.opaque
    assert watch.from_viewer(REQUEST) is False


def test_it_watches_from_client_init_behind_our_own_logins() -> None:
    watch = InputWatch.for_authenticated()
    assert not watch.needs_server

    assert watch.from_viewer(b"\x01") is False
    assert watch.from_viewer(REQUEST) is False
    assert watch.from_viewer(KEY) is True
    assert watch.from_viewer(REQUEST) is False
    assert not watch.opaque


def test_input_in_one_chunk_with_the_end_of_the_handshake_counts() -> None:
    watch = InputWatch.for_authenticated()

    assert watch.from_viewer(b"\x01" + REQUEST + KEY) is True


def test_the_handshake_itself_is_no_input() -> None:
    watch = InputWatch.for_rfb()
    watch.from_server(V3_8)

    assert [watch.from_viewer(data) for data in (V3_8, b"\x02", bytes(16), b"\x01")] == [False] * 4
    assert not watch.opaque


def test_of_a_raw_stream_every_byte_is_input() -> None:
    watch = InputWatch.for_raw()

    assert watch.opaque
    assert not watch.needs_server
    watch.from_server(b"anything")
    assert watch.from_viewer(REQUEST) is True
    assert watch.from_viewer(b"") is False


@pytest.mark.parametrize("garbage", [UNKNOWN, b"\x02\0\xff\xff", b"\x06\0\0\0\x7f\xff\xff\xff"])
def test_once_framing_is_lost_every_byte_is_input(garbage: bytes) -> None:
    watch = InputWatch.for_authenticated()
    assert watch.from_viewer(b"\x01" + REQUEST) is False

    assert watch.from_viewer(garbage) is True

    assert watch.opaque
    assert watch.from_viewer(REQUEST) is True


def test_garbage_behind_client_init_makes_it_opaque_at_once() -> None:
    watch = InputWatch.for_authenticated()

    assert watch.from_viewer(b"\x01" + UNKNOWN) is True
    assert watch.opaque


def test_a_security_type_that_may_encrypt_makes_every_byte_input() -> None:
    watch = InputWatch.for_rfb()
    for piece in load("tigervnc-1.12.0-vencrypt-3.8").pieces:
        (watch.from_server if piece.from_server else watch.from_viewer)(piece.data)

    assert watch.opaque
    assert not watch.needs_server
    assert watch.from_viewer(b"\x17\x03\x03") is True


def test_a_server_that_speaks_something_else_makes_every_byte_input() -> None:
    watch = InputWatch.for_rfb()
    assert watch.needs_server

    watch.from_server(b"SSH-2.0-OpenSSH_9.2\r\n")

    assert watch.opaque
    assert not watch.needs_server
    assert watch.from_viewer(b"S") is True


def test_the_server_may_end_the_handshake_of_a_viewer_that_did_not_wait() -> None:
    watch = InputWatch.for_rfb()
    assert watch.from_viewer(b"RFB 003.003\n\x01" + REQUEST[:4]) is False

    watch.from_server(b"RFB 003.003\n\0\0\0\x01")

    assert watch.from_viewer(REQUEST[4:]) is False
    assert watch.from_viewer(KEY) is True
    assert not watch.opaque


def test_the_watch_lets_go_of_the_handshake() -> None:
    watch = InputWatch.for_authenticated()
    assert repr(watch) == "<InputWatch client init>"

    watch.from_viewer(b"\x01" + REQUEST)

    assert repr(watch) == "<InputWatch <ClientMessageFramer after 10 bytes, 0 to come of a message>>"
    assert repr(InputWatch.for_raw()) == "<InputWatch opaque>"


MAKERS: list[Callable[[], InputWatch]] = [
    InputWatch.for_rfb,
    InputWatch.for_authenticated,
    InputWatch.for_raw,
]
BITS = st.binary(max_size=60) | st.sampled_from([V3_8, b"\x01", *(sample.data for sample in SAMPLES)])


@given(
    st.sampled_from(MAKERS),
    st.lists(st.tuples(st.booleans(), BITS), max_size=12),
)
def test_the_watch_never_raises(make: Callable[[], InputWatch], pieces: list[tuple[bool, bytes]]) -> None:
    watch = make()
    for from_server, data in pieces:
        if from_server:
            watch.from_server(data)
        else:
            was_opaque = watch.opaque
            assert watch.from_viewer(data) in (True, False)
            assert watch.opaque or not was_opaque, "opaque is final"
