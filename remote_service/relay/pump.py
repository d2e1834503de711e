"""One viewer's bytes: kept while the session starts, logged in for, counted, and passed both ways with backpressure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from remote_service import details
from remote_service.endpoints import Endpoint
from remote_service.relay.crossing import Crossing
from remote_service.relay.dialling import reach
from remote_service.relay.flag import Flag
from remote_service.relay.gate import Gate, Way
from remote_service.relay.inflow import BRAKE, BRAKE_FROM
from remote_service.relay.line import Line
from remote_service.relay.outflow import Work, slices
from remote_service.relay.own_services import Rules
from remote_service.relay.proof import Claim, ElsewhereError, EndpointRefusedError
from remote_service.relay.upstream import Upstream
from remote_service.rfb.buffer import Data
from remote_service.rfb.errors import AuthenticationFailed, RFBError
from remote_service.rfb.handshake import ServerLogin, ViewerLogin, looks_like_banner
from remote_service.rfb.policy import Policy

MOST_EARLY = 64 * 1024
"""Bytes of a viewer that are kept until its session runs; then it is read no further."""
CONNECT_TIMEOUT = 10.0
BANNER_TIMEOUT = 10.0
"""Seconds that a VNC server has to say who it is, and to let us in."""


class EndpointError(Exception):
    """The endpoint is not what it should be. `fatal`: it never will be, and the session has failed.

    `refused`: it is not the session's own, or where no session's may be. `elsewhere`: another machine's gateway has it.
    """

    def __init__(self, sentence: str, *, fatal: bool, refused: bool = False, elsewhere: bool = False) -> None:
        super().__init__(sentence)
        self.fatal = fatal
        self.refused = refused
        self.elsewhere = elsewhere


class ViewerGone(Exception):
    """The viewer left while something was to be sent to it."""


class ViewerRefused(Exception):
    """This viewer's limits cannot be enforced here, though the session is as it should be; says why."""


class Pump:
    """Between one viewer's websocket and one endpoint."""

    def __init__(
        self,
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
        *,
        policy: Policy,
        on_input: Callable[[], None],
        on_unprotected: Callable[[], None] = lambda: None,
        line: Line | None = None,
    ) -> None:
        """Prepares.

        Args:
            receive: the websocket's.
            send: the websocket's.
            policy: what the viewer may do at first.
            on_input: called when it typed or clicked, and that passed.
            on_unprotected: called when the VNC server turns out to let everybody in.
            line: the viewer's transport where it could be taken over; then `receive` and `send` are its own, and bytes
                pass without them once the endpoint is there.
        """
        self._receive = receive
        self._send = send
        self._gate = Gate(policy, on_input, on_unprotected)
        self._on_unprotected = on_unprotected
        self._line = line
        self._crossing: Crossing | None = None
        self._upstream: Upstream | None = None
        self._early = bytearray()
        self._login: ViewerLogin | None = None
        self._open = Flag()
        self.messages_down = 0
        self.messages_up = 0
        self.bytes_down = 0
        self.bytes_up = 0

    @property
    def policy(self) -> Policy:
        """What the viewer may do."""
        return self._gate.policy

    def change(self, policy: Policy) -> bool:
        """Another policy holds from the next message on; False when the viewer has to come anew for that."""
        return self._gate.change(policy)

    # ---- viewer to endpoint -----------------------------------------------------------------------------

    async def read_viewer(self) -> int:
        """Reads the viewer until it leaves; returns its close code (1006 when the line was cut).

        Raises:
            RemoteProtocolError: it does not speak RFB where it must.
            ViewerGone: it left while it was answered.
        """
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                return int(message.get("code") or 1005)
            data = message.get("bytes")
            if data is None:
                data = (message.get("text") or "").encode()
            self.bytes_up += len(data)
            self.messages_up += 1
            if self._open.is_set():
                await self._from_viewer(data)
                assert self._upstream is not None
                await self._upstream.drained()
            else:
                self._early += data
                if len(self._early) >= MOST_EARLY:
                    await self._open.wait()

    async def _open_up(self) -> None:
        """Passes what came early on, and only then lets `read_viewer` do so itself: one at a time keeps the order.

        It does not wait for the endpoint to take it: some take no more before somebody reads their answers.
        """
        while self._early:
            early, self._early = bytes(self._early), bytearray()
            await self._from_viewer(early)
        if self._line is not None:
            assert self._upstream is not None
            works = self._gate.looks_down
            self._crossing = Crossing(self._line, self._upstream, up=self._up, down=self._down, works=works)
        self._open.set()

    async def _from_viewer(self, data: bytes) -> None:
        if self._login is not None:
            data = await self._log_viewer_in(self._login, data)
        for piece in slices(data):
            await self._pass_on(piece)

    async def _pass_on(self, data: bytes) -> None:
        """Looks at a slice and sends it; a viewer whose messages take long to look at has to wait for itself.

        A flood of tiny messages costs a thousand times as much as its bytes: without the brake one viewer could keep
        the event loop, and everybody else with it.
        """
        began = time.thread_time()
        data = self._gate.up(data)
        took = time.thread_time() - began
        if data:
            assert self._upstream is not None
            self._upstream.send(data)
        if took > BRAKE_FROM:
            await asyncio.sleep(took * BRAKE)

    async def _log_viewer_in(self, login: ViewerLogin, data: bytes) -> bytes:
        """Speaks the server's part of the handshake to the viewer; returns what follows it."""
        answer = login.receive(data)
        if answer:
            await self._to_viewer(answer)
        if not login.done:
            return b""
        self._login = None
        return login.leftover

    # ---- endpoint to viewer -----------------------------------------------------------------------------

    async def run(self, endpoint: Endpoint, password: str | None, *, rfb: bool, claim: Claim, rules: Rules) -> None:
        """Connects, logs in where there is a password, and passes bytes until the endpoint hangs up.

        `claim` says which session the endpoint has to belong to, and `rules` where it may be.

        Raises:
            EndpointError: it cannot be reached, speaks no RFB, or refuses the password.
            RemoteProtocolError: the viewer does not speak RFB where it must.
            ViewerGone: the viewer left meanwhile.
            ViewerRefused: its limits cannot be enforced here.
        """
        try:
            upstream = self._upstream = await reach(endpoint, claim, rules, timeout=CONNECT_TIMEOUT)
        except ElsewhereError as error:
            raise EndpointError(str(error), fatal=False, elsewhere=True) from error
        except EndpointRefusedError as error:
            raise EndpointError(str(error), fatal=True, refused=True) from error
        except OSError as error:
            raise EndpointError(details.UNREACHABLE.filled(endpoint=endpoint, error=error), fatal=False) from error
        if not rfb:
            if self._gate.limited:
                raise ViewerRefused(details.NO_VNC)
            self._gate.begin(Way.RAW, upstream)
        elif password or self._gate.limited:
            self._gate.begin(Way.LOGGED_IN, upstream)
            await self._log_in(upstream, password or None)
        else:
            self._gate.begin(Way.UNTOUCHED, upstream)
            await self._check_banner(upstream)
        await self._open_up()
        await self._pump_down(upstream)

    async def _check_banner(self, upstream: Upstream) -> None:
        """Waits for the first bytes of a VNC server, which speaks first (RFC 6143 section 7.1.1)."""
        seen = b""
        try:
            async with asyncio.timeout(BANNER_TIMEOUT):
                while (verdict := looks_like_banner(seen)) is None:
                    data = await upstream.read()
                    if not data:
                        raise EndpointError(details.SAID_NOTHING, fatal=False)
                    seen += data
        except TimeoutError:
            raise EndpointError(details.NO_BANNER.filled(seconds=f"{BANNER_TIMEOUT:g}"), fatal=True) from None
        if not verdict:
            raise EndpointError(details.NO_RFB.filled(found=repr(seen[:12])), fatal=True)
        upstream.unread(seen)

    async def _log_in(self, upstream: Upstream, password: str | None) -> None:
        """Answers the VNC server's authentication, then lets the viewer in without one.

        Who has limits is let in so in any case: it sends nothing before it stands behind its filter.
        """
        login = ServerLogin(password)
        data = b""
        try:
            async with asyncio.timeout(BANNER_TIMEOUT):
                await upstream.write(login.start())
                while not login.done:
                    data = await upstream.read()
                    if not data:
                        login.receive_eof()
                    await upstream.write(login.receive(data))
        except TimeoutError:
            raise EndpointError(
                details.NOT_LET_IN.filled(seconds=f"{BANNER_TIMEOUT:g}"), fatal=not login.banner_seen
            ) from None
        except RFBError as error:
            # Without a password only who has limits comes here; others are asked for it by their browser.
            if password is None and isinstance(error, AuthenticationFailed):
                raise ViewerRefused(str(error)) from error
            not_rfb = bool(data) and not login.banner_seen
            raise EndpointError(str(error), fatal=not_rfb or isinstance(error, AuthenticationFailed)) from error
        if login.unprotected:
            self._on_unprotected()
        upstream.unread(login.leftover)
        self._login = ViewerLogin()
        await self._to_viewer(self._login.start())

    async def _pump_down(self, upstream: Upstream) -> None:
        if self._crossing is not None:
            await self._crossing.finished()
            return
        while data := await upstream.read():
            if not self._gate.looks_down:
                await self._to_viewer(bytes(self._gate.down(data)))
                continue
            work = Work(data, self._gate.down)
            while not work.done:
                wait = work.step()
                if passed := work.take():
                    await self._to_viewer(bytes(passed))
                if wait:
                    await asyncio.sleep(wait)

    async def _to_viewer(self, data: bytes) -> None:
        try:
            await self._send({"type": "websocket.send", "bytes": data})
        except (OSError, RuntimeError) as error:
            raise ViewerGone from error
        self.bytes_down += len(data)
        self.messages_down += 1

    # ---- the same for a line that was taken over ----------------------------------------------------------

    def _up(self, data: bytes) -> bytes:
        self.bytes_up += len(data)
        self.messages_up += 1
        if self._login is not None:
            assert self._line is not None
            answer = self._login.receive(data)
            if answer:
                self._line.write(answer)
                self.bytes_down += len(answer)
                self.messages_down += 1
            if not self._login.done:
                return b""
            data, self._login = self._login.leftover, None
        return self._gate.up(data)

    def _down(self, data: Data) -> Data:
        passed = self._gate.down(data)
        self.bytes_down += len(passed)
        self.messages_down += 1
        return passed

    def close(self) -> None:
        """Hangs up on the endpoint."""
        self._gate.close()
        if self._upstream is not None:
            self._upstream.close()
