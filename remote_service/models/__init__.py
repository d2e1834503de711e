"""The rows: what the site offers, the sessions and their history, who is looking."""

from __future__ import annotations

from remote_service.models.lease import Lease
from remote_service.models.presence import Gateway, Viewer
from remote_service.models.session import (
    MOST_REASON,
    MOST_TITLE,
    Session,
    SessionEvent,
    SessionQuerySet,
    event_fields,
    live_states,
)
from remote_service.models.share import Guest, Share, ShareHolder, StaffLook
from remote_service.models.site import Announcement, Drain, SessionType, Site

__all__ = [
    "MOST_REASON",
    "MOST_TITLE",
    "Announcement",
    "Drain",
    "Gateway",
    "Guest",
    "Lease",
    "Session",
    "SessionEvent",
    "SessionQuerySet",
    "SessionType",
    "Share",
    "ShareHolder",
    "Site",
    "StaffLook",
    "Viewer",
    "event_fields",
    "live_states",
]
