"""The ASGI application: Django for pages and REST; for websockets the relay, and what open pages listen at."""

from __future__ import annotations

import os
from typing import Any, cast

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sessions_config.settings")
django_application = get_asgi_application()

from remote_service.admission.handshakes import Handshakes  # noqa: E402
from remote_service.admission.hosts import OwnHosts  # noqa: E402
from remote_service.relay.routing import websocket_application  # noqa: E402 (needs Django to be set up)
from webui.live.routing import live_routes  # noqa: E402

websockets = URLRouter([*live_routes, re_path(r"", cast(Any, websocket_application))])
bounded = OwnHosts(Handshakes(cast(Any, websockets)))
application = ProtocolTypeRouter({"http": django_application, "websocket": cast(Any, bounded)})
