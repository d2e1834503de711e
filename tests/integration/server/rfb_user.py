"""Somebody at a viewer: enough of RFB 3.8 to press keys (RFC 6143, sections 7.1 to 7.3 and 7.5.4)."""

from __future__ import annotations

import struct

from websockets.sync.client import ClientConnection


def log_in(viewer: ClientConnection) -> None:
    """Shakes hands up to and with the server's first words about its screen.

    The banner may have been read already: then the server's next words come first.
    """
    viewer.send(b"RFB 003.008\n")
    types = _read(viewer)
    assert types == b"\1\1", types
    viewer.send(b"\1")
    result = _read(viewer)
    assert result == b"\0\0\0\0", result
    viewer.send(b"\1")
    screen = _read(viewer)
    assert len(screen) >= 24, screen


def press(viewer: ClientConnection, key: int = 0x61) -> None:
    """Presses and releases a key."""
    viewer.send(struct.pack("!BBxxI", 4, 1, key) + struct.pack("!BBxxI", 4, 0, key))


def _read(viewer: ClientConnection) -> bytes:
    message = viewer.recv(10)
    assert isinstance(message, bytes)
    return message
