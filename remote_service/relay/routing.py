"""Which websocket addresses there are (design, section 10): all of them lead to the relay."""

from __future__ import annotations

from typing import Any, cast

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from django.urls import re_path

from remote_service.relay.app import relay

# The path is for front proxies; the token or the session's id decides. See `grants`.
websocket_application = AuthMiddlewareStack(URLRouter([re_path(r"^(?:.*/)?websockify$", cast(Any, relay))]))
