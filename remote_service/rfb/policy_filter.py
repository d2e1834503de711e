"""Both directions of a viewer's connection under one policy; what the relay puts between a viewer and its server.

It stands behind the handshake, from ClientInit and ServerInit on, so the gateway runs the logins itself (`handshake`);
a server that insists on an encryption of its own cannot be filtered. A viewer that may do everything needs none of
this: `Policy.unlimited` tells.

    filter = PolicyFilter(policy, clock=loop.time)
    to the server: filter.from_viewer(data), then filter.release() at filter.held_until
    to the viewer: filter.from_server(data), while filter.needs_server

The server's messages are followed only for a viewer that may have to go without the session's clipboard
(`follow_server`), because nothing else has to be taken out there; everyone else's picture passes unseen.
"""

from __future__ import annotations

from collections.abc import Callable

from .buffer import Data
from .pacer import Pacer
from .pixel_format import FormatInForce
from .policy import Policy
from .server_filter import ServerFilter
from .viewer_filter import ViewerFilter


class PolicyFilter:
    """One viewer's filter. No bytes are kept beyond a message's header, and 4100 of a SetEncodings.

    After a RemoteProtocolError the place in a stream is lost: close the connection and use this no more.
    """

    def __init__(self, policy: Policy, *, clock: Callable[[], float], follow_server: bool | None = None) -> None:
        """Start before ClientInit and ServerInit.

        Args:
            policy: what the viewer may do at first.
            clock: seconds that never go back.
            follow_server: whether `no_clipboard_out` may be asked of it later; by default, whether it is now.

        Raises:
            ValueError: the policy wants the server followed, and `follow_server` is False.
        """
        follow = policy.no_clipboard_out if follow_server is None else follow_server
        format = FormatInForce() if follow else None
        self._pacer = Pacer(clock, policy.max_updates_per_second)
        self._viewer = ViewerFilter(policy, self._pacer, format)
        self._server = ServerFilter(policy, format) if format is not None else None
        self.change(policy)

    def __repr__(self) -> str:
        return f"<PolicyFilter {self._viewer!r}, {self._server or 'server not followed'}>"

    @property
    def policy(self) -> Policy:
        """What the viewer may do from the next message on."""
        return self._viewer.policy

    @property
    def needs_server(self) -> bool:
        """Whether all bytes of the server have to go through `from_server`; it never changes."""
        return self._server is not None

    @property
    def input_passed(self) -> bool:
        """Whether the last `from_viewer` let a person's input pass (see `message_table`)."""
        return self._viewer.input_passed

    @property
    def held_until(self) -> float | None:
        """When, by the clock, to call `release`; None for not at all.

        Look at it anew after `from_viewer`, `release` and `change`; it does not move by itself.
        """
        return self._viewer.held_until

    def allows(self, policy: Policy) -> bool:
        """Whether this filter can enforce a policy; where not, the viewer has to come anew."""
        return self.needs_server or not policy.no_clipboard_out

    def change(self, policy: Policy) -> None:
        """Take another policy. It holds from the next message of each direction on; one that is under way ends as it
        began.

        Raises:
            ValueError: this filter cannot enforce it, see `allows`.
        """
        if not self.allows(policy):
            raise ValueError("no_clipboard_out needs a filter that was made with follow_server=True")
        self._pacer.rate = policy.max_updates_per_second
        self._viewer.policy = policy
        if self._server is not None:
            self._server.policy = policy

    def from_viewer(self, data: Data) -> Data:
        """Take what the viewer sent; return what the server may have of it, `data` itself when that is all.

        Raises:
            RemoteProtocolError: the viewer's stream cannot be framed; offsets count from the byte after ClientInit.
        """
        return self._viewer.feed(data)

    def from_server(self, data: Data) -> Data:
        """Take what the server sent; return what the viewer may have of it, `data` itself when that is all.

        Raises:
            RemoteProtocolError: the server's stream cannot be framed; offsets count from ServerInit.
        """
        return data if self._server is None else self._server.feed(data)

    def release(self) -> bytes:
        """Return update requests that were held back and are due, for the server; at other times nothing."""
        return self._viewer.release()
