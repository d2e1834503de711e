"""Whether the channel layer of several machines or processes can be reached. It carries nudges, and no more."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from redis import Redis, RedisError

log = logging.getLogger(__name__)

PATIENCE = 1.0
"""Seconds that Redis has to answer."""


def address(layers: dict[str, Any]) -> str | None:
    """The address of Redis, with its secrets; None when the layer is in memory.

    Args:
        layers: Django's CHANNEL_LAYERS.
    """
    hosts = layers.get("default", {}).get("CONFIG", {}).get("hosts", [])
    if not hosts:
        return None
    return str(hosts[0]["address"] if isinstance(hosts[0], dict) else hosts[0])


def trouble() -> str:
    """Why it cannot be reached; empty when it answers, or needs no reaching."""
    url = address(settings.CHANNEL_LAYERS)
    if url is None:
        return ""
    try:
        with Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE) as client:
            client.ping()
    except (RedisError, OSError, ValueError) as error:
        return f"the channel layer of CHANNEL_LAYER_URL cannot be reached: {error}"
    return ""


def complain() -> None:
    """Logs it at a start: the server works without, since what nudges tell stands in the database."""
    if said := trouble():
        log.error("%s; until it can be, changes are seen a second late", said)
