"""Reading a header until a message's length is known."""

from __future__ import annotations

import pytest

from remote_service.rfb.errors import Peer
from remote_service.rfb.layout import Fixed, Layout, Measured, not_allowed, read_header


def _short(header: bytes, offset: int) -> Layout:
    return Measured(4, _long) if header[1] else Fixed(2)


def _long(header: bytes, offset: int) -> Layout:
    return Fixed(offset + header[3])


def test_a_known_length_needs_no_more_bytes() -> None:
    steps = read_header(Fixed(6), b"\x05", 0)

    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value == (Fixed(6), b"\x05")


def test_a_header_may_turn_out_to_be_longer() -> None:
    steps = read_header(Measured(2, _short), b"\x05", 100)

    assert next(steps) == 1
    assert steps.send(b"\x01") == 2
    with pytest.raises(StopIteration) as end:
        steps.send(b"\0\x09")
    assert end.value.value == (Fixed(109), b"\x05\x01\0\x09")


def test_an_error_names_peer_place_field_value_and_what_is_allowed() -> None:
    assert str(not_allowed(Peer.VIEWER, 7, "length", 9, "at most 8")) == (
        "The viewer does not speak RFB as expected: length at byte 7 is 9, expected at most 8. "
        "Connect with a viewer that speaks RFB 3.3, 3.7 or 3.8."
    )
