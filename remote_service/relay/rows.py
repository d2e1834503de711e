"""What a gateway reads and writes for its viewers; plain functions on the database."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session as LoginSession
from django.db.models import F, Q
from django.utils import timezone

from remote_service import access, conf, details, guests
from remote_service.hosting.account import session_uid
from remote_service.hosting.machine import here
from remote_service.lifecycle import SUPERVISOR, note
from remote_service.models import Gateway, Guest, Session, Viewer
from remote_service.nudges import nudge_gateways
from remote_service.relay.proof import Claim
from remote_service.relay.watch import Glimpse, Grant
from remote_service.rfb.policy import Policy
from remote_service.sealing import unseal
from remote_service.states import State


def strays(gateway_id: uuid.UUID, viewers: Collection[int]) -> list[int]:
    """A gateway's viewers that it does not know of, since who wrote their rows died meanwhile."""
    unknown = Viewer.objects.filter(gateway_id=gateway_id, closed_at=None).exclude(pk__in=viewers)
    return list(unknown.values_list("pk", flat=True))


def is_first_viewer(viewer_id: int) -> bool:
    """Whether nobody before this viewer can have seen the screen of its session, which runs."""
    viewer = Viewer.objects.select_related("session").get(pk=viewer_id)
    earlier = Viewer.objects.filter(session_id=viewer.session_id, pk__lt=viewer.pk)
    return not earlier.filter(Q(closed_at=None) | Q(closed_at__gte=viewer.session.running_at)).exists()


def mark_unprotected(session_id: uuid.UUID, where: str) -> bool:
    """Writes that the session's VNC server lets everybody in; False when that is known."""
    marked = Session.objects.filter(pk=session_id, unprotected=False).update(unprotected=True)
    if marked:
        note(session_id, "unprotected", why=f"The VNC server at {where} asks for no password.", by=SUPERVISOR)
        nudge_gateways(session_id)
    return bool(marked)


def beat(gateway_id: uuid.UUID, used: Collection[uuid.UUID], viewers: Collection[int]) -> None:
    """Moves the heartbeat.

    Args:
        gateway_id: whose.
        used: the sessions that got input since the last one.
        viewers: those that are connected to this gateway.
    """
    if not Gateway.objects.filter(pk=gateway_id).update(beats=F("beats") + 1):
        Gateway.objects.get_or_create(pk=gateway_id)
    # Those without a gateway were counted as cut when it was taken for dead, for instance while the machine slept.
    Viewer.objects.filter(pk__in=viewers, gateway=None).update(
        gateway_id=gateway_id, closed_at=None, ending=Viewer.Ending.OPEN, superseded=False
    )
    if used:
        Session.objects.filter(pk__in=used).update(last_input_at=timezone.now())


def look(grants: Collection[Grant]) -> tuple[dict[uuid.UUID, Glimpse], dict[Grant, Policy]]:
    """The grants' sessions as they are now, and what those of the grants allow that still hold."""
    sessions = Session.objects.in_bulk({grant.session_id for grant in grants})
    glimpses = {key: glimpse_of(session) for key, session in sessions.items()}
    users = User.objects.in_bulk({grant.user_id for grant in grants if grant.user_id is not None})
    wanted = {grant.guest_id for grant in grants if grant.guest_id is not None}
    visitors = Guest.objects.in_bulk(wanted) if wanted else {}
    logins = LoginSession.objects.filter(session_key__in={grant.login for grant in grants if grant.login})
    alive = set(logins.filter(expire_date__gt=timezone.now()).values_list("session_key", flat=True))
    policies: dict[Grant, Policy] = {}
    for grant in grants:
        session = sessions.get(grant.session_id)
        who = users.get(grant.user_id or 0) if grant.guest_id is None else visitors.get(grant.guest_id)
        policy = allowed(grant, session, who, logged_in=grant.login in alive)
        if policy is not None:
            policies[grant] = policy
    return glimpses, policies


def glimpse_of(session: Session) -> Glimpse:
    """The session as gateways of this machine see it."""
    return Glimpse(
        State(session.state),
        session.end_reason,
        session.end_detail,
        session.endpoint,
        session.stream,
        tuple(session.type_hosts),
        _elsewhere(session),
    )


def _elsewhere(session: Session) -> str:
    ours, theirs = here(conf.current().run_dir), session.whereabouts
    if theirs.is_here(ours):
        return ""
    return details.NAMESAKE.filled(machine=theirs.host) if theirs.host == ours.host else theirs.host


def allowed(grant: Grant, session: Session | None, who: User | Guest | None, *, logged_in: bool) -> Policy | None:
    """What the viewer may do; None when it may not even look, or the browser's session has ended, or vouches for
    somebody else by now (a guest), or for another password (a user)."""
    if session is None:
        return Policy()
    if grant.user_id is None and grant.guest_id is None:
        return session.viewer_policy
    if who is None or not logged_in:
        return None
    if isinstance(who, Guest):
        vouched = guests.is_by(who, grant.login)
    else:
        vouched = who.get_session_auth_hash() == grant.password_stamp
    return access.viewer_policy(who, session) if vouched else None


def claim_of(session_id: uuid.UUID, glimpse: Glimpse) -> Claim:
    """What the session's endpoint is judged by."""
    return Claim(str(session_id), session_uid(conf.current().session_user), glimpse.hosts, glimpse.elsewhere)


def password_of(session_id: uuid.UUID) -> str | None:
    """The VNC password that the script gave, or None.

    Raises:
        SealError: it was stored under another SECRET_KEY.
    """
    sealed = Session.objects.values_list("sealed_password", flat=True).filter(pk=session_id).first()
    return unseal(sealed) if sealed else None
