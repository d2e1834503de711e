"""The shared fields of the handshake, byte literal against meaning."""

from __future__ import annotations

import pytest

from remote_service.rfb.buffer import ExactReader
from remote_service.rfb.errors import Peer, RemoteProtocolError
from remote_service.rfb.wire import (
    MAX_FIELD,
    V3_3,
    V3_7,
    V3_8,
    VERSIONS,
    SecurityResult,
    SecurityType,
    Version,
    describe_types,
    looks_like_banner,
    read_reason,
    read_version,
    uint32,
)
from tests.unit.rfb.helpers import cut, finish

LITERALS = [(b"RFB 003.003\n", V3_3), (b"RFB 003.007\n", V3_7), (b"RFB 003.008\n", V3_8)]


def reader_of(data: bytes) -> ExactReader:
    reader = ExactReader(Peer.VNC_SERVER, cap=MAX_FIELD)
    reader.feed(data)
    return reader


@pytest.mark.parametrize(("literal", "version"), LITERALS)
def test_a_published_version_and_its_message_are_the_same_thing(literal: bytes, version: Version) -> None:
    assert version.banner == literal
    assert VERSIONS[literal] is version
    assert finish(read_version(reader_of(literal))) is version


@pytest.mark.parametrize(
    ("banner", "meant"),
    [
        (b"RFB 003.005\n", V3_3),  # the one that RFC 6143 tells of
        (b"RFB 003.000\n", V3_3),
        (b"RFB 003.004\n", V3_3),  # UltraVNC
        (b"RFB 003.006\n", V3_3),  # UltraVNC
        (b"RFB 003.009\n", V3_3),
        (b"RFB 003.016\n", V3_3),
        (b"RFB 003.889\n", V3_8),  # Apple
        (b"RFB 004.000\n", V3_8),  # Intel AMT
        (b"RFB 004.001\n", V3_8),  # RealVNC 4
        (b"RFB 005.000\n", V3_8),  # RealVNC 5
        (b"RFB 999.999\n", V3_8),
    ],
)
def test_an_unpublished_version_is_read_as_the_one_it_behaves_like(banner: bytes, meant: Version) -> None:
    assert finish(read_version(reader_of(banner))) is meant


@pytest.mark.parametrize("banner", [b"RFB 000.000\n", b"RFB 002.009\n"])
def test_it_refuses_a_version_below_3(banner: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        next(read_version(reader_of(banner)))

    assert str(caught.value) == (
        f"The VNC server does not speak RFB as expected: ProtocolVersion at byte 0 is {banner!r}, "
        "expected version 3.3 or later. Check that the session's endpoint is a VNC server."
    )


def test_it_refuses_another_protocol_at_its_first_wrong_byte() -> None:
    reader = reader_of(b"RF")
    steps = read_version(reader)
    next(steps)
    reader.feed(b"C")

    with pytest.raises(RemoteProtocolError) as caught:
        next(steps)

    assert str(caught.value) == (
        "The VNC server does not speak RFB as expected: ProtocolVersion at byte 0 is b'RFC', expected "
        "b'RFB ddd.ddd\\n' with digits for d. Check that the session's endpoint is a VNC server."
    )


def test_a_version_read_byte_by_byte_leaves_what_follows() -> None:
    reader = reader_of(b"")
    steps = read_version(reader)
    for byte in cut(b"RFB 003.007\n"):
        next(steps)
        reader.feed(byte)
    reader.feed(b"rest")

    assert finish(steps) is V3_7
    assert reader.take_rest() == b"rest"


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        (b"", None),
        (b"R", None),
        (b"RFB 003.008", None),
        (b"RFB 003.008\n", True),
        (b"RFB 003.008\nmore", True),
        (memoryview(b"RFB 123.456\n"), True),
        (b"SSH-2.0-OpenSSH_9.2\r\n", False),
        (b"HTTP/1.1 400 Bad Request\r\n", False),
        (b"RFB 003,008\n", False),
        (b"RFB 003.00x\n", False),
        (b"RFB 003.008\r\n", False),
        (b"rfb", False),
        (b"\x00", False),
    ],
)
def test_it_tells_a_banner_as_early_as_it_can(data: bytes, verdict: bool | None) -> None:
    assert looks_like_banner(data) is verdict


def test_every_part_of_a_banner_may_still_become_one() -> None:
    verdicts = [looks_like_banner(b"RFB 003.008\n"[:size]) for size in range(13)]

    assert verdicts == [None] * 12 + [True]


def test_a_reason_is_read_with_its_length() -> None:
    reader = reader_of(b"\x00\x00\x00\x16Authentication failure" + b"rest")

    assert finish(read_reason(reader)) == "Authentication failure"
    assert reader.take_rest() == b"rest"


def test_a_reason_of_the_greatest_length_is_read() -> None:
    assert finish(read_reason(reader_of(uint32(MAX_FIELD) + b"x" * MAX_FIELD))).startswith("xxx")


@pytest.mark.parametrize("length", [MAX_FIELD + 1, 2**32 - 1])
def test_it_refuses_a_longer_reason_without_waiting_for_it(length: int) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        next(read_reason(reader_of(uint32(length))))

    assert str(caught.value) == (
        f"The VNC server does not speak RFB as expected: the length of reason-string at byte 4 is {length}, "
        "expected at most 4096 bytes. Check that the session's endpoint is a VNC server."
    )


def test_security_types_are_named_where_they_have_a_name() -> None:
    assert describe_types([2, 19, 77]) == "2 (VNC Authentication), 19 (VeNCrypt), 77"


def test_the_numbers_are_those_of_the_rfc() -> None:
    assert [(kind.name, kind.value) for kind in SecurityType] == [
        ("INVALID", 0),
        ("NONE", 1),
        ("VNC_AUTH", 2),
    ]
    assert [int(result) for result in SecurityResult] == [0, 1, 2]
    assert uint32(0x01020304) == b"\x01\x02\x03\x04"
    assert str(V3_7) == "RFB 3.7"
