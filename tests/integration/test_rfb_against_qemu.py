"""The VNC server that QEMU has: log-ins, pictures, messages of its own, and what a viewer's limits leave of them."""

from __future__ import annotations

import select
import struct
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import pytest

from remote_service.rfb.encodings import Encoding
from remote_service.rfb.handshake import ServerLogin
from remote_service.rfb.policy import Policy
from remote_service.rfb.policy_filter import PolicyFilter
from remote_service.rfb.wire import V3_8, SecurityType
from tests.integration.live import LiveServer
from tests.integration.qemu import HEIGHT, WIDTH, Machine, machine
from tests.integration.streams import Stream, launched
from tests.integration.test_rfb_against_servers import (
    GIVE_PASSWORD,
    PASSWORD,
    SECONDS,
    assert_let_in,
    log_in,
    refusal,
    require,
    scratch,
)
from tests.integration.test_rfb_filter_against_servers import (
    BESIDE,
    HIGH_COLOUR,
    LOW_COLOUR,
    PIXELS_COUNT,
    PIXELS_DO_NOT,
    QUIET,
    TRUE_COLOUR,
    followed,
)
from tests.waiting import eventually, eventually_async

__all__ = ["scratch"]

BIG_ENDIAN = bytes.fromhex("20 18 01 01 00ff 00ff 00ff 10 08 00 000000")
OWN = (*BESIDE, Encoding.QEMU_POINTER_MOTION, Encoding.QEMU_AUDIO, Encoding.VMWARE_DISPLAY_MODE)
"""Encodings that stand beside those of pictures, QEMU's own among them."""
CASES = [
    *((TRUE_COLOUR, encodings) for encodings in PIXELS_COUNT + PIXELS_DO_NOT),
    *((pixels, encodings) for pixels in (HIGH_COLOUR, LOW_COLOUR) for encodings in PIXELS_COUNT[-3:]),
    (BIG_ENDIAN, (Encoding.TIGHT,)),
]

UPDATE = struct.pack(">BBHHHH", 3, 0, 0, 0, WIDTH, HEIGHT)
CAPS_LOCK = bytes.fromhex("04 01 0000 0000ffe5  04 00 0000 0000ffe5")
EXTENDED_KEY = bytes.fromhex("ff 00 0001 00000061 0000001e  ff 00 0000 00000061 0000001e")
CLICK = bytes.fromhex("05 01 0010 0010  05 00 0010 0010")
SIZE = bytes.fromhex("fb 00 0320 0258 01 00  00000000 0000 0000 0320 0258 00000000")
RESET = bytes.fromhex("fa 00 01 04")
DONE = {"vnc_key_event_map", "vnc_key_event_ext", "input_event_btn", "vnc_msg_client_set_desktop_size", "RESET"}
"""What of all these QEMU says that it has done."""

COPIED = b"\x06\0\0\0\0\0\0\x06secret"
GIVE_ME = bytes.fromhex("06 000000 fffffffc 02000001")
COPIED_THERE = bytes.fromhex("03 000000 fffffffc 08000001")
"""That there is a text in the clipboard, and the viewer may ask for it (rfbproto, Extended Clipboard)."""
IT_IS = bytes.fromhex("10000001")
SECRET = b"\x03\0\0\0\0\0\0\x06secret"

SOUND_FORMAT = bytes.fromhex("ff 01 0002  03 02 0000ac44")
SOUND_ON = bytes.fromhex("ff 01 0000")
SOUND_BEGINS, SOUND, SOUND_ENDS = (
    bytes.fromhex(message) for message in ("ff 01 0001", "ff 01 0002 0000", "ff 01 0000")
)
SPEAKER = ("-audiodev", "none,id=sound", "-machine", "pcspk-audiodev=sound")
BEEP = ("o/b 0x43 0xb6", "o/b 0x42 0x00", "o/b 0x42 0x10", "o/b 0x61 3")
"""What a program does to have the speaker sound."""


class Viewer:
    """A viewer behind a filter, as the relay has it."""

    def __init__(self, made: Machine, policy: Policy) -> None:
        self._filter = PolicyFilter(policy, clock=time.monotonic, follow_server=True)
        self._connection = made.connect()
        login = ServerLogin(None)
        log_in(self._connection, login)
        self._filter.from_server(login.leftover)
        named = (Encoding.RAW, *OWN)
        self.say(b"\x01" + struct.pack(f">BxH{len(named)}i", 2, len(named), *named))
        self.catch_up()

    def say(self, data: bytes) -> None:
        """Sends what of it may pass."""
        self._connection.sendall(self._filter.from_viewer(data))

    def hear(self, message: bytes) -> bool:
        """Hears until the server has said this; returns whether that passed."""
        passed, _heard = self._hear(message)
        return message in passed

    def catch_up(self) -> bytes:
        """Hears until all that was said before has been done, one thing after the other; returns what was heard."""
        self.say(UPDATE)
        return self._hear(struct.pack(">HHi", WIDTH, HEIGHT, Encoding.RAW))[1]

    def _hear(self, message: bytes) -> tuple[bytes, bytes]:
        heard = passed = b""
        while message not in heard:
            data = self._connection.recv(65536)
            assert data, "QEMU hung up"
            heard += data
            passed += self._filter.from_server(data)
        return passed, heard

    def assert_in_step(self) -> None:
        """The place in the stream is known: a message that is put behind what came is taken out."""
        while select.select([self._connection], [], [], QUIET)[0]:
            self._filter.from_server(self._connection.recv(65536))
        assert self._filter.from_server(SECRET) == (b"" if self._filter.policy.no_clipboard_out else SECRET)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()


# ---- log-ins ---------------------------------------------------------------------------------------------


def test_qemu_without_a_password_lets_us_in(scratch: Path) -> None:
    with machine(scratch, "-name", "proof") as made:
        assert_let_in(made.connect, None, V3_8, SecurityType.NONE, "QEMU (proof)")
        assert_let_in(made.connect, PASSWORD, V3_8, SecurityType.NONE, "QEMU (proof)")


@pytest.mark.parametrize("by", ["monitor", "secret"])
def test_qemu_takes_the_right_password_and_no_other(scratch: Path, by: str) -> None:
    secret = ("-object", f"secret,id=vnc,data={PASSWORD}") if by == "secret" else ()
    with machine(scratch, *secret, vnc=",password-secret=vnc" if secret else ",password=on") as made:
        if not secret:
            made.order("set_password", protocol="vnc", password=PASSWORD)
        assert_let_in(made.connect, PASSWORD, V3_8, SecurityType.VNC_AUTH, "QEMU")
        said = ' (it says: "Authentication failed")'
        assert refusal(made.connect, "wrong") == f"The VNC server refuses the password{said}. {GIVE_PASSWORD}"
        assert refusal(made.connect, None) == (
            f"The VNC server asks for a password and the session's endpoint has none. {GIVE_PASSWORD}"
        )


# ---- what it says ----------------------------------------------------------------------------------------


def test_a_clipboard_behind_any_picture_is_found(scratch: Path) -> None:
    with machine(scratch) as made:
        for pixels, encodings in CASES:
            with made.connect() as connection:
                followed(connection, pixels, encodings + OWN)


def test_sound_is_followed(scratch: Path) -> None:
    policy = Policy(no_clipboard_out=True)
    with machine(scratch, *SPEAKER, vnc=",audiodev=sound") as made, Viewer(made, policy) as viewer:
        viewer.say(SOUND_FORMAT + SOUND_ON)
        for command in BEEP:
            made.monitor(command)
        assert viewer.hear(SOUND_BEGINS)
        assert viewer.hear(SOUND)
        assert viewer.hear(SOUND)
        made.monitor("o/b 0x61 0")
        assert viewer.hear(SOUND_ENDS)
        viewer.assert_in_step()


# ---- what limits leave -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "done"),
    [
        (Policy(), DONE),
        (Policy(no_resize=True), DONE - {"vnc_msg_client_set_desktop_size"}),
        (Policy(view_only=True), set()),
    ],
    ids=["all", "no size", "look only"],
)
def test_only_what_a_viewer_may_do_is_done(scratch: Path, policy: Policy, done: set[str]) -> None:
    traces = [option for event in DONE - {"RESET"} for option in ("-trace", event)]
    with machine(scratch, *traces, vnc=",power-control=on") as made, Viewer(made, policy) as viewer:
        viewer.say(CAPS_LOCK + EXTENDED_KEY + CLICK + SIZE)
        viewer.catch_up()
        viewer.assert_in_step()
        viewer.say(RESET)
        if "RESET" in done:
            eventually(lambda: "RESET" in made.done())
        else:
            viewer.catch_up()
        assert made.done() & DONE == done


def test_what_one_viewer_copies_reaches_only_those_who_may_have_it(scratch: Path) -> None:
    policies = (Policy(), Policy(), Policy(no_clipboard_in=True), Policy(no_clipboard_out=True))
    with machine(scratch) as made, ExitStack() as open_ones:
        may, other, may_not_give, may_not_have = viewers = [
            open_ones.enter_context(Viewer(made, policy)) for policy in policies
        ]
        may_not_give.say(COPIED)
        may_not_give.catch_up()
        assert COPIED_THERE not in may.catch_up()

        other.say(COPIED)
        assert may.hear(COPIED_THERE)
        may.say(GIVE_ME)
        assert may.hear(IT_IS)
        assert not may_not_have.hear(COPIED_THERE)
        may_not_have.say(GIVE_ME)
        assert IT_IS not in may_not_have.catch_up()
        for viewer in viewers:
            viewer.assert_in_step()


# ---- through the real server -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "may_type"), [("Machine", True), ("Machine with a password", True), ("Machine to look at", False)]
)
async def test_a_session_shows_it(live: LiveServer, kind: str, may_type: bool) -> None:
    require("qemu-system-x86_64")
    async with launched(live, "alice", kind) as session, live.page_viewer("alice", session) as websocket:
        viewer = Stream(websocket)
        assert (await viewer.log_in()).name == "QEMU"
        await eventually_async(lambda: shows_something(viewer), within=SECONDS)
        await viewer.send(CAPS_LOCK + CLICK)
        if may_type:
            await eventually_async(lambda: typed(live, session))
        else:
            assert await shows_something(viewer)
            assert not typed(live, session)


async def shows_something(viewer: Stream) -> bool:
    """Asks for the screen, and says whether the answer has more than one colour: the BIOS takes a moment to write."""
    await viewer.send(UPDATE)
    _update, rectangles = struct.unpack("!HH", await viewer.read(4))
    colours: set[bytes] = set()
    for _ in range(rectangles):
        width, height, encoding = struct.unpack("!4xHHi", await viewer.read(12))
        assert encoding == Encoding.RAW
        pixels = await viewer.read(width * height * 4)
        colours |= {pixels[at : at + 4] for at in range(0, len(pixels), 4)}
    return len(colours) > 1


def typed(live: LiveServer, session: str) -> bool:
    """Whether somebody has typed or clicked in it."""
    sql = "SELECT last_input_at FROM remote_service_session WHERE id = ?"
    return live.query(sql, session.replace("-", ""))[0][0] is not None
