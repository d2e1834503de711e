"""Every layout against its byte literal, and every length field against its bound."""

from __future__ import annotations

from typing import Literal

import pytest

from remote_service.rfb.clipboard import MAX_CUT_TEXT
from remote_service.rfb.errors import RemoteProtocolError
from remote_service.rfb.layout import Fixed, Measured
from remote_service.rfb.message_table import (
    EXTENDED_LAYOUTS,
    LAYOUTS,
    MAX_ENCODINGS,
    MAX_FENCE_PAYLOAD,
    MessageType,
    layout_of,
)
from tests.unit.rfb.samples import EXTENDED_SAMPLES, SAMPLES, Sample


def measure(data: bytes, *, extended: bool = False, offset: int = 0) -> Fixed:
    """Find the final layout of the message that `data` begins with."""
    layout = layout_of(data[0], EXTENDED_LAYOUTS if extended else LAYOUTS, offset)
    while isinstance(layout, Measured):
        layout = layout.measure(data[: layout.header], offset)
    return layout


def refusal(data: bytes) -> str:
    with pytest.raises(RemoteProtocolError) as caught:
        measure(data, offset=100)
    before = "The viewer does not speak RFB as expected: "
    after = ". Connect with a viewer that speaks RFB 3.3, 3.7 or 3.8."
    message = str(caught.value)
    assert message.startswith(before) and message.endswith(after)
    return message.removeprefix(before).removesuffix(after)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_message_has_the_length_of_its_literal(sample: Sample) -> None:
    layout = measure(sample.data)

    assert layout.length == len(sample.data)
    assert layout.is_input is sample.is_input


@pytest.mark.parametrize("sample", EXTENDED_SAMPLES, ids=lambda sample: sample.name)
def test_a_pointer_event_has_seven_bytes_only_for_viewers_that_announced_it(sample: Sample) -> None:
    assert measure(sample.data, extended=True) == Fixed(len(sample.data), is_input=True)
    assert measure(sample.data, extended=False) == Fixed(6, is_input=True)


def test_every_type_has_a_sample() -> None:
    assert {sample.data[0] for sample in SAMPLES} == set(LAYOUTS) == set(EXTENDED_LAYOUTS) == set(MessageType)


@pytest.mark.parametrize("kind", sorted(set(range(256)) - set(MessageType)))
def test_it_refuses_every_other_type(kind: int) -> None:
    assert refusal(bytes([kind])) == (
        f"message-type at byte 100 is {kind}, expected one of 0, 2, 3, 4, 5, 6, 150, 248, 250, 251, 253, 255"
    )


def test_set_encodings_is_bounded() -> None:
    assert measure(b"\x02\0" + MAX_ENCODINGS.to_bytes(2, "big")).length == 4 + 4 * 1024
    assert refusal(b"\x02\0\x04\x01") == "SetEncodings number-of-encodings at byte 102 is 1025, expected at most 1024"


def test_cut_text_is_bounded() -> None:
    assert measure(b"\x06\0\0\0" + MAX_CUT_TEXT.to_bytes(4, "big")).length == 8 + 32 * 1024 * 1024
    assert refusal(b"\x06\0\0\0\x02\x00\x00\x01") == (
        "ClientCutText length at byte 104 is 33554433, expected at most 33554432 bytes"
    )
    assert refusal(b"\x06\0\0\0\x7f\xff\xff\xff") == (
        "ClientCutText length at byte 104 is 2147483647, expected at most 33554432 bytes"
    )


def test_extended_cut_text_is_bounded_both_ways() -> None:
    def header(length: int) -> bytes:
        return b"\x06\0\0\0" + length.to_bytes(4, "big", signed=True) + bytes(4)

    assert measure(header(-MAX_CUT_TEXT)).length == 8 + 32 * 1024 * 1024
    assert measure(header(-4)).length == 12
    for length in (-3, -1, -MAX_CUT_TEXT - 1, -(2**31)):
        assert refusal(header(length)) == (
            f"ClientCutText length at byte 104 is {length}, expected -4 (the flags alone) to -33554432"
        )


@pytest.mark.parametrize(
    ("flags", "is_input"),
    [
        (0x1F000001, False),  # caps of noVNC 1.7, which has the bits of all actions
        (0x01000000, False),  # caps
        (0x02000001, False),  # request
        (0x04000000, False),  # peek
        (0x08000001, True),  # notify
        (0x10000001, True),  # provide
        (0x00000000, False),
    ],
)
def test_of_the_extended_clipboard_only_copied_text_is_input(flags: int, is_input: bool) -> None:
    assert measure(b"\x06\0\0\0\xff\xff\xff\xfc" + flags.to_bytes(4, "big")).is_input is is_input


def test_a_fence_is_bounded() -> None:
    assert measure(b"\xf8" + bytes(7) + bytes([MAX_FENCE_PAYLOAD])).length == 9 + 64
    assert refusal(b"\xf8" + bytes(7) + b"\x41") == "ClientFence length at byte 108 is 65, expected at most 64 bytes"


def test_the_screens_of_a_desktop_are_bounded_by_their_byte() -> None:
    assert measure(b"\xfb" + bytes(5) + b"\xff\0").length == 8 + 16 * 255


@pytest.mark.parametrize(("order", "flag"), [("big", 0x80), ("little", 0)])
def test_gii_lengths_are_bounded(order: Literal["big", "little"], flag: int) -> None:
    def header(kind: int, length: int) -> bytes:
        return bytes([253, kind | flag]) + length.to_bytes(2, order)

    assert measure(header(0, 0xFFFF)) == Fixed(4 + 0xFFFF, is_input=True)
    assert measure(header(2, 56 + 116 * 564)) == Fixed(4 + 56 + 116 * 564)
    assert refusal(header(1, 4)) == "gii length of sub-type 1 at byte 102 is 4, expected 2"
    assert refusal(header(2, 55)) == "gii length of sub-type 2 at byte 102 is 55, expected 56 and a multiple of 116"
    assert refusal(header(2, 57)) == "gii length of sub-type 2 at byte 102 is 57, expected 56 and a multiple of 116"
    assert refusal(header(3, 0)) == "gii length of sub-type 3 at byte 102 is 0, expected 4"
    assert refusal(header(4, 0)) == "gii sub-type at byte 101 is 4, expected 0 to 3"


def test_qemu_messages_are_those_two() -> None:
    assert refusal(b"\xff\x02") == "QEMU submessage-type at byte 101 is 2, expected 0 (key) or 1 (audio)"
    assert refusal(b"\xff\x01\x00\x03") == "QEMU audio operation at byte 102 is 3, expected 0 to 2"
