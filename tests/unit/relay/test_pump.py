"""One viewer's bytes, with both ends played: early ones, logins, banners, backpressure, and those who may only look."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from remote_service.endpoints import Endpoint
from remote_service.networks import USUAL
from remote_service.relay import outflow
from remote_service.relay import pump as module
from remote_service.relay.line import Line
from remote_service.relay.outflow import SLICE
from remote_service.relay.own_services import Rules
from remote_service.relay.proof import Claim, ElsewhereError, EndpointRefusedError
from remote_service.relay.pump import MOST_EARLY, EndpointError, Pump, ViewerGone, ViewerRefused
from remote_service.relay.upstream import MOST_UNREAD, Upstream
from remote_service.rfb.errors import RemoteProtocolError
from remote_service.rfb.policy import Policy
from remote_service.tasks import spawn
from tests.unit.relay.doubles import (
    BANNER,
    EMPTY_SCREEN,
    HANDSHAKE,
    LOGGED_IN,
    OK,
    PASSWORD,
    Server,
    Viewer,
    ViewerTransport,
    server_with_password,
    server_without_password,
)
from tests.unit.relay.test_frames import frame
from tests.unit.rfb.server_samples import COPIED, SERVER_INIT
from tests.waiting import eventually_async

ENDPOINT = Endpoint.tcp("127.0.0.1", 5901)
CLAIM = Claim("6f87d37a-41b9-45ee-af26-310d568b1d4d", 4711)
RULES = Rules(USUAL, (), Path("/nowhere"))
ALL = Policy()
LOOK = Policy(view_only=True)
KEY = bytes.fromhex("04 01 0000 00000061")
REQUEST = bytes.fromhex("03 01 0000 0000 0640 04b0")


class Relay:
    """A pump between two ends that are played."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, server: Server, *, policy: Policy = ALL) -> None:
        self.viewer = Viewer()
        self.server = server
        self.inputs = 0
        self.unprotected = 0
        self.pump = Pump(
            self.viewer.receive,
            self.viewer.send,
            policy=policy,
            on_input=self._input,
            on_unprotected=self._unprotected,
        )
        self.connected: dict[str, Any] = {}
        """How `connect` was called."""
        self._tasks: list[asyncio.Task[Any]] = []

        async def reach(endpoint: Endpoint, claim: Claim, rules: Rules, **keywords: Any) -> Upstream:
            assert endpoint is ENDPOINT
            self.connected = {"claim": claim, **keywords}
            return server.connect()

        monkeypatch.setattr(module, "reach", reach)

    def _input(self) -> None:
        self.inputs += 1

    def _unprotected(self) -> None:
        self.unprotected += 1

    def says(self, *pieces: bytes) -> None:
        """The viewer does."""
        self.viewer.says(*pieces)

    @property
    def screen(self) -> bytes:
        """What the viewer heard."""
        return self.viewer.screen

    def task(self, work: Awaitable[Any]) -> asyncio.Task[Any]:
        async def run() -> Any:
            return await work

        self._tasks.append(spawn(run(), name="relay under test"))
        return self._tasks[-1]

    def read(self) -> asyncio.Task[Any]:
        return self.task(self.pump.read_viewer())

    def run(self, password: str | None = None, *, rfb: bool = True) -> asyncio.Task[Any]:
        return self.task(self.pump.run(ENDPOINT, password, rfb=rfb, claim=CLAIM, rules=RULES))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def heard(self) -> bytes:
        """What the server heard."""
        return self.server.heard

    async def until_server_heard(self, data: bytes) -> None:
        await eventually_async(lambda: self.heard == data)

    async def until_viewer_heard(self, data: bytes) -> None:
        await eventually_async(lambda: self.viewer.screen == data)


Make = Callable[..., Relay]
Limited = Callable[[Policy], Awaitable[Any]]


@pytest.fixture
async def make(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Make]:
    made: list[Relay] = []

    def relay(server: Server, *, policy: Policy = ALL) -> Relay:
        made.append(Relay(monkeypatch, server, policy=policy))
        return made[-1]

    yield relay
    for each in made:
        await each.close()


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BANNER_TIMEOUT", 0.02)


async def turn_around() -> None:
    """Lets every task do what it can do now."""
    for _ in range(20):
        await asyncio.sleep(0)


# ---- bytes both ways -------------------------------------------------------------------------------------


async def test_without_a_password_the_bytes_pass_untouched(make: Make) -> None:
    relay = make(server_without_password())
    relay.read()
    relay.run()

    relay.viewer.says(*HANDSHAKE, REQUEST)
    await relay.until_server_heard(b"".join(HANDSHAKE) + REQUEST)
    relay.server.says(b"picture")

    await relay.until_viewer_heard(EMPTY_SCREEN + b"picture")
    assert relay.connected["timeout"] == module.CONNECT_TIMEOUT


async def test_the_endpoint_must_be_the_sessions_own(make: Make) -> None:
    relay = make(Server(b"open"))
    relay.run(rfb=False)
    await relay.until_viewer_heard(b"open")

    assert relay.connected["claim"] is CLAIM


async def test_an_endpoint_that_is_refused_will_never_be_reached(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: Any, **__: Any) -> Upstream:
        raise EndpointRefusedError("tcp:127.0.0.1:5901 is served by another session.")

    relay = make(server_without_password())
    monkeypatch.setattr(module, "reach", refuse)

    with pytest.raises(EndpointError) as caught:
        await relay.run()

    assert str(caught.value) == "tcp:127.0.0.1:5901 is served by another session."
    assert (caught.value.fatal, caught.value.refused) == (True, True)


async def test_one_of_another_machine_is_no_reason_for_its_session_to_fail(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any, **__: Any) -> Upstream:
        raise ElsewhereError("It runs on n9; open it through the gateway there.")

    relay = make(server_without_password())
    monkeypatch.setattr(module, "reach", refuse)

    with pytest.raises(EndpointError) as caught:
        await relay.run()

    assert str(caught.value) == "It runs on n9; open it through the gateway there."
    assert (caught.value.fatal, caught.value.refused, caught.value.elsewhere) == (False, False, True)


async def test_a_server_that_lets_everybody_in_is_noticed(make: Make) -> None:
    relay = make(server_without_password())
    relay.read()
    relay.run()
    relay.viewer.says(*HANDSHAKE)
    await relay.until_server_heard(b"".join(HANDSHAKE))

    assert relay.unprotected == 1


@pytest.mark.parametrize(("offered", "noticed"), [(b"\x01\x02", 0), (b"\x02\x01\x02", 1)])
async def test_it_is_so_beside_a_password_that_nobody_needs(make: Make, offered: bytes, noticed: int) -> None:
    relay = make(Server(BANNER, (12, offered), (1, bytes(16)), (16, OK)))
    relay.run(PASSWORD)
    await relay.until_viewer_heard(BANNER)

    assert relay.unprotected == noticed


async def test_it_counts_the_bytes_of_both_ways(make: Make) -> None:
    relay = make(Server(b"", (5, b"answer!")))
    relay.read()
    relay.run(rfb=False)

    relay.viewer.says(b"hel", b"lo")

    await relay.until_viewer_heard(b"answer!")
    assert (relay.pump.bytes_up, relay.pump.bytes_down) == (5, 7)
    assert (relay.pump.messages_up, relay.pump.messages_down) == (2, 1)


async def test_a_text_message_counts_as_its_bytes(make: Make) -> None:
    relay = make(Server(b""))
    relay.read()
    relay.run(rfb=False)

    relay.viewer.messages.put_nowait({"type": "websocket.receive", "text": "hé"})
    relay.viewer.messages.put_nowait({"type": "websocket.receive", "text": None, "bytes": None})

    await relay.until_server_heard("hé".encode())
    assert relay.pump.bytes_up == 3


@pytest.mark.parametrize(("code", "returned"), [(1000, 1000), (1001, 1001), (1006, 1006), (None, 1005)])
async def test_reading_ends_with_the_viewers_close_code(make: Make, code: int | None, returned: int) -> None:
    relay = make(Server(b""))
    reading = relay.read()

    relay.viewer.leaves(code)

    assert await reading == returned


async def test_it_ends_when_the_endpoint_hangs_up(make: Make) -> None:
    relay = make(Server(b"RFB 003.008\nlast words"))
    running = relay.run()
    relay.server.hangs_up()

    assert await running is None
    assert relay.viewer.screen == b"RFB 003.008\nlast words"


async def test_a_viewer_that_has_gone_ends_it(make: Make) -> None:
    relay = make(Server(b"RFB 003.008\n"))
    relay.viewer.gone = True

    with pytest.raises(ViewerGone):
        await relay.run()


async def test_closing_hangs_up_on_the_endpoint(make: Make) -> None:
    relay = make(Server(b"RFB 003.008\n"))
    relay.pump.close()  # before there is one
    relay.run()
    await relay.until_viewer_heard(BANNER)

    relay.pump.close()

    assert relay.server.transport.aborted


async def test_an_endpoint_that_cannot_be_reached_is_told_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    async def reach(endpoint: Endpoint, *_: Any, **__: Any) -> Upstream:
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(module, "reach", reach)
    viewer = Viewer()
    pump = Pump(viewer.receive, viewer.send, policy=ALL, on_input=lambda: None)

    with pytest.raises(EndpointError) as caught:
        await pump.run(ENDPOINT, None, rfb=True, claim=CLAIM, rules=RULES)

    assert str(caught.value) == "tcp:127.0.0.1:5901 cannot be reached: [Errno 111] Connection refused."
    assert not caught.value.fatal


# ---- early bytes -----------------------------------------------------------------------------------------


async def test_what_came_before_the_endpoint_was_there_is_kept_in_order(make: Make) -> None:
    relay = make(Server(b""))
    relay.read()
    relay.viewer.says(b"one ", b"two ")
    await eventually_async(lambda: relay.pump.bytes_up == 8)

    relay.run(rfb=False)
    relay.viewer.says(b"three ", b"four")

    await relay.until_server_heard(b"one two three four")


async def test_after_64_kib_a_viewer_is_read_no_further_until_its_session_runs(make: Make) -> None:
    relay = make(Server(b""))
    relay.read()
    relay.viewer.says(b"a" * (MOST_EARLY - 1))
    relay.viewer.says(b"b", b"c", b"d")
    await turn_around()
    assert relay.viewer.taken == 2

    relay.run(rfb=False)

    await relay.until_server_heard(b"a" * (MOST_EARLY - 1) + b"bcd")


async def test_below_64_kib_it_is_read_on(make: Make) -> None:
    relay = make(Server(b""))
    relay.read()
    relay.viewer.says(b"a" * (MOST_EARLY - 2), b"b")
    relay.viewer.leaves(1001)

    await eventually_async(lambda: relay.viewer.taken == 3)


async def test_early_bytes_do_not_wait_for_an_endpoint_that_answers_each_before_it_takes_the_next(
    make: Make,
) -> None:
    relay = make(Server(b""))
    relay.read()
    relay.viewer.says(b"much")
    await eventually_async(lambda: relay.pump.bytes_up == 4)
    relay.server.upstream.pause_writing()

    relay.run(rfb=False)
    relay.server.says(b"read my answer first")

    await relay.until_viewer_heard(b"read my answer first")


async def test_a_viewer_that_does_not_wait_for_the_logins_is_served(make: Make) -> None:
    relay = make(server_with_password())
    relay.read()
    relay.viewer.says(b"".join(HANDSHAKE) + KEY)
    await eventually_async(lambda: relay.pump.bytes_up == len(b"".join(HANDSHAKE) + KEY))

    relay.run(PASSWORD)
    relay.viewer.says(REQUEST)

    await relay.until_server_heard(LOGGED_IN + b"\x01" + KEY + REQUEST)
    assert relay.viewer.screen == EMPTY_SCREEN


async def test_what_comes_while_an_early_login_is_answered_stays_behind_it(make: Make) -> None:
    relay = make(server_with_password())
    relay.read()
    relay.viewer.says(BANNER + b"\x01\x01")
    await eventually_async(lambda: relay.pump.bytes_up == 14)
    relay.viewer.listening.clear()
    relay.run(PASSWORD)
    await turn_around()

    relay.viewer.says(KEY, REQUEST)
    await turn_around()
    relay.viewer.listening.set()

    await relay.until_server_heard(LOGGED_IN + b"\x01" + KEY + REQUEST)


# ---- backpressure ----------------------------------------------------------------------------------------


async def test_a_viewer_is_not_read_while_the_endpoint_takes_nothing(make: Make) -> None:
    relay = make(Server(b""))
    relay.read()
    relay.run(rfb=False)
    relay.viewer.says(b"one")
    await relay.until_server_heard(b"one")

    relay.server.upstream.pause_writing()
    relay.viewer.says(b"two", b"three", b"four")
    await turn_around()
    assert relay.viewer.taken == 2

    relay.server.upstream.resume_writing()
    await relay.until_server_heard(b"onetwothreefour")


async def test_an_endpoint_is_not_read_while_the_viewer_takes_nothing(make: Make) -> None:
    relay = make(Server(b"first"))
    relay.viewer.listening.clear()
    relay.run(rfb=False)
    await turn_around()

    relay.server.says(bytes(MOST_UNREAD))
    assert not relay.server.transport.reading

    relay.viewer.listening.set()
    await eventually_async(lambda: len(relay.viewer.screen) == 5 + MOST_UNREAD)
    assert relay.server.transport.reading


async def test_much_at_once_is_passed_on_in_slices(make: Make) -> None:
    relay = make(Server(b"open"))
    relay.read()
    relay.run(rfb=False)
    await relay.until_viewer_heard(b"open")
    data = bytes(range(256)) * (SLICE // 128) + b"rest"

    relay.viewer.says(data)

    await relay.until_server_heard(data)
    assert [len(piece) for piece in relay.server.transport.written] == [SLICE, SLICE, 4]


@pytest.mark.parametrize(("took", "waits"), [(0.005, [0.02, 0.02]), (0.0004, [])])
async def test_a_viewer_whose_messages_take_long_to_look_at_waits_for_itself(
    make: Make, monkeypatch: pytest.MonkeyPatch, took: float, waits: list[float]
) -> None:
    relay = make(Server(b"open"))
    relay.read()
    relay.run(rfb=False)
    await relay.until_viewer_heard(b"open")
    spent = itertools.count(0.0, took)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(module, "time", SimpleNamespace(thread_time=lambda: next(spent)))
    monkeypatch.setattr(module, "asyncio", SimpleNamespace(sleep=sleep))

    relay.viewer.says(b"one", b"two")

    await relay.until_server_heard(b"onetwo")
    await turn_around()
    assert slept == pytest.approx(waits)


# ---- banners ---------------------------------------------------------------------------------------------


async def test_a_banner_may_come_in_pieces(make: Make) -> None:
    relay = make(Server(b"RF"))
    relay.run()
    await turn_around()
    assert relay.viewer.heard == []

    relay.server.says(b"B 003.")
    await turn_around()
    relay.server.says(b"008\n\x01\x01")

    await relay.until_viewer_heard(b"RFB 003.008\n\x01\x01")


async def test_a_megabyte_at_once_behind_the_banner_arrives_whole(make: Make) -> None:
    data = BANNER + bytes(range(256)) * 4096
    relay = make(Server(data))
    relay.run()

    await relay.until_viewer_heard(data)


async def test_something_that_is_no_vnc_server_fails_the_session(make: Make) -> None:
    with pytest.raises(EndpointError) as caught:
        await make(Server(b"SSH-2.0-OpenSSH_9.2p1\r\n")).run()

    assert str(caught.value) == (
        "The endpoint speaks no RFB: it began with b'SSH-2.0-Open'; expected b'RFB 003.008\\n' or the like. "
        'A type that is no VNC needs "stream": "raw".'
    )
    assert caught.value.fatal


@pytest.mark.usefixtures("short_patience")
@pytest.mark.parametrize("said", [b"", b"RFB 00"])
async def test_something_that_says_nothing_fails_the_session(make: Make, said: bytes) -> None:
    with pytest.raises(EndpointError) as caught:
        await make(Server(said)).run()

    assert str(caught.value) == (
        "Nothing of a VNC server came within 0.02 s; expected its RFB banner. "
        'A type that is no VNC needs "stream": "raw".'
    )
    assert caught.value.fatal


async def test_a_server_that_hangs_up_at_once_may_be_better_next_time(make: Make) -> None:
    relay = make(Server(b"RFB"))
    running = relay.run()
    relay.server.hangs_up()

    with pytest.raises(EndpointError) as caught:
        await running

    assert str(caught.value) == "The VNC server hung up before it said anything."
    assert not caught.value.fatal


async def test_a_raw_stream_needs_no_banner(make: Make) -> None:
    relay = make(Server(b"anything"))
    relay.read()
    relay.run("a password that nobody asks for", rfb=False)
    relay.viewer.says(b"\x00")

    await relay.until_viewer_heard(b"anything")
    await relay.until_server_heard(b"\x00")


# ---- passwords -------------------------------------------------------------------------------------------


async def test_the_gateway_logs_in_and_lets_the_viewer_in_without_the_password(make: Make) -> None:
    relay = make(server_with_password())
    relay.read()
    relay.run(PASSWORD)
    await relay.until_viewer_heard(BANNER)

    relay.viewer.says(BANNER[:5], BANNER[5:])
    await relay.until_viewer_heard(BANNER + b"\x01\x01")
    relay.viewer.says(b"\x01")
    await relay.until_viewer_heard(EMPTY_SCREEN)
    relay.viewer.says(b"\x01")
    await relay.until_server_heard(LOGGED_IN + b"\x01")
    relay.server.says(b"ServerInit")

    await relay.until_viewer_heard(EMPTY_SCREEN + b"ServerInit")


async def test_a_viewer_of_rfb_3_3_is_let_in_too(make: Make) -> None:
    relay = make(server_with_password())
    relay.read()
    relay.run(PASSWORD)

    relay.viewer.says(b"RFB 003.003\n", b"\x01")

    await relay.until_server_heard(LOGGED_IN + b"\x01")
    assert relay.viewer.screen == BANNER + b"\0\0\0\x01"


async def test_a_server_may_say_more_behind_its_login(make: Make) -> None:
    relay = make(Server(BANNER, (12, b"\x01\x02"), (1, bytes(16)), (16, OK + b"early")))
    relay.run(PASSWORD)

    await relay.until_viewer_heard(BANNER + b"early")


async def test_a_server_that_refuses_the_password_fails_the_session(make: Make) -> None:
    refused = b"\0\0\0\x01\0\0\0\x08too bad!"
    relay = make(Server(BANNER, (12, b"\x01\x02"), (1, bytes(16)), (16, refused)))

    with pytest.raises(EndpointError) as caught:
        await relay.run(PASSWORD)

    assert str(caught.value) == (
        'The VNC server refuses the password (it says: "too bad!"). Give set_host_port or set_unix_socket the '
        "password that the server was started with; only its first 8 bytes count."
    )
    assert caught.value.fatal
    assert relay.viewer.heard == []


async def test_something_that_is_no_vnc_server_fails_a_session_with_a_password_too(make: Make) -> None:
    with pytest.raises(EndpointError) as caught:
        await make(Server(b"HTTP/1.1 400 Bad Request\r\n")).run(PASSWORD)

    assert str(caught.value).startswith("The VNC server does not speak RFB as expected: ProtocolVersion at byte 0 is ")
    assert caught.value.fatal


@pytest.mark.parametrize("said", [b"", BANNER])
async def test_a_server_that_hangs_up_while_it_logs_us_in_may_be_better_next_time(make: Make, said: bytes) -> None:
    relay = make(Server(said))
    running = relay.run(PASSWORD)
    relay.server.hangs_up()

    with pytest.raises(EndpointError, match="the end of the connection") as caught:
        await running

    assert not caught.value.fatal


@pytest.mark.usefixtures("short_patience")
@pytest.mark.parametrize(("said", "fatal"), [(b"RFB", True), (BANNER, False)])
async def test_a_server_that_never_lets_us_in_is_given_up(make: Make, said: bytes, fatal: bool) -> None:
    with pytest.raises(EndpointError) as caught:
        await make(Server(said)).run(PASSWORD)

    assert str(caught.value) == "The VNC server did not let the gateway in within 0.02 s."
    assert caught.value.fatal is fatal


@pytest.mark.parametrize("early", [True, False])
async def test_a_viewer_that_speaks_no_rfb_is_told_so(make: Make, early: bool) -> None:
    relay = make(server_with_password())
    reading = relay.read()
    if early:
        relay.viewer.says(b"GET / HTTP/1.1")
        await eventually_async(lambda: relay.pump.bytes_up > 0)
        failing = relay.run(PASSWORD)
    else:
        relay.run(PASSWORD)
        await relay.until_viewer_heard(BANNER)
        relay.viewer.says(b"GET / HTTP/1.1")
        failing = reading

    with pytest.raises(RemoteProtocolError, match="The viewer does not speak RFB as expected: ProtocolVersion"):
        await failing


async def test_a_viewer_that_leaves_while_it_is_let_in_has_gone(make: Make) -> None:
    relay = make(server_with_password())
    reading = relay.read()
    relay.run(PASSWORD)
    await relay.until_viewer_heard(BANNER)
    relay.viewer.gone = True

    relay.viewer.says(BANNER)

    with pytest.raises(ViewerGone):
        await reading


# ---- input -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("password", [None, PASSWORD])
async def test_keys_are_input_and_requests_are_not(make: Make, password: str | None) -> None:
    relay = make(server_with_password() if password else server_without_password())
    relay.read()
    relay.run(password)
    relay.viewer.says(*HANDSHAKE, REQUEST)
    await eventually_async(lambda: relay.heard.endswith(b"\x01" + REQUEST))
    assert relay.inputs == 0

    relay.viewer.says(KEY)

    await eventually_async(lambda: relay.heard.endswith(KEY))
    assert relay.inputs == 1


async def test_of_a_raw_stream_every_byte_is_input(make: Make) -> None:
    relay = make(Server(b"open"))
    relay.read()
    relay.run(rfb=False)
    await relay.until_viewer_heard(b"open")

    relay.viewer.says(b"\x00", b"\x00")

    await relay.until_server_heard(b"\x00\x00")
    assert relay.inputs == 2


# ---- those who may only look -----------------------------------------------------------------------------


@pytest.mark.parametrize("password", [None, "", PASSWORD])
async def test_who_may_only_look_is_let_in_and_types_in_vain(make: Make, password: str | None) -> None:
    relay = make(server_with_password() if password else server_without_password(), policy=LOOK)
    relay.read()
    relay.run(password)
    await relay.until_viewer_heard(BANNER)

    relay.viewer.says(BANNER, b"\x01", b"\x00", KEY, REQUEST, KEY[:3], KEY[3:], REQUEST)
    logged_in = LOGGED_IN if password else BANNER + b"\x01"
    await relay.until_server_heard(logged_in + b"\x01" + REQUEST + REQUEST)
    relay.server.says(b"picture")

    await relay.until_viewer_heard(EMPTY_SCREEN + b"picture")
    assert relay.inputs == 0


async def test_early_keys_of_who_may_only_look_are_dropped(make: Make) -> None:
    relay = make(server_without_password(), policy=LOOK)
    relay.read()
    relay.viewer.says(b"".join(HANDSHAKE) + KEY + REQUEST)
    await eventually_async(lambda: relay.pump.bytes_up > 14)

    relay.run()

    await relay.until_server_heard(BANNER + b"\x01\x01" + REQUEST)


async def test_an_unknown_message_of_who_may_only_look_ends_it(make: Make) -> None:
    relay = make(server_without_password(), policy=LOOK)
    reading = relay.read()
    relay.run()
    await relay.until_viewer_heard(BANNER)

    relay.viewer.says(*HANDSHAKE, b"\x07secret")

    with pytest.raises(RemoteProtocolError, match="message-type at byte 0 is 7"):
        await reading
    assert relay.heard == BANNER + b"\x01\x01"


async def test_nobody_is_limited_on_a_raw_stream(make: Make) -> None:
    relay = make(Server(b"data"), policy=LOOK)

    with pytest.raises(ViewerRefused) as caught:
        await relay.run(rfb=False)

    assert str(caught.value) == "It is no VNC."
    assert relay.viewer.heard == []


async def test_nobody_is_limited_on_a_server_that_encrypts(make: Make) -> None:
    relay = make(Server(BANNER, (12, b"\x01\x13")), policy=Policy(no_clipboard_out=True))

    with pytest.raises(ViewerRefused) as caught:
        await relay.run()

    assert str(caught.value) == (
        "The VNC server offers the security types 19 (VeNCrypt); "
        "the gateway can do 1 (None), 2 (VNC Authentication). Start the VNC server with one of these: TigerVNC with "
        "-SecurityTypes VncAuth, or with -SecurityTypes None on a Unix socket."
    )


async def test_who_may_do_everything_passes_there(make: Make) -> None:
    relay = make(Server(BANNER, (12, b"\x01\x13")))
    relay.read()
    relay.run()
    relay.viewer.says(BANNER, b"\x13", b"encrypted")

    await relay.until_server_heard(BANNER + b"\x13encrypted")
    assert relay.viewer.screen == BANNER + b"\x01\x13"


async def test_a_password_that_is_wrong_for_everybody_is_no_refusal_of_one(make: Make) -> None:
    with pytest.raises(EndpointError, match="offers the security types 19") as caught:
        await make(Server(BANNER, (12, b"\x01\x13")), policy=LOOK).run(PASSWORD)

    assert caught.value.fatal


@pytest.mark.usefixtures("short_patience")
async def test_a_server_that_does_not_answer_who_may_only_look_is_given_up(make: Make) -> None:
    with pytest.raises(EndpointError, match=r"did not let the gateway in within 0\.02 s"):
        await make(Server(b""), policy=LOOK).run()


# ---- other limits ----------------------------------------------------------------------------------------


async def test_who_may_not_have_the_clipboard_sees_and_types(limited: Limited) -> None:
    relay = await limited(Policy(no_clipboard_out=True))
    said = relay.screen

    relay.server.says(SERVER_INIT + COPIED[0].data + b"\x02")
    relay.says(KEY)

    await eventually_async(lambda: relay.screen == said + SERVER_INIT + b"\x02")
    await eventually_async(lambda: relay.heard.endswith(b"\x01" + KEY))
    assert relay.inputs == 1


async def test_a_change_holds_from_the_next_message_on(limited: Limited) -> None:
    relay = await limited(LOOK)
    before = relay.heard

    assert relay.pump.change(ALL)
    assert relay.pump.policy == ALL
    relay.says(KEY + KEY[:3])
    await relay.until_server_heard(before + KEY + KEY[:3])
    assert relay.pump.change(LOOK)
    relay.says(KEY[3:] + KEY + REQUEST)

    await relay.until_server_heard(before + KEY + KEY + REQUEST)


async def test_requests_that_come_too_early_are_held_back_and_then_sent(limited: Limited) -> None:
    relay = await limited(Policy(max_updates_per_second=50))
    before = relay.heard

    relay.says(REQUEST + REQUEST + KEY)

    await relay.until_server_heard(before + REQUEST + KEY + REQUEST)


async def test_a_server_whose_messages_cannot_be_followed_ends_it(limited: Limited) -> None:
    relay = await limited(Policy(no_clipboard_out=True))
    relay.server.says(SERVER_INIT + b"\xee secret")

    with pytest.raises(RemoteProtocolError, match="The VNC server does not speak RFB as expected: message-type"):
        await relay.running
    assert b"secret" not in relay.screen


async def test_a_picture_that_takes_long_to_look_at_lets_others_have_a_turn(
    limited: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outflow, "BRAKE_FROM", 0.0)
    monkeypatch.setattr(outflow, "BRAKE", 0.01)
    relay = await limited(Policy(no_clipboard_out=True))
    bells = b"\x02" * (3 * SLICE + 5)

    relay.server.says(SERVER_INIT + bells)

    await eventually_async(lambda: relay.screen.endswith(SERVER_INIT + bells))
    relay.server.says(bells)
    await eventually_async(lambda: relay.screen.endswith(SERVER_INIT + bells + bells))


async def test_who_may_do_everything_comes_anew_to_be_limited(make: Make) -> None:
    relay = make(server_without_password())
    assert relay.pump.change(LOOK), "nothing has passed yet"
    assert relay.pump.change(ALL)
    relay.run()
    await relay.until_viewer_heard(BANNER)

    assert not relay.pump.change(LOOK)
    assert relay.pump.policy == ALL


# ---- a line that was taken over --------------------------------------------------------------------------


class DirectRelay(Relay):
    """The same with a line in place of `receive` and `send`; what it said and heard is unframed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, server: Server, *, policy: Policy = ALL) -> None:
        super().__init__(monkeypatch, server, policy=policy)
        self.transport = ViewerTransport()
        self.line = Line(self.transport, most_message=1 << 20, peer="", lost=lambda _error: None)
        self.pump = Pump(self.line.receive, self.line.send, policy=policy, on_input=self._input, line=self.line)

    @property
    def screen(self) -> bytes:
        return unframed(self.transport.written)

    def says(self, *pieces: bytes) -> None:
        self.line.data_received(b"".join(frame(2, piece) for piece in pieces))

    async def until_viewer_heard(self, data: bytes) -> None:
        await eventually_async(lambda: self.screen == data)

    async def close(self) -> None:
        await super().close()
        self.line.connection_lost(None)


def unframed(stream: bytes) -> bytes:
    data, at = b"", 0
    while at < len(stream):
        assert stream[at] == 0x82
        length, at = stream[at + 1], at + 2
        if width := {126: 2, 127: 8}.get(length, 0):
            length, at = int.from_bytes(stream[at : at + width], "big"), at + width
        data += stream[at : at + length]
        at += length
    return data


@pytest.fixture
async def direct(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Make]:
    made: list[DirectRelay] = []

    def relay(server: Server, *, policy: Policy = ALL) -> DirectRelay:
        made.append(DirectRelay(monkeypatch, server, policy=policy))
        return made[-1]

    yield relay
    for each in made:
        await each.close()


@pytest.fixture(params=["make", "direct"])
def limited(request: pytest.FixtureRequest) -> Limited:
    """A viewer that has just been let in, by either tier."""
    make: Make = request.getfixturevalue(request.param)

    async def relay(policy: Policy) -> Any:
        made = make(server_without_password(), policy=policy)
        made.read()
        made.running = made.run()
        await made.until_viewer_heard(BANNER)
        made.says(*HANDSHAKE)
        await made.until_server_heard(BANNER + b"\x01\x01")
        return made

    return relay


@pytest.mark.parametrize("password", [None, PASSWORD])
@pytest.mark.parametrize("early", [True, False])
async def test_directly_the_same_bytes_pass(direct: Any, password: str | None, early: bool) -> None:
    relay = direct(server_with_password() if password else server_without_password())
    relay.read()
    if early:
        relay.says(*HANDSHAKE, KEY)
        await turn_around()
    relay.run(password)
    if not early:
        await relay.until_viewer_heard(BANNER)
        relay.says(*HANDSHAKE, KEY)

    heard = (LOGGED_IN if password else BANNER + b"\x01") + b"\x01" + KEY
    await relay.until_server_heard(heard)
    relay.says(REQUEST)
    relay.server.says(b"picture")
    await relay.until_server_heard(heard + REQUEST)
    await relay.until_viewer_heard(EMPTY_SCREEN + b"picture")
    # Until the server has spoken, nobody can tell where an early viewer's handshake ends.
    assert relay.inputs == (0 if early and not password else 1)
    up, down = len(b"".join(HANDSHAKE) + KEY + REQUEST), len(EMPTY_SCREEN + b"picture")
    assert (relay.pump.bytes_up, relay.pump.bytes_down) == (up, down)
    assert min(relay.pump.messages_up, relay.pump.messages_down) >= 2


async def test_directly_who_may_only_look_types_in_vain(direct: Any) -> None:
    relay = direct(server_without_password(), policy=LOOK)
    reading = relay.read()
    relay.run()
    await relay.until_viewer_heard(BANNER)

    relay.says(*HANDSHAKE, KEY, REQUEST)
    await relay.until_server_heard(BANNER + b"\x01\x01" + REQUEST)
    relay.says(b"\x07secret")
    with pytest.raises(RemoteProtocolError, match="message-type at byte"):
        await reading
    assert relay.heard == BANNER + b"\x01\x01" + REQUEST


async def test_directly_it_ends_as_either_end_does(direct: Any) -> None:
    relay = direct(Server(b"open"))
    reading, running = relay.read(), relay.run(rfb=False)
    await relay.until_viewer_heard(b"open")
    relay.server.hangs_up()
    assert await running is None
    relay.line.data_received(frame(8))
    assert await reading == 1005


async def test_directly_nothing_passes_once_it_is_cancelled(direct: Any) -> None:
    relay = direct(Server(b"open"))
    running = relay.run(rfb=False)
    await relay.until_viewer_heard(b"open")
    running.cancel()
    await asyncio.wait({running})
    relay.says(b"key")
    assert relay.heard == b""
