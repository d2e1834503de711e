"""Every layout of the server's messages against its byte literal, and every length field against its bound."""

from __future__ import annotations

import pytest

from remote_service.rfb.errors import RemoteProtocolError
from remote_service.rfb.layout import Fixed, Measured
from remote_service.rfb.server_table import MAX_AUDIO, SERVER_LAYOUTS, ServerMessageType, server_layout_of
from tests.unit.rfb.samples import Sample
from tests.unit.rfb.server_samples import BOOKKEEPING, COPIED, OTHERS

SAMPLES = [*OTHERS, *BOOKKEEPING, *COPIED]


def measure(data: bytes) -> Fixed:
    layout = server_layout_of(data[0], 100)
    while isinstance(layout, Measured):
        layout = layout.measure(data[: layout.header], 100)
    return layout


def refusal(data: bytes) -> str:
    with pytest.raises(RemoteProtocolError) as caught:
        measure(data)
    before = "The VNC server does not speak RFB as expected: "
    after = ". Check that the session's endpoint is a VNC server."
    message = str(caught.value)
    assert message.startswith(before) and message.endswith(after)
    return message.removeprefix(before).removesuffix(after)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_message_has_the_length_of_its_literal(sample: Sample) -> None:
    assert measure(sample.data).length == len(sample.data)


def test_every_type_has_a_layout_and_a_sample() -> None:
    types = set(ServerMessageType) - {ServerMessageType.FRAMEBUFFER_UPDATE}

    assert {sample.data[0] for sample in SAMPLES} == set(SERVER_LAYOUTS) == types


@pytest.mark.parametrize("kind", sorted(set(range(256)) - set(ServerMessageType)))
def test_it_refuses_every_other_type(kind: int) -> None:
    assert (
        refusal(bytes([kind]))
        == f"message-type at byte 100 is {kind}, expected one of 0, 1, 2, 3, 150, 248, 250, 253, 255"
    )


def test_a_colour_map_is_bounded_by_its_count() -> None:
    assert measure(b"\x01\0\0\0\xff\xff").length == 6 + 6 * 65535


def test_a_fence_is_bounded() -> None:
    assert refusal(b"\xf8" + bytes(7) + b"\x41") == "ServerFence length at byte 108 is 65, expected at most 64 bytes"


def test_gii_messages_are_those_two() -> None:
    assert refusal(b"\xfd\x83\0\4") == "gii sub-type at byte 101 is 3, expected 1 or 2"
    assert refusal(b"\xfd\x82\0\5") == "gii length of sub-type 2 at byte 102 is 5, expected 4"
    assert refusal(b"\xfd\x01\0\4") == "gii length of sub-type 1 at byte 102 is 1024, expected 4"


def test_qemu_sends_sound_and_not_too_much() -> None:
    assert refusal(b"\xff\x00\0\0") == "QEMU submessage-type at byte 101 is 0, expected 1 (audio)"
    assert refusal(b"\xff\x01\0\3") == "QEMU audio operation at byte 102 is 3, expected 0 to 2"
    assert measure(b"\xff\x01\0\2" + MAX_AUDIO.to_bytes(4, "big")).length == 8 + MAX_AUDIO
    assert refusal(b"\xff\x01\0\2\xff\xff\xff\xff") == (
        "QEMU audio data-length at byte 104 is 4294967295, expected at most 4194304 bytes"
    )
