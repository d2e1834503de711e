"""The answer to a challenge is the one that real servers accepted."""

from __future__ import annotations

import pytest

from remote_service.rfb.auth import vncauth_response
from tests.unit.rfb.recordings import load, names


@pytest.mark.parametrize("name", names("*vncauth*"))
def test_it_answers_as_in_a_conversation_that_a_real_server_accepted(name: str) -> None:
    recording = load(name)
    pieces = recording.pieces
    answered = next(i for i, piece in enumerate(pieces) if not piece.from_server and len(piece.data) == 16)
    challenge = pieces[answered - 1].data[-16:]

    assert vncauth_response("secret12", challenge) == pieces[answered].data
    assert pieces[answered + 1].data == b"\0\0\0\0", "SecurityResult OK"


def test_the_two_halves_of_the_challenge_are_answered_independently() -> None:
    half, other = b"01234567", b"abcdefgh"

    response = vncauth_response("pw", half + other)

    assert vncauth_response("pw", other + half) == response[8:] + response[:8]


def test_only_the_first_eight_bytes_of_a_password_count() -> None:
    challenge = bytes(range(16))

    assert vncauth_response("12345678", challenge) == vncauth_response("123456789abc", challenge)
    assert vncauth_response("1234567", challenge) != vncauth_response("12345678", challenge)


def test_a_short_password_is_padded_with_zeros() -> None:
    challenge = bytes(range(16))

    assert vncauth_response("abc", challenge) == vncauth_response("abc\0\0\0\0\0", challenge)
    assert len(vncauth_response("", challenge)) == 16


@pytest.mark.parametrize("password", ["pässwörd", "\udc80", "\ud800"])
def test_a_password_beyond_ascii_is_answered_and_never_raises(password: str) -> None:
    assert len(vncauth_response(password, bytes(16))) == 16


def test_an_umlaut_counts_as_its_two_bytes() -> None:
    challenge = bytes(range(16))

    assert vncauth_response("äöüß", challenge) == vncauth_response("äöüßx", challenge)


@pytest.mark.parametrize("size", [0, 15, 17])
def test_it_refuses_a_challenge_of_another_size(size: int) -> None:
    with pytest.raises(ValueError) as caught:
        vncauth_response("secret12", bytes(size))

    assert str(caught.value) == f"a VNC challenge has 16 bytes, this one has {size}"
