"""The ASGI application: Django for pages and REST, the relay for websockets."""

from __future__ import annotations

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sessions_config.settings")
django_application = get_asgi_application()

from remote_service.relay.routing import websocket_application  # noqa: E402 (needs Django to be set up)

application = ProtocolTypeRouter({"http": django_application, "websocket": websocket_application})
