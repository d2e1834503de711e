"""Which encodings a viewer behind a filter may name, and that the others are struck in their place."""

from __future__ import annotations

import pytest

from remote_service.rfb.encodings import ALLOWED, FOLLOWED, Encoding, strike
from remote_service.rfb.rectangles import RECTANGLES

NEVER_A_RECTANGLE = {
    Encoding.GII, Encoding.XVP, Encoding.FENCE, Encoding.CONTINUOUS_UPDATES, Encoding.EXTENDED_CLIPBOARD,
}  # fmt: skip


def set_encodings(*numbers: int) -> bytes:
    return b"\x02\0" + len(numbers).to_bytes(2, "big") + b"".join(n.to_bytes(4, "big", signed=True) for n in numbers)


def test_what_may_be_named_where_the_server_is_followed_can_be_measured() -> None:
    levels = {number for number in FOLLOWED if number not in set(Encoding)}

    assert FOLLOWED - levels - NEVER_A_RECTANGLE == set(RECTANGLES) - {Encoding.EXTENDED_MOUSE_BUTTONS}


def test_levels_are_wishes_and_no_more() -> None:
    assert {number for number in ALLOWED if number not in set(Encoding)} == {
        *range(-32, -22), *range(-256, -246), *range(-512, -411), *range(-768, -762),
    }  # fmt: skip


@pytest.mark.parametrize("number", [-316, 9, 22, 1024, -310, -523, 0xFFFF8002 - (1 << 32)])
def test_what_is_unknown_or_changes_framing_is_struck(number: int) -> None:
    assert strike(set_encodings(7, number, 0), ALLOWED) == set_encodings(7, 0)


@pytest.mark.parametrize("number", [21, 15, 8, -317, 0x574D5669])
def test_what_cannot_be_measured_is_struck_only_where_the_server_is_followed(number: int) -> None:
    assert strike(set_encodings(number, 0), ALLOWED) == set_encodings(number, 0)
    assert strike(set_encodings(number, 0), FOLLOWED) == set_encodings(0)


def test_order_padding_and_an_allowed_list_stay_as_they_are() -> None:
    message = b"\x02\x09" + set_encodings(16, 7, 5, -32, -247, 0)[2:]

    assert strike(message, FOLLOWED) is message
    assert strike(set_encodings(), ALLOWED) == set_encodings()
