"""HTTP that comes out of a tunnel: the process that has the client under TLS says first who it is."""

from __future__ import annotations

import json
from functools import partial

from remote_service.admission.http import HttpProtocol
from remote_service.relay.detaching import Origin
from remote_service.relay.takeover import WebSocketProtocol

MOST_PREAMBLE = 1024
"""Bytes of the line that says it; only our own processes can reach the socket."""


class TunnelledHttp(HttpProtocol):
    """One tunnel, until it is upgraded."""

    _preamble: bytes | None = b""

    def data_received(self, data: bytes) -> None:
        """Bytes of the tunnel: a line of its other end, then the client's."""
        if self._preamble is None:
            super().data_received(data)
            return
        line, found, rest = (self._preamble + data).partition(b"\n")
        if not found and len(line) < MOST_PREAMBLE:
            self._preamble = line
            return
        self._preamble = None
        try:
            told = json.loads(line)
            client = told["client"]
            origin = Origin(client and (str(client[0]), int(client[1])), str(told["tunnel"]))
        except (ValueError, KeyError, TypeError, IndexError):
            self.transport.abort()
            return
        self.client, self.scheme = origin.client, "https"
        self.ws_protocol_class = partial(WebSocketProtocol, origin=origin)  # type: ignore[assignment]
        if rest:
            super().data_received(rest)
