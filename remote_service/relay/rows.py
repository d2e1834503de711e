"""What a gateway reads and writes for its viewers; plain functions on the database."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from django.contrib.sessions.models import Session as LoginSession
from django.db.models import F
from django.utils import timezone

from remote_service.endpoints import Endpoint
from remote_service.lifecycle import note
from remote_service.models import Gateway, Session, Viewer
from remote_service.nudges import nudge_supervisor
from remote_service.relay.grants import Grant
from remote_service.sealing import unseal
from remote_service.states import State


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A session as a gateway last saw it."""

    state: State
    end_reason: str
    end_detail: str
    endpoint: Endpoint | None = None
    stream: str = "rfb"


GONE = Glimpse(State.ENDED, "", "")


def register_gateway(gateway_id: uuid.UUID) -> None:
    """Makes the row that the viewers' rows refer to."""
    Gateway.objects.create(id=gateway_id)


def open_viewer(gateway_id: uuid.UUID, grant: Grant) -> tuple[int, Glimpse]:
    """Writes that a viewer has come; the same user's cut lines to the session are made good by it."""
    left = Viewer.objects.filter(session_id=grant.session_id, closed_at__isnull=False)
    same_user = left.filter(user__isnull=True) if grant.user_id is None else left.filter(user_id=grant.user_id)
    same_user.update(superseded=True)
    viewer = Viewer.objects.create(
        session_id=grant.session_id, gateway_id=gateway_id, user_id=grant.user_id, address=grant.actor.address
    )
    note(grant.session_id, "viewer opened", by=grant.actor)
    return viewer.pk, look({grant.session_id}, set())[0].get(grant.session_id, GONE)


def close_viewer(viewer_id: int, *, clean: bool) -> None:
    """Writes that a viewer has left, once; the supervisor is told, since it may have been the last."""
    ending = Viewer.Ending.CLEAN if clean else Viewer.Ending.CUT
    closed = Viewer.objects.filter(pk=viewer_id, closed_at=None).update(closed_at=timezone.now(), ending=ending)
    if closed:
        nudge_supervisor()


def beat(gateway_id: uuid.UUID, used: Collection[uuid.UUID]) -> None:
    """Moves the heartbeat, and the time of the last input of sessions that were used since the last one."""
    moved = Gateway.objects.filter(pk=gateway_id).update(beats=F("beats") + 1)
    if not moved:
        # It was taken for dead, for instance while the machine slept: its viewers have been counted as cut.
        Gateway.objects.create(id=gateway_id)
    if used:
        Session.objects.filter(pk__in=used).update(last_input_at=timezone.now())


def look(session_ids: Collection[uuid.UUID], logins: Collection[str]) -> tuple[dict[uuid.UUID, Glimpse], set[str]]:
    """The sessions as they are now, and which of the logins are still good."""
    glimpses = {
        session.pk: Glimpse(
            State(session.state), session.end_reason, session.end_detail, session.endpoint, session.stream
        )
        for session in Session.objects.filter(pk__in=session_ids)
    }
    alive: set[str] = set()
    if logins:
        good = LoginSession.objects.filter(session_key__in=logins, expire_date__gt=timezone.now())
        alive = set(good.values_list("session_key", flat=True))
    return glimpses, alive


def password_of(session_id: uuid.UUID) -> str | None:
    """The VNC password that the script gave, or None.

    Raises:
        SealError: it was stored under another SECRET_KEY.
    """
    sealed = Session.objects.values_list("sealed_password", flat=True).filter(pk=session_id).first()
    return unseal(sealed) if sealed else None
