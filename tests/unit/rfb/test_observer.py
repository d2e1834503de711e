"""The observer finds where the viewer's messages begin, and gives up without raising where it cannot."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_service.rfb.observer import MAX_EARLY_BYTES, HandshakeObserver, HandshakePhase
from tests.unit.rfb.helpers import CHUNK_SIZES, cut
from tests.unit.rfb.recordings import Recording, load, names

V3_3, V3_7, V3_8 = b"RFB 003.003\n", b"RFB 003.007\n", b"RFB 003.008\n"
MESSAGE = b"\x05\x00\x00\x10\x00\x20"


def phase_of(observer: HandshakeObserver) -> HandshakePhase:
    """The phase now; a type checker would take the attribute for what it was when last compared."""
    return observer.phase


def observe(recording: Recording, *, behind: bytes = b"", sizes: list[int] | None = None) -> HandshakeObserver:
    """Feed a recording as it was seen, with more bytes of the viewer glued to its last piece."""
    observer = HandshakeObserver()
    last = max(i for i, piece in enumerate(recording.pieces) if not piece.from_server)
    for i, piece in enumerate(recording.pieces):
        data = piece.data + (behind if i == last else b"")
        for chunk in cut(data, sizes or [len(data)]):
            (observer.from_server if piece.from_server else observer.from_viewer)(chunk)
    return observer


FOLLOWED = [name for name in names() if "-none-" in name or "-vncauth-" in name]


@pytest.mark.parametrize("name", FOLLOWED)
def test_it_follows_real_conversations_and_hands_over_what_came_behind(name: str) -> None:
    observer = observe(load(name), behind=MESSAGE)

    assert phase_of(observer) is HandshakePhase.MESSAGES
    assert observer.finished
    assert observer.viewer_messages == MESSAGE
    assert not observer.needs_server


@pytest.mark.parametrize("name", FOLLOWED)
@given(sizes=CHUNK_SIZES)
def test_it_follows_them_in_any_chunks(name: str, sizes: list[int]) -> None:
    observer = observe(load(name), sizes=sizes)

    assert phase_of(observer) is HandshakePhase.MESSAGES
    assert observer.viewer_messages == b""


def test_its_phases_name_what_comes_next_from_the_viewer() -> None:
    observer = HandshakeObserver()
    seen = [observer.phase]
    for from_server, data in [
        (True, V3_8), (False, V3_8), (True, b"\x01\x02"), (False, b"\x02"), (True, bytes(16)), (False,
        bytes(16)), (True, bytes(4)), (False, b"\x01"),
    ]:  # fmt: skip
        (observer.from_server if from_server else observer.from_viewer)(data)
        seen.append(observer.phase)

    phase = HandshakePhase
    assert seen == [
        phase.VERSION, phase.VERSION, phase.SECURITY, phase.SECURITY, phase.AUTHENTICATION,
        phase.AUTHENTICATION, phase.CLIENT_INIT, phase.CLIENT_INIT, phase.MESSAGES,
    ]  # fmt: skip


def test_it_needs_the_server_until_the_version_is_known() -> None:
    observer = HandshakeObserver()

    observer.from_server(V3_8)
    assert observer.needs_server

    observer.from_viewer(V3_8)
    assert not observer.needs_server


def test_it_needs_the_server_for_the_security_type_of_rfb_3_3() -> None:
    observer = HandshakeObserver()
    observer.from_server(V3_3)
    observer.from_viewer(V3_3)
    observer.from_server(b"\0\0\0")
    assert observer.needs_server

    observer.from_server(b"\x01")
    assert not observer.needs_server
    assert phase_of(observer) is HandshakePhase.CLIENT_INIT


def test_it_starts_at_client_init_behind_logins_of_our_own() -> None:
    observer = HandshakeObserver(authenticated=True)
    assert phase_of(observer) is HandshakePhase.CLIENT_INIT
    assert not observer.needs_server

    observer.from_viewer(b"\x01" + MESSAGE)

    assert phase_of(observer) is HandshakePhase.MESSAGES
    assert observer.viewer_messages == MESSAGE


def test_a_viewer_that_does_not_wait_for_the_server_is_followed() -> None:
    observer = HandshakeObserver()

    observer.from_viewer(V3_3 + b"\x01" + MESSAGE)
    assert phase_of(observer) is HandshakePhase.VERSION

    observer.from_server(V3_3 + b"\0\0\0\x01")
    assert phase_of(observer) is HandshakePhase.MESSAGES
    assert observer.viewer_messages == MESSAGE


def test_what_a_viewer_sends_too_early_is_kept_only_so_far() -> None:
    observer = HandshakeObserver()

    observer.from_viewer(bytes(MAX_EARLY_BYTES))
    assert phase_of(observer) is HandshakePhase.VERSION

    observer.from_viewer(b"\0")
    assert phase_of(observer) is HandshakePhase.OPAQUE


def test_a_big_chunk_behind_client_init_is_not_too_early() -> None:
    observer = HandshakeObserver(authenticated=True)

    observer.from_viewer(bytes(MAX_EARLY_BYTES * 2))

    assert phase_of(observer) is HandshakePhase.MESSAGES
    assert len(observer.viewer_messages) == MAX_EARLY_BYTES * 2 - 1


def test_of_a_server_that_talks_without_end_only_the_begin_is_kept() -> None:
    observer = HandshakeObserver()
    flood = V3_8 + bytes(1 << 20)
    tracemalloc.start()
    try:
        observer.from_server(flood)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 4096
    assert not observer.needs_server
    observer.from_viewer(V3_8 + b"\x01\x01")
    assert phase_of(observer) is HandshakePhase.MESSAGES


@pytest.mark.parametrize("more", [b"", b"more"])
def test_after_the_end_it_ignores_what_it_is_fed(more: bytes) -> None:
    observer = observe(load("tigervnc-1.12.0-none-3.8"), behind=MESSAGE)

    observer.from_viewer(more)
    observer.from_server(more)

    assert phase_of(observer) is HandshakePhase.MESSAGES
    assert observer.viewer_messages == MESSAGE


@pytest.mark.parametrize(
    ("server", "viewer"),
    [
        (V3_8, V3_8 + b"\x13"),  # VeNCrypt
        (V3_8, V3_8 + b"\x10"),  # Tight
        (V3_7, V3_7 + b"\x00"),
        (V3_3 + b"\0\0\0\0", V3_3),  # refused
        (V3_3 + b"\0\0\0\x10", V3_3),
        (V3_8, b"RFB 003.005\n"),  # servers differ in what they make of it
        (V3_8, b"RFB 003.889\n"),
        (V3_8, b"GET / HTTP/1"),
        (V3_3, V3_8),  # more than the server can
        (b"RFB 003.006\n", V3_7),
        (b"RFB 000.000\n", b""),  # a repeater
        (b"SSH-2.0", b""),
        (b"\0", b""),
    ],
)
@pytest.mark.parametrize("one_byte_at_a_time", [False, True])
def test_what_it_cannot_follow_makes_it_opaque(server: bytes, viewer: bytes, one_byte_at_a_time: bool) -> None:
    observer = HandshakeObserver()

    for chunk in cut(server, [1] if one_byte_at_a_time else [len(server)]):
        observer.from_server(chunk)
    for chunk in cut(viewer, [1] if one_byte_at_a_time else [99]):
        observer.from_viewer(chunk)

    assert phase_of(observer) is HandshakePhase.OPAQUE
    assert observer.finished
    assert observer.viewer_messages == b""
    assert not observer.needs_server


def test_a_real_server_that_encrypts_makes_it_opaque() -> None:
    assert observe(load("tigervnc-1.12.0-vencrypt-3.8")).phase is HandshakePhase.OPAQUE


def test_a_real_refusal_makes_it_opaque() -> None:
    assert observe(load("tigervnc-1.12.0-refused")).phase is HandshakePhase.OPAQUE


BITS = st.sampled_from([V3_3, V3_7, V3_8, b"\x01", b"\x02", b"\x01\x02", b"\0\0\0\x01", bytes(16)]) | st.binary(
    max_size=40
)


@given(st.lists(st.tuples(st.booleans(), BITS), max_size=12))
def test_it_never_raises(pieces: list[tuple[bool, bytes]]) -> None:
    observer = HandshakeObserver()
    for from_server, data in pieces:
        was_finished = observer.finished
        (observer.from_server if from_server else observer.from_viewer)(data)
        assert observer.finished or not was_finished, "final is final"
        assert not (observer.finished and observer.needs_server)
