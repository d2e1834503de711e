"""What stands between one viewer's bytes and its endpoint's: a filter, or only an eye on a person's input.

Who may do everything is looked at, which costs next to nothing; everyone else's bytes pass a `PolicyFilter`. That has
to stand there from ClientInit on, so whoever has none cannot be given one later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum, auto

from remote_service.relay.upstream import Upstream
from remote_service.rfb.buffer import Data
from remote_service.rfb.messages import InputWatch
from remote_service.rfb.policy import Policy
from remote_service.rfb.policy_filter import PolicyFilter

LEAST_WAIT = 0.001
"""Seconds that a request is held back at least: the steps of uvloop's clock."""
PATIENCE = 0.1
"""Seconds until an endpoint that takes no more at the moment is asked again."""


class Way(Enum):
    """How bytes pass."""

    RAW = auto()
    """They are no RFB."""
    UNTOUCHED = auto()
    """RFB from the server's banner on: viewer and server log in by themselves."""
    LOGGED_IN = auto()
    """RFB from ClientInit on: the gateway has logged in, and let the viewer in."""


class Gate:
    """One viewer's; `begin` it before any byte passes."""

    def __init__(
        self, policy: Policy, on_input: Callable[[], None], on_unprotected: Callable[[], None] = lambda: None
    ) -> None:
        """Prepares.

        Args:
            policy: what the viewer may do at first.
            on_input: called when it typed or clicked, and that passed.
            on_unprotected: called when the server lets the viewer in without any authentication.
        """
        self._policy = policy
        self._on_input = on_input
        self._on_unprotected = on_unprotected
        self._watch: InputWatch | None = None
        self._filter: PolicyFilter | None = None
        self._upstream: Upstream | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def policy(self) -> Policy:
        """What the viewer may do."""
        return self._policy

    @property
    def limited(self) -> bool:
        """Whether the viewer may not do everything: it can only come in by the way `LOGGED_IN`."""
        return not self._policy.unlimited

    @property
    def looks_down(self) -> bool:
        """Whether the endpoint's bytes are worked on, which takes time."""
        return self._filter is not None and self._filter.needs_server

    def begin(self, way: Way, upstream: Upstream) -> None:
        """Bytes are about to pass.

        Args:
            way: which; for who is `limited` only `LOGGED_IN`.
            upstream: the endpoint, for requests that were held back; the caller passes all others on.
        """
        self._upstream = upstream
        if self.limited:
            assert way is Way.LOGGED_IN, "this viewer needs a filter"
            self._filter = PolicyFilter(self._policy, clock=asyncio.get_running_loop().time)
        elif way is Way.RAW:
            self._watch = InputWatch.for_raw()
        else:
            untouched = way is Way.UNTOUCHED
            self._watch = InputWatch.for_rfb(self._on_unprotected) if untouched else InputWatch.for_authenticated()

    def change(self, policy: Policy) -> bool:
        """Another policy holds, from the next message on; False when the viewer has to come anew for that."""
        begun = self._filter is not None or self._watch is not None
        if self._filter is not None:
            if not self._filter.allows(policy):
                return False
            self._filter.change(policy)
            self._schedule()
        elif begun and not policy.unlimited:
            return False
        self._policy = policy
        return True

    def up(self, data: bytes) -> bytes:
        """What of the viewer's bytes reaches the endpoint.

        Raises:
            RemoteProtocolError: the viewer does not speak RFB where it must.
        """
        if self._watch is not None:
            if self._watch.from_viewer(data):
                self._on_input()
            return data
        assert self._filter is not None
        passed = bytes(self._filter.from_viewer(data))
        if self._filter.input_passed:
            self._on_input()
        if self._timer is not None or self._filter.held_until is not None:
            self._schedule()
        return passed

    def down(self, data: Data) -> Data:
        """What of the endpoint's bytes reaches the viewer; `data` itself when that is all.

        Raises:
            RemoteProtocolError: the endpoint does not speak RFB where it must.
        """
        if self._filter is not None:
            return self._filter.from_server(data)
        assert self._watch is not None
        if self._watch.needs_server:
            self._watch.from_server(data)
        return data

    def close(self) -> None:
        """Nothing passes any more."""
        self._upstream = None
        if self._timer is not None:
            self._timer.cancel()

    # ---- requests that were held back ----------------------------------------------------------------------

    def _schedule(self, wait: float = LEAST_WAIT) -> None:
        assert self._filter is not None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self._filter.held_until
        if due is not None and self._upstream is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(due, loop.time() + wait), self._release)

    def _release(self) -> None:
        assert self._filter is not None and self._upstream is not None
        if self._upstream.congested:
            self._schedule(PATIENCE)
            return
        self._upstream.send(self._filter.release())
        self._schedule()
