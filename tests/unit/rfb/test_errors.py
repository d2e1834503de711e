"""Errors compose whole sentences, and a server's words are made harmless before they go into one."""

from __future__ import annotations

import pytest

from remote_service.rfb.errors import (
    MAX_REASON_SHOWN,
    AuthenticationFailed,
    Peer,
    RemoteProtocolError,
    RFBError,
    clean_reason,
)


def test_a_protocol_error_names_peer_place_field_value_and_what_is_allowed() -> None:
    error = RemoteProtocolError(
        Peer.VNC_SERVER, offset=12, field="security-type", value=b"\x00\xff", allowed="1 (None)"
    )

    assert str(error) == (
        "The VNC server does not speak RFB as expected: security-type at byte 12 is b'\\x00\\xff', expected "
        "1 (None). Check that the session's endpoint is a VNC server."
    )
    assert isinstance(error, RFBError)
    assert (error.peer, error.offset, error.field) == (Peer.VNC_SERVER, 12, "security-type")
    assert (error.value, error.allowed) == (b"\x00\xff", "1 (None)")


def test_a_protocol_error_of_a_viewer_tells_the_viewer_what_to_do() -> None:
    error = RemoteProtocolError(Peer.VIEWER, offset=0, field="message-type", value=7, allowed="0 to 6")

    assert str(error) == (
        "The viewer does not speak RFB as expected: message-type at byte 0 is 7, expected 0 to 6. "
        "Connect with a viewer that speaks RFB 3.3, 3.7 or 3.8."
    )


def test_a_value_given_as_text_is_printed_without_quotes() -> None:
    error = RemoteProtocolError(Peer.VIEWER, offset=3, field="x", value="the end", allowed="more")

    assert "x at byte 3 is the end, expected more." in str(error)


def test_a_failed_authentication_quotes_the_server_and_ends_with_the_remedy() -> None:
    error = AuthenticationFailed("The VNC server refuses", remedy="Do this.", reason="not you")

    assert str(error) == 'The VNC server refuses (it says: "not you"). Do this.'
    assert error.reason == "not you"
    assert isinstance(error, RFBError)


def test_a_failed_authentication_without_reason_has_no_empty_quotes() -> None:
    error = AuthenticationFailed("The VNC server refuses", remedy="Do this.")

    assert str(error) == "The VNC server refuses. Do this."
    assert error.reason == ""


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"Authentication failure", "Authentication failure"),
        ("Zugriff verweigert: Schlüssel".encode(), "Zugriff verweigert: Schlüssel"),
        (b"", ""),
        (b"two\r\nlines\tand a tab\n", "two lines and a tab"),
        (b"\x1b[31mred\x1b[0m\x07 \x00end", "[31mred [0m end"),
        ("turned \u202egnp.exe\u2066 round".encode(), "turned gnp.exe round"),
        (b"latin \xe9 one", "latin \N{REPLACEMENT CHARACTER} one"),
    ],
)
def test_a_reason_becomes_one_harmless_line(raw: bytes, shown: str) -> None:
    assert clean_reason(raw) == shown


def test_a_reason_is_cut_and_shows_that_it_was() -> None:
    assert clean_reason(b"x" * MAX_REASON_SHOWN) == "x" * MAX_REASON_SHOWN
    assert clean_reason(b"x" * (MAX_REASON_SHOWN + 1)) == "x" * (MAX_REASON_SHOWN - 1) + "…"
