"""What a gateway reads and writes for its viewers; plain functions on the database."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session as LoginSession
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from remote_service import access, conf, guests
from remote_service.hosting.account import session_uid
from remote_service.lifecycle import SUPERVISOR, note
from remote_service.models import Gateway, Guest, Session, Viewer
from remote_service.nudges import nudge_gateways, nudge_supervisor
from remote_service.relay.proof import Claim
from remote_service.relay.watch import GONE, Glimpse, Grant
from remote_service.rfb.policy import Policy
from remote_service.sealing import unseal
from remote_service.states import State


def open_viewer(gateway_id: uuid.UUID, grant: Grant) -> tuple[int, Glimpse, Policy | None]:
    """Writes that a viewer has come; the same user's cut lines to the session are made good by it.

    Returns:
        its number, the session, and what it may do there, or None when its right has ended meanwhile.
    """
    Gateway.objects.get_or_create(pk=gateway_id)
    _of(grant).filter(closed_at__isnull=False).update(superseded=True)
    viewer = Viewer.objects.create(
        session_id=grant.session_id,
        gateway_id=gateway_id,
        user_id=grant.user_id,
        guest_id=grant.guest_id,
        address=grant.actor.address,
    )
    note(grant.session_id, "viewer opened", by=grant.actor)
    nudge_gateways(grant.session_id)
    glimpses, policies = look({grant})
    return viewer.pk, glimpses.get(grant.session_id, GONE), policies.get(grant)


def _of(who: Grant | Viewer) -> QuerySet[Viewer]:
    """All viewers of the session that are the same user's, guest's, or the REST's clients'."""
    return Viewer.objects.filter(session=who.session_id, user=who.user_id, guest=who.guest_id)


def close_viewer(viewer_id: int, *, clean: bool) -> None:
    """Writes that a viewer has left, once; the supervisor is told, since it may have been the last."""
    viewer = Viewer.objects.select_related("session", "user", "guest").filter(pk=viewer_id, closed_at=None).first()
    if viewer is None:
        return
    # A line that was cut is often noticed only after its user came back; and that staff had a look at a session is
    # no sign that its owner is done with it. Whom the owner let in may go on when the owner has left.
    came_back = not clean and _of(viewer).filter(pk__gt=viewer.pk).exists()
    owns = viewer.guest_id is None and viewer.user_id == viewer.session.owner_id
    counts = owns or _was_let_in(viewer)
    Viewer.objects.filter(pk=viewer_id, closed_at=None).update(
        closed_at=timezone.now(),
        ending=Viewer.Ending.CLEAN if clean else Viewer.Ending.CUT,
        superseded=came_back or not counts,
    )
    nudge_supervisor()
    nudge_gateways(viewer.session_id)


def cut_all_but(gateway_id: uuid.UUID, viewers: Collection[int]) -> None:
    """Counts a gateway's other viewers as cut: it does not know of them, since who wrote their rows died meanwhile."""
    strays = Viewer.objects.filter(gateway_id=gateway_id, closed_at=None).exclude(pk__in=viewers)
    for viewer_id in list(strays.values_list("pk", flat=True)):
        close_viewer(viewer_id, clean=False)


def _was_let_in(viewer: Viewer) -> bool:
    who = viewer.user or viewer.guest
    return who is not None and access.share_of(who, viewer.session) is not None


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
    glimpses = {
        key: Glimpse(
            State(session.state),
            session.end_reason,
            session.end_detail,
            session.endpoint,
            session.stream,
            tuple(session.type_hosts),
        )
        for key, session in sessions.items()
    }
    users = User.objects.in_bulk({grant.user_id for grant in grants if grant.user_id is not None})
    wanted = {grant.guest_id for grant in grants if grant.guest_id is not None}
    visitors = Guest.objects.in_bulk(wanted) if wanted else {}
    logins = LoginSession.objects.filter(session_key__in={grant.login for grant in grants if grant.login})
    alive = set(logins.filter(expire_date__gt=timezone.now()).values_list("session_key", flat=True))
    policies: dict[Grant, Policy] = {}
    for grant in grants:
        session = sessions.get(grant.session_id)
        if grant.guest_id is not None:
            policy = _allowed_to_guest(grant, session, visitors.get(grant.guest_id), alive)
        else:
            policy = _allowed(grant, session, users.get(grant.user_id or 0), alive)
        if policy is not None:
            policies[grant] = policy
    return glimpses, policies


def _allowed(grant: Grant, session: Session | None, user: User | None, alive: Collection[str]) -> Policy | None:
    """What the viewer may do; None when its login has ended, or has another password, or it may not even look."""
    if session is None:
        return Policy()
    if grant.user_id is None:
        return session.viewer_policy
    if user is None or grant.login not in alive or user.get_session_auth_hash() != grant.password_stamp:
        return None
    return access.viewer_policy(user, session)


def _allowed_to_guest(
    grant: Grant, session: Session | None, guest: Guest | None, alive: Collection[str]
) -> Policy | None:
    """What a guest may do; None when the browser's session has ended or is another guest's, or it may not look."""
    if session is None:
        return Policy()
    if guest is None or grant.login not in alive or not guests.is_by(guest, grant.login):
        return None
    return access.viewer_policy(guest, session)


def claim_of(session_id: uuid.UUID, hosts: Collection[str]) -> Claim:
    """What the session's endpoint is judged by."""
    return Claim(str(session_id), session_uid(conf.current().session_user), tuple(hosts))


def password_of(session_id: uuid.UUID) -> str | None:
    """The VNC password that the script gave, or None.

    Raises:
        SealError: it was stored under another SECRET_KEY.
    """
    sealed = Session.objects.values_list("sealed_password", flat=True).filter(pk=session_id).first()
    return unseal(sealed) if sealed else None
