"""What copies is told from what keeps the books, and nothing copied passes as bookkeeping."""

from __future__ import annotations

import pytest

from remote_service.rfb.clipboard import MAX_CUT_TEXT, ClipboardAct, act_of, cut_text
from remote_service.rfb.errors import Peer, RemoteProtocolError
from remote_service.rfb.layout import Fixed, Measured


@pytest.mark.parametrize(
    ("header", "act"),
    [
        ("06000000 00000005", ClipboardAct.TEXT),
        ("06000000 fffffff8 1f000001", ClipboardAct.CAPS),
        ("06000000 fffffffc 01000000", ClipboardAct.CAPS),
        ("06000000 fffffff0 1f000007", ClipboardAct.CAPS),
        ("06000000 fffffffc 02000001", ClipboardAct.REQUEST),
        ("06000000 fffffffc 04000000", ClipboardAct.PEEK),
        ("06000000 fffffffc 08000001", ClipboardAct.NOTIFY),
        ("06000000 fffffff6 10000001", ClipboardAct.PROVIDE),
    ],
)
def test_every_act_is_known_by_its_header(header: str, act: ClipboardAct) -> None:
    assert act_of(bytes.fromhex(header)) is act


@pytest.mark.parametrize(
    "header",
    [
        "06000000 fffffffc 1f000001",  # caps without its size
        "06000000 fffffff4 1f000001",  # caps with one too many
        "06000000 fffffff8 02000001",  # a request with something in it
        "06000000 fffffffc 06000000",  # request and peek
        "06000000 fffffffc 00000000",
        "06000000 fffffffc 80000000",
    ],
)
def test_what_is_not_exact_counts_as_copying(header: str) -> None:
    assert act_of(bytes.fromhex(header)) is ClipboardAct.PROVIDE


def _measured(length: int) -> Fixed:
    layout = cut_text(Peer.VNC_SERVER, "ServerCutText")
    header = b"\x03\0\0\0" + length.to_bytes(4, "big", signed=True) + bytes(4)
    inner = layout.measure(header[:8], 100)
    final = inner.measure(header, 100) if isinstance(inner, Measured) else inner
    assert isinstance(final, Fixed)
    return final


def test_both_forms_are_as_long_as_they_say() -> None:
    assert _measured(MAX_CUT_TEXT).length == 8 + MAX_CUT_TEXT
    assert _measured(-MAX_CUT_TEXT).length == 8 + MAX_CUT_TEXT
    assert _measured(-4).length == 12


@pytest.mark.parametrize(
    ("length", "allowed"),
    [
        (MAX_CUT_TEXT + 1, "at most 33554432 bytes"),
        (-1, "-4 (the flags alone) to -33554432"),
        (-MAX_CUT_TEXT - 1, "-4 (the flags alone) to -33554432"),
    ],
)
def test_both_forms_are_bounded(length: int, allowed: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        _measured(length)

    assert f"ServerCutText length at byte 104 is {length}, expected {allowed}." in str(caught.value)
