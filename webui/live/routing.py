"""Where pages listen. The path before `live/` is for front proxies."""

from __future__ import annotations

from typing import Any, cast

from channels.auth import AuthMiddlewareStack
from django.urls import re_path

from webui.live.socket import live

live_routes = [re_path(r"^(?:.*/)?live/\Z", cast(Any, AuthMiddlewareStack(cast(Any, live))))]
