"""Whether this server is of one site with whoever supervised the database's sessions last.

Else neither reaches the other's sessions, or opens what the other has sealed.
"""

from __future__ import annotations

import logging

from remote_service.models import Lease, Site
from remote_service.sealing import key_fingerprint

log = logging.getLogger(__name__)


def complain(place: str) -> None:
    """Warns of what differs.

    Args:
        place: where this server's runners are.
    """
    last = Lease.objects.filter(pk=1).values_list("place", flat=True).first() or ""
    if is_other_directory(place, last):
        log.warning(
            "the sessions of this database are supervised from %s, and this is %s: neither reaches the other's "
            "sessions. Set REMOTE_SERVICE_STATE_DIR to the same directory, or DATABASE_URL to another database",
            last,
            place,
        )
    sealed_with = Site.objects.filter(pk=1).values_list("sealed_with", flat=True).first() or ""
    if sealed_with not in ("", key_fingerprint()):
        log.warning(
            "SECRET_KEY (the file secret_key in REMOTE_SERVICE_STATE_DIR) is another one than that with which secrets "
            "of this database's sessions are sealed: they cannot be opened here. Set REMOTE_SERVICE_STATE_DIR to that "
            "of its other server, or copy that one's secret_key"
        )


def is_other_directory(place: str, other: str) -> bool:
    """Whether two places are on one machine, and are not the same."""
    return other not in ("", place) and place.partition(":")[0] == other.partition(":")[0]
