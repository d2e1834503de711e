"""Viewers that come and leave, as rows: all that do so at the same time are written in one transaction.

The SQL stands here as it is: whoever opens a websocket waits for it, and Django needs longer to make it than SQLite
needs to carry it out.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Q, Subquery
from django.utils import timezone

from remote_service import access, audit, details, lifecycle
from remote_service.config.schema import Limits
from remote_service.errors import NotAllowedError
from remote_service.models import Gateway, Guest, Session, SessionEvent, ShareHolder, Viewer, event_fields
from remote_service.prepared import find, insert
from remote_service.relay.closing import Leaving
from remote_service.relay.grants import Admission
from remote_service.relay.traffic import Traffic
from remote_service.relay.traffic_rows import write_traffic

MOST_VIEWERS = 50
"""Lines that one user, or one guest, may have open to one session: each takes memory and files from all the others.

Somebody whose network fails again and again has lines that are not known yet to be dead."""
SOON = 1.0
"""Seconds of the supervisor's regular looks: what is due no sooner needs no nudge."""

_GATEWAYS, _SESSIONS, _VIEWERS = (model._meta.db_table for model in (Gateway, Session, Viewer))
_GATEWAY = f"SELECT 1 FROM {_GATEWAYS} WHERE id = %s"
_MAKE_GOOD = (
    f"UPDATE {_VIEWERS} SET superseded = %s WHERE session_id = %s AND {{whose}} AND closed_at IS NOT NULL "
    "AND NOT superseded"
)
_LINES = (
    "SELECT count(*) FILTER (WHERE closed_at IS NULL), "
    "count(*) FILTER (WHERE closed_at IS NOT NULL AND NOT superseded) "
    f"FROM {_VIEWERS} WHERE session_id = %s AND {{whose}}"
)
_LEAVING = (
    f"SELECT v.session_id, v.user_id, v.guest_id, s.owner_id, s.stored_limits FROM {_VIEWERS} v "
    f"JOIN {_SESSIONS} s ON s.id = v.session_id WHERE v.id = %s AND v.closed_at IS NULL"
)
_CAME_BACK = f"SELECT 1 FROM {_VIEWERS} WHERE session_id = %s AND {{whose}} AND id > %s LIMIT 1"
_CLOSE = (
    f"UPDATE {_VIEWERS} SET closed_at = %s, ending = %s, superseded = %s, close_code = %s "
    "WHERE id = %s AND closed_at IS NULL"
)
_WITHOUT_CODE = f"SELECT session_id FROM {_VIEWERS} WHERE id = %s AND close_code IS NULL"
_SENT_AWAY = f"UPDATE {_VIEWERS} SET close_code = %s WHERE id = %s"


@dataclass(frozen=True, slots=True)
class Visit:
    """A viewer's row, and what its viewer was let in with."""

    viewer_id: int
    admission: Admission


@dataclass(frozen=True, slots=True)
class Parting:
    """A session that a viewer has left."""

    session_id: uuid.UUID
    soon: bool
    """If that was its last viewer, the session may end before the supervisor looks at it anyway."""


def write(
    gateway_id: uuid.UUID,
    came: Sequence[Callable[[], Admission]] = (),
    left: Mapping[int, Leaving] | None = None,
    traffic: Mapping[int, Traffic] | None = None,
) -> tuple[list[Visit | Exception], set[Parting]]:
    """Decides about those who came, and writes them and those who left: all of it or nothing.

    Args:
        gateway_id: through whom they come.
        came: decide, each about one who came; the same user's cut lines to the session are made good by it.
        left: the numbers of those who left, and how. Who has been written so stays as it is, but for a close code that
            was not known then.
        traffic: what viewers have carried.

    Returns:
        The visits of those who came, or why they have none (RefusedError: it was decided so), in their order; and
        what was left, if that is news.
    """
    decided = [_decided(decide) for decide in came]
    with transaction.atomic(), connection.cursor() as rows:
        write_traffic(traffic or {})
        partings = {
            parting for pk, leaving in (left or {}).items() if (parting := _leave(rows, pk, leaving)) is not None
        }
        if came and _asked(rows, _GATEWAY, _key(gateway_id)) is None:
            Gateway.objects.get_or_create(pk=gateway_id)
        return [_come(rows, gateway_id, one) if isinstance(one, Admission) else one for one in decided], partings


def _decided(decide: Callable[[], Admission]) -> Admission | Exception:
    try:
        return decide()
    except Exception as error:  # noqa: BLE001 (whatever it is, it concerns nobody else who comes)
        return error


def _come(rows: Any, gateway_id: uuid.UUID, admission: Admission) -> Visit | NotAllowedError:
    grant, by, now = admission.grant, admission.grant.actor, timezone.now()
    guest_id = None if grant.guest_id is None else _key(grant.guest_id)
    clause, values = _whose(grant.user_id, guest_id)
    theirs = (_key(grant.session_id), *values)
    still_open, left = _asked(rows, _LINES.format(whose=clause), *theirs) or (0, 0)
    # Clients of the REST are as many people as the site lets in by them.
    if values and still_open >= MOST_VIEWERS:
        refusal = NotAllowedError(details.HAS_TOO_MANY_VIEWERS.filled(most=MOST_VIEWERS))
        lifecycle.note_refusal(grant.session_id, str(refusal), by, what="viewer refused")
        return refusal
    if left:
        rows.execute(_MAKE_GOOD.format(whose=clause), (True, *theirs))
    viewer_id = insert(
        Viewer,
        session_id=grant.session_id,
        gateway_id=gateway_id,
        user_id=grant.user_id,
        guest_id=grant.guest_id,
        address=by.address,
        opened_at=now,
        ending=Viewer.Ending.OPEN,
        superseded=False,
    )
    told = event_fields(why="", who=by.name, address=by.address, door=by.door, type_name=admission.type_name)
    event = {
        "session_id": grant.session_id,
        "at": now,
        "what": "viewer opened",
        "from_state": "",
        "to_state": "",
        **told,
    }
    insert(SessionEvent, **event)
    audit.tell(SessionEvent(**event))
    return Visit(viewer_id, admission)


def _leave(rows: Any, viewer_id: int, leaving: Leaving) -> Parting | None:
    """None when that is no news."""
    found = _asked(rows, _LEAVING, viewer_id)
    if found is None:
        return None if leaving.close_code is None else _sent_away(rows, viewer_id, leaving.close_code)
    session_id, user_id, guest_id, owner_id, stored_limits = found
    # A line that was cut is often noticed only after its user came back; and that staff had a look at a session is
    # no sign that its owner is done with it. Whom the owner let in may go on when the owner has left.
    clause, values = _whose(user_id, guest_id)
    came_back = (
        not leaving.clean and _asked(rows, _CAME_BACK.format(whose=clause), session_id, *values, viewer_id) is not None
    )
    session = _uuid(session_id)
    owns = guest_id is None and user_id == owner_id
    let_in = not owns and _was_let_in(viewer_id, user_id, guest_id and _uuid(guest_id), session)
    counts = owns or let_in
    # Who was thrown out does not come back: the owner, who has perhaps left, has as long as after a goodbye.
    clean = leaving.clean or (let_in and not _is_let_in(user_id, guest_id and _uuid(guest_id), session))
    ending = Viewer.Ending.CLEAN if clean else Viewer.Ending.CUT
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    rows.execute(_CLOSE, (now, ending.value, came_back or not counts, leaving.close_code, viewer_id))
    limits = Limits.from_stored(json.loads(stored_limits))
    patience = limits.linger if clean else limits.reconnect
    return Parting(session, patience is not None and patience < SOON)


def _sent_away(rows: Any, viewer_id: int, code: int) -> Parting | None:
    """Of a viewer that was written as having left before it was known what it would be told."""
    found = _asked(rows, _WITHOUT_CODE, viewer_id)
    if found is None:
        return None
    rows.execute(_SENT_AWAY, (code, viewer_id))
    return Parting(_uuid(found[0]), soon=False)


def _was_let_in(viewer_id: int, user_id: int | None, guest_id: uuid.UUID | None, session_id: uuid.UUID) -> bool:
    """Whether the viewer was there by a share, also if that was taken back meanwhile, or it was sent away."""
    if user_id is None and guest_id is None:
        return False
    came = Viewer.objects.filter(pk=viewer_id).values("opened_at")
    lasted = Q(share__revoked_at=None) | Q(share__revoked_at__gte=Subquery(came))
    stayed = Q(sent_away_at=None) | Q(sent_away_at__gte=Subquery(came))
    held = ShareHolder.objects.filter(lasted, stayed, share__session=session_id)
    return (held.filter(guest=guest_id) if guest_id else held.filter(user=user_id)).exists()


def _is_let_in(user_id: int | None, guest_id: uuid.UUID | None, session_id: uuid.UUID) -> bool:
    who = find(User, "id", user_id) if guest_id is None else find(Guest, "id", guest_id)
    session = find(Session, "id", session_id)
    return who is not None and session is not None and access.holding_of(who, session) is not None


def _whose(user_id: int | None, guest_id: Any) -> tuple[str, tuple[Any, ...]]:
    """What rows of the same user or guest have in common; clients of the REST have no name and count as one."""
    if guest_id is not None:
        return "guest_id = %s", (guest_id,)
    if user_id is not None:
        return "user_id = %s", (user_id,)
    return "user_id IS NULL AND guest_id IS NULL", ()


def _uuid(value: Any) -> uuid.UUID:
    return value if isinstance(value, uuid.UUID) else uuid.UUID(value)


def _key(value: uuid.UUID) -> Any:
    return Session._meta.pk.get_db_prep_value(value, connection)


def _asked(rows: Any, sql: str, *values: Any) -> tuple[Any, ...] | None:
    rows.execute(sql, values)
    found: tuple[Any, ...] | None = rows.fetchone()
    return found
