"""Audit lines: every event of the history as one line of JSON as well, once it is in the database.

They go to the logger "remote_service.audit", as INFO. REMOTE_SERVICE_AUDIT gives it that level and a handler; a site
may do so in its own settings: a handler finds an event's fields in the record's attribute `event`. Rows are the truth:
of what was committed at the moment at which its process was killed, there is no line.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC
from typing import Any

from django.db import transaction

from remote_service.logs import without_queries
from remote_service.models import SessionEvent

log = logging.getLogger(__name__)

MOST_WHY = 2000
"""Characters of a reason: what forwards lines cuts long ones, and half a line is no JSON."""


def tell(event: SessionEvent) -> None:
    """Has the event's line written when the transaction has been committed, if anybody wants lines."""
    if not log.isEnabledFor(logging.INFO):
        return
    fields = fields_of(event)
    transaction.on_commit(lambda: log.info("%s", json.dumps(fields), extra={"event": fields}))


def fields_of(event: SessionEvent) -> dict[str, Any]:
    """What a line says of an event. No event holds a secret; queries, in which tokens travel, are cut all the same."""
    return {
        "time": f"{event.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        "session": None if event.session_id is None else str(event.session_id),
        "type": event.type_name,
        "what": event.what,
        "from": event.from_state,
        "to": event.to_state,
        "why": without_queries(event.why)[:MOST_WHY],
        "who": event.who,
        "address": event.address,
        "door": event.door,
    }
