"""Whole conversations with a VNC server, and what a login makes of each."""

from __future__ import annotations

from remote_service.rfb.wire import V3_3, V3_7, V3_8, uint32

CHALLENGE = bytes.fromhex("89693e5eff73ff7d5c1dc641aa9b1f62")
RESPONSE = bytes.fromhex("58efaf2dcd1b67ec6471f7a64c3493a0")
OK = uint32(0)

GIVE_PASSWORD = (
    "Give set_host_port or set_unix_socket the password that the server was started with; only its first 8 bytes count."
)
OFFER_ANOTHER = (
    "Start the VNC server with one of these: TigerVNC with -SecurityTypes VncAuth, "
    "or with -SecurityTypes None on a Unix socket."
)
LET_IT_REST = (
    "Look into the server's log; TigerVNC refuses everybody for a while "
    "after a dozen connections that ended before they had logged in."
)


def reason(text: bytes) -> bytes:
    return uint32(len(text)) + text


# What a whole conversation looks like: password, version, the server's bytes, ours.
ACCEPTED = {
    "3.3 none": (None, V3_3, [b"RFB 003.003\n", uint32(1)], b"RFB 003.003\n"),
    "3.7 none": (None, V3_7, [b"RFB 003.007\n", b"\x01\x01"], b"RFB 003.007\n\x01"),
    "3.8 none": (None, V3_8, [b"RFB 003.008\n", b"\x01\x01", OK], b"RFB 003.008\n\x01"),
    "3.3 password": (
        "secret12", V3_3, [b"RFB 003.003\n", uint32(2), CHALLENGE, OK], b"RFB 003.003\n" + RESPONSE,
    ),
    "3.7 password": (
        "secret12", V3_7, [b"RFB 003.007\n", b"\x01\x02", CHALLENGE, OK], b"RFB 003.007\n\x02" + RESPONSE,
    ),
    "3.8 password": (
        "secret12", V3_8, [b"RFB 003.008\n", b"\x01\x02", CHALLENGE, OK], b"RFB 003.008\n\x02" + RESPONSE,
    ),
    "3.8 several offered, password": (
        "secret12", V3_8, [b"RFB 003.008\n", b"\x04\x13\x10\x01\x02", CHALLENGE, OK],
        b"RFB 003.008\n\x02" + RESPONSE,
    ),
    "3.8 several offered, no password": (
        None, V3_8, [b"RFB 003.008\n", b"\x04\x02\x10\x01\x13", OK], b"RFB 003.008\n\x01",
    ),
    "password for a server that wants none": (
        "secret12", V3_8, [b"RFB 003.008\n", b"\x01\x01", OK], b"RFB 003.008\n\x01",
    ),
    "3.5 means 3.3": (None, V3_3, [b"RFB 003.005\n", uint32(1)], b"RFB 003.003\n"),
    "Apple": (None, V3_8, [b"RFB 003.889\n", b"\x01\x01", OK], b"RFB 003.008\n\x01"),
    "RealVNC": (None, V3_8, [b"RFB 005.000\n", b"\x01\x01", OK], b"RFB 003.008\n\x01"),
}  # fmt: skip

REFUSED = {
    "3.3 invalid": (
        None, [b"RFB 003.003\n", uint32(0), reason(b"Too many security failures")],
        'The VNC server refuses the connection (it says: "Too many security failures"). ' + LET_IT_REST,
    ),
    "3.7 no types": (
        None, [b"RFB 003.007\n", b"\0", reason(b"go away")],
        'The VNC server refuses the connection (it says: "go away"). ' + LET_IT_REST,
    ),
    "3.8 no types, empty reason": (
        "secret12", [b"RFB 003.008\n", b"\0", reason(b"")],
        "The VNC server refuses the connection. " + LET_IT_REST,
    ),
    "3.3 wrong password": (
        "secret12", [b"RFB 003.003\n", uint32(2), CHALLENGE, uint32(1)],
        "The VNC server refuses the password. " + GIVE_PASSWORD,
    ),
    "3.7 wrong password": (
        "secret12", [b"RFB 003.007\n", b"\x01\x02", CHALLENGE, uint32(1)],
        "The VNC server refuses the password. " + GIVE_PASSWORD,
    ),
    "3.8 wrong password": (
        "secret12", [b"RFB 003.008\n", b"\x01\x02", CHALLENGE, uint32(1), reason(b"no\x1b[2J\n!")],
        'The VNC server refuses the password (it says: "no [2J !"). ' + GIVE_PASSWORD,
    ),
    "3.8 too many attempts": (
        "secret12", [b"RFB 003.008\n", b"\x01\x02", CHALLENGE, uint32(2), reason(b"wait")],
        'The VNC server refuses the connection after too many attempts (it says: "wait"). ' + LET_IT_REST,
    ),
    "3.3 too many attempts": (
        "secret12", [b"RFB 003.003\n", uint32(2), CHALLENGE, uint32(2)],
        "The VNC server refuses the connection after too many attempts. " + LET_IT_REST,
    ),
    "3.8 refused after None": (
        None, [b"RFB 003.008\n", b"\x01\x01", uint32(1), reason(b"busy")],
        'The VNC server refuses the connection (it says: "busy"). ' + LET_IT_REST,
    ),
    "a password is wanted": (
        None, [b"RFB 003.008\n", b"\x01\x02"],
        "The VNC server asks for a password and the session's endpoint has none. " + GIVE_PASSWORD,
    ),
    "a password is wanted in 3.3": (
        None, [b"RFB 003.003\n", uint32(2)],
        "The VNC server asks for a password and the session's endpoint has none. " + GIVE_PASSWORD,
    ),
    "nothing that we can do": (
        "secret12", [b"RFB 003.008\n", b"\x03\x13\x10\x4d"],
        "The VNC server offers the security types 19 (VeNCrypt), 16 (Tight), 77; the gateway can do "
        "1 (None), 2 (VNC Authentication). " + OFFER_ANOTHER,
    ),
    "an unknown type in 3.3": (
        None, [b"RFB 003.003\n", uint32(16)],
        "The VNC server offers the security types 16 (Tight); the gateway can do 1 (None), "
        "2 (VNC Authentication). " + OFFER_ANOTHER,
    ),
}  # fmt: skip
