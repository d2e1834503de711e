"""ALLOWED_HOSTS for websockets, which Django enforces for pages only.

Without it a name of an attacker's that resolves to us (DNS rebinding) would be our own origin: Origin and Host agree.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from remote_service.admission.refusal import Application, Receive, Send, refuse_upgrade
from remote_service.relay.origin import header

NOT_OURS = "The Host header is no name of this site; expected one of REMOTE_SERVICE_ALLOWED_HOSTS."


def is_own_host(host: str) -> bool:
    """Whether a Host header names this site; a missing one does not."""
    domain, _port = split_domain_port(host)
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


class OwnHosts:
    """Lets pass what was asked of this site by one of its names."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Passes on, or answers 400 as Django does."""
        if is_own_host(header(scope["headers"], b"host")):
            await self._application(scope, receive, send)
        else:
            await refuse_upgrade(scope, receive, send, 400, NOT_OURS)
