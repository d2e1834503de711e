"""Whether anybody supervises: asked by commands that would otherwise wait for what nobody does.

A server, `manage.py supervise` or a process of another machine are all the same here: the lease tells.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection
from django.utils import timezone

from remote_service import lease, pid_file
from remote_service.conf import GatewaySettings
from remote_service.hosting.machine import has_ended, identity

FRESH = 15.0
"""Seconds since the supervisor's last sign of life within which it counts as alive; it gives one every second."""
TAKEOVER = 2
"""In how many lease times one that stands by, or is started again, supervises."""
GAP = 0.2
"""Seconds between two looks."""
REMEDY = "Start the server, or 'manage.py supervise'; or set REMOTE_SERVICE_STATE_DIR and DATABASE_URL to the server's."


@dataclass(frozen=True, slots=True)
class Oversight:
    """How it stands at a moment."""

    place: str
    """Machine and directory of whoever supervises, or did so last; empty when there never was anybody."""
    ours: bool
    """It is this process."""
    lacking: str
    """Why nobody supervises; empty when somebody does."""
    expected: bool
    """Somebody may be about to."""


def oversight(settings: GatewaySettings) -> Oversight:
    """As the lease has it now."""
    claim, now = lease.look(), timezone.now()
    # Less than nothing where the clock was set back since.
    silent = abs((now - claim.renewed_at).total_seconds())
    since = f"{claim.renewed_at:%Y-%m-%d %H:%M:%S} UTC"
    if not claim.epoch:
        lacking = "nobody ever has"
    elif not claim.holder:
        lacking = f"the last one, at {claim.place}, left at {since}"
    elif has_ended(claim.process):
        lacking = f"the last one, at {claim.place}, has died; its last sign of life was at {since}"
    elif silent > FRESH:
        lacking = f"the last one, at {claim.place}, has given no sign of life since {since}"
    else:
        lacking = ""
    elsewhere = connection.vendor != "sqlite" and silent <= TAKEOVER * settings.lease_time
    expected = elsewhere or pid_file.is_held(settings.state_dir)
    return Oversight(claim.place, claim.process == identity(), lacking, expected)


def settled(settings: GatewaySettings, sleep: Callable[[float], None] = time.sleep) -> Oversight:
    """The same, once somebody who is about to supervise does so, or has had the time to."""
    deadline = time.monotonic() + TAKEOVER * settings.lease_time
    while (found := oversight(settings)).lacking and found.expected and time.monotonic() < deadline:
        sleep(GAP)
    return found
