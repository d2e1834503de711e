"""What stands between a viewer's bytes and its endpoint's: an eye on input, or a filter that can be changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from remote_service.relay import gate as module
from remote_service.relay.gate import Gate, Way
from remote_service.relay.upstream import MOST_WAITING, Upstream
from remote_service.rfb.policy import Policy
from tests.unit.relay.doubles import BANNER, HANDSHAKE, Transport
from tests.unit.rfb.server_samples import COPIED, SERVER_INIT
from tests.waiting import eventually_async

ALL, LOOK = Policy(), Policy(view_only=True)
NO_COPYING = Policy(no_clipboard_out=True)
KEY = bytes.fromhex("04 01 0000 00000061")
REQUEST = bytes.fromhex("03 01 0000 0000 0640 04b0")


class Ends:
    """A gate before an endpoint whose transport is played."""

    def __init__(self, policy: Policy) -> None:
        self.inputs = 0
        self.transport = Transport()
        self.upstream = Upstream()
        self.upstream.connection_made(self.transport)
        self.gate = Gate(policy, self._input)

    def _input(self) -> None:
        self.inputs += 1

    def begin(self, way: Way = Way.LOGGED_IN) -> Gate:
        self.gate.begin(way, self.upstream)
        return self.gate

    @property
    def asked(self) -> bytes:
        return b"".join(self.transport.written)


@pytest.fixture
def made() -> Iterator[list[Ends]]:
    ends: list[Ends] = []
    yield ends
    for each in ends:
        each.gate.close()


# ---- who may do everything ---------------------------------------------------------------------------------


def test_who_may_do_everything_is_only_looked_at() -> None:
    ends = Ends(ALL)
    gate = ends.begin(Way.UNTOUCHED)
    picture, hello = bytes(100), b"".join(HANDSHAKE)

    assert not gate.limited
    assert not gate.looks_down
    assert gate.down(BANNER) == BANNER
    assert gate.up(hello) is hello
    assert gate.down(picture) is picture
    assert ends.inputs == 0
    assert gate.up(KEY) is KEY
    assert ends.inputs == 1


def test_behind_a_login_messages_begin_with_client_init() -> None:
    ends = Ends(ALL)
    gate = ends.begin()

    gate.up(b"\x01" + REQUEST)
    assert ends.inputs == 0
    gate.up(KEY)
    assert ends.inputs == 1


def test_of_a_raw_stream_every_byte_is_input() -> None:
    ends = Ends(ALL)
    ends.begin(Way.RAW).up(b"\0")

    assert ends.inputs == 1


@pytest.mark.parametrize("way", Way)
def test_nobody_who_was_only_looked_at_can_be_filtered(way: Way) -> None:
    gate = Ends(ALL).begin(way)

    assert not gate.change(LOOK)
    assert gate.policy == ALL
    assert gate.change(ALL)


# ---- who may not -------------------------------------------------------------------------------------------


async def test_before_anything_passes_every_policy_will_do(made: list[Ends]) -> None:
    ends = Ends(ALL)
    made.append(ends)

    for policy in (LOOK, ALL, NO_COPYING):
        assert ends.gate.change(policy)
        assert ends.gate.policy == policy
        assert ends.gate.limited is (policy != ALL)
    assert ends.begin().looks_down


async def test_the_filter_stands_from_client_init_on(made: list[Ends]) -> None:
    ends = Ends(LOOK)
    made.append(ends)
    gate = ends.begin()

    assert gate.up(b"\x00" + KEY + REQUEST) == b"\x01" + REQUEST
    assert gate.down(b"anything") == b"anything"
    assert not gate.looks_down
    assert ends.inputs == 0


async def test_input_that_passes_a_filter_is_reported(made: list[Ends]) -> None:
    ends = Ends(NO_COPYING)
    made.append(ends)
    gate = ends.begin()

    assert gate.up(b"\x01" + KEY) == b"\x01" + KEY
    assert gate.down(SERVER_INIT + COPIED[0].data) == SERVER_INIT
    assert ends.inputs == 1


async def test_rights_come_and_go_between_messages(made: list[Ends]) -> None:
    ends = Ends(LOOK)
    made.append(ends)
    gate = ends.begin()
    gate.up(b"\x01")

    assert gate.change(ALL)
    assert (gate.policy, gate.limited) == (ALL, False)
    assert gate.up(KEY + KEY[:2]) == KEY + KEY[:2]
    assert gate.change(LOOK)
    assert gate.up(KEY[2:] + KEY) == KEY[2:]

    assert not gate.change(NO_COPYING), "the server's messages were not followed"
    assert gate.policy == LOOK


# ---- requests that were held back -------------------------------------------------------------------------


async def test_what_was_held_back_is_sent_when_it_is_due(made: list[Ends]) -> None:
    ends = Ends(Policy(max_updates_per_second=100))
    made.append(ends)
    gate = ends.begin()

    assert gate.up(b"\x01" + REQUEST + REQUEST + REQUEST) == b"\x01" + REQUEST
    assert ends.asked == b""
    await eventually_async(lambda: ends.asked == REQUEST)
    await asyncio.sleep(0.03)
    assert ends.asked == REQUEST


async def test_a_limit_that_is_lifted_lets_go_what_it_held(made: list[Ends]) -> None:
    ends = Ends(Policy(max_updates_per_second=0.1))
    made.append(ends)
    gate = ends.begin()
    gate.up(b"\x01" + REQUEST + REQUEST)

    gate.change(Policy(no_resize=True))

    await eventually_async(lambda: ends.asked == REQUEST)


async def test_an_endpoint_that_takes_nothing_is_asked_later(made: list[Ends], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.005)
    ends = Ends(Policy(max_updates_per_second=1000))
    made.append(ends)
    ends.transport.waiting = MOST_WAITING + 1
    ends.begin().up(b"\x01" + REQUEST + REQUEST)

    await asyncio.sleep(0.03)
    assert ends.asked == b""
    ends.transport.waiting = MOST_WAITING
    await eventually_async(lambda: ends.asked == REQUEST)


async def test_nothing_is_asked_once_it_is_closed(made: list[Ends]) -> None:
    ends = Ends(Policy(max_updates_per_second=100))
    ends.begin().up(b"\x01" + REQUEST + REQUEST)

    ends.gate.close()

    await asyncio.sleep(0.03)
    assert ends.asked == b""
    assert ends.gate.up(REQUEST + REQUEST) == REQUEST
    await asyncio.sleep(0.03)
    assert ends.asked == b""
