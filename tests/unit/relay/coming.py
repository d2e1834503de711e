"""Viewers that come and leave, as tests of their rows need them."""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

from remote_service.actors import Actor
from remote_service.models import Session
from remote_service.relay import visits
from remote_service.relay.closing import Leaving
from remote_service.relay.grants import Admission, admit_again
from remote_service.relay.visits import Parting, Visit
from remote_service.relay.watch import Grant

GATEWAY = uuid.uuid4()


def grant_for(session: Session, user: Any = None, *, login: str = "") -> Grant:
    stamp = user.get_session_auth_hash() if user else ""
    actor = Actor(user.username if user else "", "192.0.2.7", "websocket")
    return Grant(session.pk, user.pk if user else None, login, actor, stamp)


def come(*grants: Grant) -> list[tuple[int, Admission]]:
    """Of each its number, and what it was let in with."""
    found, partings = visits.write(GATEWAY, [partial(admit_again, grant) for grant in grants])
    assert partings == set()
    assert all(isinstance(one, Visit) for one in found)
    return [(one.viewer_id, one.admission) for one in found if isinstance(one, Visit)]


def opened(session: Session, user: Any = None) -> int:
    """One comes; its number."""
    return come(grant_for(session, user))[0][0]


def leave(*viewers: int, clean: bool, close_code: int | None = None) -> set[Parting]:
    """They leave; what of it was news."""
    return visits.write(GATEWAY, left=dict.fromkeys(viewers, Leaving(clean, close_code)))[1]
