"""How long pixels are, and which changes of that can be followed."""

from __future__ import annotations

import pytest

from remote_service.rfb.errors import Peer, RemoteProtocolError
from remote_service.rfb.pixel_format import FormatInForce, PixelFormat
from tests.unit.rfb.server_samples import FORMAT_8, FORMAT_16, FORMAT_32

WORDS, HALVES, BYTES = PixelFormat(4, 3), PixelFormat(2, 2), PixelFormat(1, 1)
AMBIGUOUS = PixelFormat(4, None)


def parse(data: bytes) -> PixelFormat:
    return PixelFormat.parse(data, peer=Peer.VNC_SERVER, offset=4)


@pytest.mark.parametrize(
    ("data", "format"),
    [
        (FORMAT_32, WORDS),
        (FORMAT_16, HALVES),
        (FORMAT_8, BYTES),
        (bytes.fromhex("20 18 01 01 00ff 00ff 00ff 18 10 08 000000"), WORDS),
        (bytes.fromhex("20 1e 00 01 03ff 03ff 03ff 14 0a 00 000000"), PixelFormat(4, 4)),
        (bytes.fromhex("20 20 00 01 00ff 00ff 00ff 10 08 00 000000"), AMBIGUOUS),
        (bytes.fromhex("20 18 00 01 00ff 00ff 00ff 11 09 00 000000"), AMBIGUOUS),
        (bytes.fromhex("20 18 00 01 00ff 00ff 00ff 08 08 00 000000"), AMBIGUOUS),
        (bytes.fromhex("20 18 00 00 0000 0000 0000 00 00 00 000000"), AMBIGUOUS),
    ],
)
def test_a_format_tells_how_long_a_pixel_is(data: bytes, format: PixelFormat) -> None:
    assert parse(data) == format


@pytest.mark.parametrize("bits", [0, 24, 64])
def test_pixels_of_other_sizes_are_refused(bits: int) -> None:
    with pytest.raises(RemoteProtocolError, match=f"bits-per-pixel at byte 4 is {bits}, expected 8, 16 or 32"):
        parse(bytes([bits]) + FORMAT_32[1:])


def test_the_viewer_changes_what_the_server_began_with() -> None:
    force = FormatInForce()
    force.initial(WORDS)
    assert force.update_begins() == WORDS

    force.set(HALVES, 0)
    assert force.update_begins() == HALVES


def test_a_viewer_may_be_quicker_than_the_server() -> None:
    force = FormatInForce()
    force.set(HALVES, 0)
    force.initial(WORDS)

    assert force.update_begins() == HALVES


def test_a_change_between_updates_is_followed() -> None:
    force = FormatInForce()
    force.initial(WORDS)
    force.update_was_asked_for()
    force.update_begins()
    force.set(BYTES, 0)

    assert force.update_begins() == BYTES


def refusal(force: FormatInForce, format: PixelFormat) -> str:
    with pytest.raises(RemoteProtocolError) as caught:
        force.set(format, 24)
    return str(caught.value)


def test_a_change_while_an_update_is_on_its_way_is_refused() -> None:
    force = FormatInForce()
    force.initial(WORDS)
    force.update_was_asked_for()

    force.set(WORDS, 24)
    assert refusal(force, HALVES) == (
        "The viewer does not speak RFB as expected: SetPixelFormat at byte 24 is 16 bits a pixel, expected no other "
        "size of pixels while updates are on their way (RFC 6143 section 7.5.1). "
        "Connect with a viewer that speaks RFB 3.3, 3.7 or 3.8."
    )


def test_after_two_requests_at_once_nobody_knows_what_is_on_its_way() -> None:
    force = FormatInForce()
    force.initial(WORDS)
    force.update_was_asked_for()
    force.update_was_asked_for()
    force.update_begins()

    assert "16 bits a pixel" in refusal(force, HALVES)


def test_where_updates_come_unasked_the_size_stays() -> None:
    force = FormatInForce()
    force.initial(WORDS)
    force.updates_come_unasked()
    force.update_begins()

    assert "8 bits a pixel" in refusal(force, BYTES)


def test_a_viewer_may_not_set_a_format_that_servers_read_differently() -> None:
    force = FormatInForce()
    force.initial(WORDS)

    assert "32 bits a pixel of another kind, expected a depth of 24" in refusal(force, AMBIGUOUS)
