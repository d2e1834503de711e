"""Both logins, against literals, against recordings of real servers, and against each other."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_service.rfb import handshake
from remote_service.rfb.errors import AuthenticationFailed, RemoteProtocolError, RFBError
from remote_service.rfb.handshake import LoginState, ServerLogin, ViewerLogin
from remote_service.rfb.wire import V3_3, V3_7, V3_8, SecurityType, Version, uint32
from tests.unit.rfb.conversations import (
    ACCEPTED,
    CHALLENGE,
    GIVE_PASSWORD,
    OFFER_ANOTHER,
    OK,
    REFUSED,
    RESPONSE,
)
from tests.unit.rfb.helpers import CHUNK_SIZES, cut
from tests.unit.rfb.recordings import load, names


def play(login: ServerLogin | ViewerLogin, chunks: Iterable[bytes]) -> bytes:
    """Feed a login until it is done, and return all that it sent; what comes later is not fed."""
    sent = login.start()
    for chunk in chunks:
        sent += login.receive(chunk)
        if login.done:
            break
    return sent


@pytest.mark.parametrize("name", ACCEPTED)
@pytest.mark.parametrize("one_byte_at_a_time", [False, True])
def test_it_logs_in(name: str, one_byte_at_a_time: bool) -> None:
    password, version, parts, ours = ACCEPTED[name]
    stream = b"".join(parts)
    login = ServerLogin(password)

    sent = play(login, cut(stream) if one_byte_at_a_time else [stream + b"behind it"])

    assert sent == ours
    assert login.done
    assert login.version is version
    assert login.banner_seen
    assert login.leftover == (b"" if one_byte_at_a_time else b"behind it")


@pytest.mark.parametrize("name", ACCEPTED)
def test_it_is_done_with_the_last_byte_and_not_before(name: str) -> None:
    password, _, parts, _ = ACCEPTED[name]
    stream = b"".join(parts)
    login = ServerLogin(password)

    play(login, cut(stream[:-1]))
    assert not login.done

    login.receive(stream[-1:])
    assert login.done


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("one_byte_at_a_time", [False, True])
def test_a_refusal_says_why_and_what_to_do(name: str, one_byte_at_a_time: bool) -> None:
    password, parts, message = REFUSED[name]
    stream = b"".join(parts)
    login = ServerLogin(password)

    with pytest.raises(AuthenticationFailed) as caught:
        play(login, cut(stream) if one_byte_at_a_time else [stream])

    assert str(caught.value) == message
    assert login.state is LoginState.FAILED
    assert not login.done
    assert login.banner_seen


def test_it_answers_each_message_of_the_server_in_its_turn() -> None:
    login = ServerLogin("secret12")

    assert login.start() == b""
    assert login.receive(b"RFB 003.008\n") == b"RFB 003.008\n"
    assert login.receive(b"\x02\x02") == b""
    assert login.receive(b"\x01") == b"\x02"
    assert login.security_type is SecurityType.VNC_AUTH
    assert login.receive(CHALLENGE) == RESPONSE
    assert login.receive(OK) == b""
    assert login.done


def test_the_banner_is_seen_as_soon_as_it_is_complete() -> None:
    login = ServerLogin(None)

    login.receive(b"RFB 003.008")
    assert not login.banner_seen

    login.receive(b"\n")
    assert login.banner_seen


def test_it_refuses_a_peer_that_is_no_vnc_server() -> None:
    login = ServerLogin("secret12")

    with pytest.raises(RemoteProtocolError) as caught:
        login.receive(b"HTTP/1.1 400 Bad Request\r\n")

    assert str(caught.value) == (
        "The VNC server does not speak RFB as expected: ProtocolVersion at byte 0 is b'HTTP/1.1 400', "
        "expected b'RFB ddd.ddd\\n' with digits for d. Check that the session's endpoint is a VNC server."
    )
    assert not login.banner_seen


def test_it_refuses_an_unknown_result() -> None:
    login = ServerLogin(None)

    with pytest.raises(RemoteProtocolError) as caught:
        login.receive(b"RFB 003.008\n\x01\x01" + uint32(3))

    assert str(caught.value) == (
        "The VNC server does not speak RFB as expected: SecurityResult at byte 14 is 3, expected 0 (OK), "
        "1 (failed) or 2 (too many attempts). Check that the session's endpoint is a VNC server."
    )


@pytest.mark.parametrize(
    "before",
    [b"RFB 003.008\n\0", b"RFB 003.003\n" + uint32(0), b"RFB 003.008\n\x01\x02" + CHALLENGE + uint32(1)],
)
def test_it_refuses_a_reason_that_is_too_long(before: bytes) -> None:
    login = ServerLogin("secret12")

    with pytest.raises(RemoteProtocolError) as caught:
        login.receive(before + uint32(4097))

    assert str(caught.value) == (
        "The VNC server does not speak RFB as expected: the length of reason-string at byte "
        f"{len(before) + 4} is 4097, expected at most 4096 bytes. "
        "Check that the session's endpoint is a VNC server."
    )


def test_a_list_of_255_types_is_read() -> None:
    login = ServerLogin(None)

    login.receive(b"RFB 003.008\n\xff" + bytes([77] * 254) + b"\x01" + OK)

    assert login.done


@pytest.mark.parametrize(
    ("fed", "field", "offset"),
    [
        (b"", "ProtocolVersion", 0),
        (b"RFB 003.008\n", "number-of-security-types", 12),
        (b"RFB 003.008\n\x01\x02" + CHALLENGE, "SecurityResult", 30),
    ],
)
def test_an_end_of_the_connection_names_what_was_missing(fed: bytes, field: str, offset: int) -> None:
    login = ServerLogin("secret12")
    login.start()
    login.receive(fed)

    with pytest.raises(RemoteProtocolError) as caught:
        login.receive_eof()

    assert str(caught.value) == (
        f"The VNC server does not speak RFB as expected: {field} at byte {offset} is "
        "the end of the connection, expected more bytes. Check that the session's endpoint is a VNC server."
    )
    assert login.state is LoginState.FAILED


def test_a_server_that_closes_instead_of_giving_its_reason_has_still_refused() -> None:
    login = ServerLogin("secret12")
    login.receive(b"RFB 003.008\n\x01\x02" + CHALLENGE + uint32(1) + b"\0\0")

    with pytest.raises(AuthenticationFailed) as caught:
        login.receive_eof()

    assert str(caught.value) == "The VNC server refuses the password. " + GIVE_PASSWORD


@pytest.mark.parametrize("method", ["start", "receive", "receive_eof"])
def test_a_login_that_failed_can_never_succeed(method: str) -> None:
    login = ServerLogin("secret12")
    with pytest.raises(RemoteProtocolError):
        login.receive(b"nonsense")

    with pytest.raises(RuntimeError) as caught:
        getattr(login, method)(*([b""] if method == "receive" else []))

    assert str(caught.value) == f"ServerLogin.{method} was called on a handshake that is failed"
    assert not login.done


def test_a_login_that_broke_on_a_bug_of_ours_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(password: str, challenge: bytes) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr(handshake, "vncauth_response", broken)
    login = ServerLogin("secret12")

    with pytest.raises(ZeroDivisionError):
        login.receive(b"RFB 003.008\n\x01\x02" + CHALLENGE)

    assert login.state is LoginState.FAILED


def test_bytes_after_the_end_are_refused_as_a_bug_of_the_caller() -> None:
    login = ServerLogin(None)
    login.receive(b"RFB 003.007\n\x01\x01")

    with pytest.raises(RuntimeError) as caught:
        login.receive(b"more")

    assert str(caught.value) == "ServerLogin.receive was called on a handshake that is done"


@pytest.mark.parametrize("fed", [b"", b"RFB 003.008\n", b"RFB 003.008\n\x01\x02", b"RFB 003.007\n\x01\x01"])
def test_the_password_is_in_no_repr(fed: bytes) -> None:
    login = ServerLogin("secret12")
    login.receive(fed)

    assert "secret12" not in repr(login)


def test_the_repr_tells_how_far_it_is() -> None:
    login = ServerLogin("secret12")
    login.start()
    assert repr(login) == "<ServerLogin underway, no version yet, waiting for ProtocolVersion>"

    login.receive(b"RFB 003.008\n\x01\x02")
    assert repr(login) == "<ServerLogin underway, RFB 3.8, waiting for challenge>"

    login.receive(CHALLENGE + OK)
    assert repr(login) == "<ServerLogin done, RFB 3.8>"


@pytest.mark.parametrize(("fed", "raises"), [(b"RFB 003.007\n\x01\x01", False), (b"nonsense", True)])
def test_the_password_is_forgotten_at_the_end(fed: bytes, raises: bool) -> None:
    login = ServerLogin("secret12")
    if raises:
        with pytest.raises(RFBError):
            login.receive(fed)
    else:
        login.receive(fed)

    assert "secret12" not in str(vars(login))


LOGGED_IN = [name for name in names("*-3.?") if "viewer" not in name and ("none" in name or "vncauth" in name)]


@pytest.mark.parametrize("name", LOGGED_IN)
@given(sizes=CHUNK_SIZES)
def test_it_replays_what_a_real_server_accepted(name: str, sizes: list[int]) -> None:
    recording = load(name)
    login = ServerLogin("secret12" if "vncauth" in name else None)

    sent = play(login, cut(recording.server, sizes))

    assert login.done
    assert sent + b"\x01" == recording.viewer, "the recording ends with ClientInit"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tigervnc-1.12.0-wrong-password-3.8", ' (it says: "Authentication failure"). ' + GIVE_PASSWORD),
        ("tigervnc-1.12.0-wrong-password-3.3", ". " + GIVE_PASSWORD),
        ("x11vnc-0.9.16-wrong-password-3.8", ' (it says: "password check failed!"). ' + GIVE_PASSWORD),
        ("x11vnc-0.9.16-wrong-password-3.7", ". " + GIVE_PASSWORD),
        ("x11vnc-0.9.16-wrong-password-3.3", ". " + GIVE_PASSWORD),
    ],
)
def test_it_replays_what_a_real_server_refused(name: str, message: str) -> None:
    login = ServerLogin("wrong")

    with pytest.raises(AuthenticationFailed) as caught:
        play(login, cut(load(name).server))

    assert str(caught.value) == "The VNC server refuses the password" + message


def test_it_replays_a_real_server_that_had_enough() -> None:
    with pytest.raises(AuthenticationFailed) as caught:
        play(ServerLogin("secret12"), cut(load("tigervnc-1.12.0-refused").server))

    assert caught.value.reason == "Too many security failures"


def test_it_replays_a_real_server_that_insists_on_encryption() -> None:
    with pytest.raises(AuthenticationFailed) as caught:
        play(ServerLogin("secret12"), cut(load("tigervnc-1.12.0-vencrypt-3.8").server))

    assert str(caught.value) == (
        "The VNC server offers the security types 19 (VeNCrypt); the gateway can do 1 (None), "
        "2 (VNC Authentication). " + OFFER_ANOTHER
    )


VIEWERS = {
    "3.3": (V3_3, b"RFB 003.003\n", b"RFB 003.008\n\x00\x00\x00\x01"),
    "3.7": (V3_7, b"RFB 003.007\n\x01", b"RFB 003.008\n\x01\x01"),
    "3.8": (V3_8, b"RFB 003.008\n\x01", b"RFB 003.008\n\x01\x01\x00\x00\x00\x00"),
    "3.5 means 3.3": (V3_3, b"RFB 003.005\n", b"RFB 003.008\n\x00\x00\x00\x01"),
    "Apple": (V3_8, b"RFB 003.889\n\x01", b"RFB 003.008\n\x01\x01\x00\x00\x00\x00"),
}


@pytest.mark.parametrize("name", VIEWERS)
@pytest.mark.parametrize("one_byte_at_a_time", [False, True])
def test_a_viewer_is_let_in(name: str, one_byte_at_a_time: bool) -> None:
    version, theirs, ours = VIEWERS[name]
    login = ViewerLogin()

    sent = play(login, cut(theirs) if one_byte_at_a_time else [theirs + b"\x01ClientInit"])

    assert sent == ours
    assert login.done
    assert login.version is version
    assert login.leftover == (b"" if one_byte_at_a_time else b"\x01ClientInit")


def test_the_gateway_speaks_first_to_a_viewer_and_says_it_once() -> None:
    login = ViewerLogin()

    assert login.start() == b"RFB 003.008\n"
    assert login.start() == b""
    assert login.receive(b"RFB 003.008\n") == b"\x01\x01"
    assert login.receive(b"\x01") == uint32(0)


@pytest.mark.parametrize("chosen", [0, 2, 16])
def test_a_viewer_has_to_choose_what_was_offered(chosen: int) -> None:
    login = ViewerLogin()

    with pytest.raises(RemoteProtocolError) as caught:
        login.receive(b"RFB 003.008\n" + bytes([chosen]))

    assert str(caught.value) == (
        f"The viewer does not speak RFB as expected: security-type at byte 12 is {chosen}, "
        "expected 1 (None). Connect with a viewer that speaks RFB 3.3, 3.7 or 3.8."
    )
    assert login.state is LoginState.FAILED


def test_a_viewer_that_is_none_is_refused() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        ViewerLogin().receive(b"GET / HTTP/1.1\r\n")

    assert str(caught.value) == (
        "The viewer does not speak RFB as expected: ProtocolVersion at byte 0 is b'GET / HTTP/1', expected "
        "b'RFB ddd.ddd\\n' with digits for d. Connect with a viewer that speaks RFB 3.3, 3.7 or 3.8."
    )


def test_a_viewer_that_leaves_is_told_apart() -> None:
    login = ViewerLogin()
    login.start()

    with pytest.raises(RemoteProtocolError) as caught:
        login.receive_eof()

    assert str(caught.value) == (
        "The viewer does not speak RFB as expected: ProtocolVersion at byte 0 is "
        "the end of the connection, expected more bytes. "
        "Connect with a viewer that speaks RFB 3.3, 3.7 or 3.8."
    )


@pytest.mark.parametrize("version", [V3_3, V3_7, V3_8], ids=str)
@pytest.mark.parametrize("password", [None, "secret12"])
@given(sizes=CHUNK_SIZES)
def test_the_two_logins_understand_each_other(version: Version, password: str | None, sizes: list[int]) -> None:
    client, server = ServerLogin(password), ViewerLogin()
    # The viewer's side always offers 3.8; a banner of less makes the other answer as an older viewer.
    to_client = server.start().replace(V3_8.banner, version.banner)
    to_server = client.start()

    while not (client.done and server.done):
        assert to_client or to_server, "both wait for the other"
        answers = [client.receive(chunk) for chunk in cut(to_client, sizes)]
        replies = [server.receive(chunk) for chunk in cut(to_server, sizes)]
        to_server, to_client = b"".join(answers), b"".join(replies)

    assert client.version is server.version is version
    assert (client.leftover, server.leftover) == (b"", b"")


@given(st.binary(max_size=80), CHUNK_SIZES, st.sampled_from([b"", V3_3.banner, V3_7.banner, V3_8.banner]))
def test_garbage_never_raises_anything_but_our_errors(garbage: bytes, sizes: list[int], begin: bytes) -> None:
    for login in (ServerLogin("secret12"), ServerLogin(None), ViewerLogin()):
        try:
            play(login, cut(begin + garbage, sizes))
        except RFBError as error:
            assert "secret12" not in str(error)
            assert not login.done
