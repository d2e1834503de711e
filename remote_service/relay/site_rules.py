"""Where endpoints may be, as the site's settings have it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from django.conf import settings

from remote_service import conf
from remote_service.networks import Networks
from remote_service.relay.own_services import Rules, own_services


def rules_in_force() -> Rules:
    """Those of the settings."""
    found = conf.current()
    return _rules(found.endpoint_networks, found.state_dir)


@lru_cache(maxsize=8)
def _rules(networks: Networks, state_dir: Path) -> Rules:
    return Rules(networks, own_services(settings.DATABASES, settings.CHANNEL_LAYERS, state_dir), state_dir)
