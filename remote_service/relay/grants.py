"""Which session a websocket asks for, and whether it may have it."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs

from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.models import Session as LoginSession
from django.core.exceptions import ValidationError
from django.utils import timezone

from remote_service import access, details, guests, lifecycle
from remote_service.actors import Actor
from remote_service.errors import NotAllowedError, RefusedError, UnknownTokenError
from remote_service.models import Guest, Session
from remote_service.prepared import find
from remote_service.relay import rows
from remote_service.relay.logins import login_of
from remote_service.relay.origin import from_own_pages
from remote_service.relay.watch import GONE, Glimpse, Grant
from remote_service.rfb.policy import Policy
from remote_service.sealing import token_hash
from remote_service.states import State

_COLUMNS = (
    "id", "type_name", "state", "end_reason", "end_detail", "owner_id", "door", "stored_endpoint", "stream",
    "type_hosts", "stored_viewer_policy", "sealed_password", "runner_place", "runner_boot", "runner_home",
)  # fmt: skip
"""What is asked of a session here; its other columns would take as long again."""
SESSION_PATH = re.compile(r"(?:^|/)sessions/(?P<id>[0-9a-fA-F-]{36})/websockify$")


@dataclass(frozen=True, slots=True)
class Admission:
    """What somebody was let in with, and how things stood at that moment."""

    grant: Grant
    glimpse: Glimpse
    policy: Policy | None
    """What they may do; None when the right has ended since it was granted."""
    type_name: str = ""
    sealed_password: str = field(default="", repr=False)
    """The session's, once it runs."""


def find_grant(scope: dict[str, Any]) -> Grant:
    """Decides about a websocket, see `admit`."""
    return admit(scope).grant


def admit(scope: dict[str, Any]) -> Admission:
    """Decides about a websocket; a reserved session that is opened is wanted from now on, unless only to look.

    Raises:
        RefusedError: it gets HTTP 403; what the sentence says stands in an event row only.
    """
    user, login = login_of(scope)
    address = (scope.get("client") or ("", 0))[0]
    actor = Actor(user.get_username() if user.is_authenticated else "", address, "websocket")
    session = None
    try:
        session = _asked_for(scope)
        grant, policy = _judge(session, scope, user, login, actor)
    except RefusedError as refusal:
        lifecycle.note_refusal(session.pk if session else None, str(refusal), actor, what="viewer refused")
        raise
    if State(session.state) is State.RESERVED and _may_start(grant, user, session):
        lifecycle.ask_to_start(session.pk, grant.actor)
    return Admission(grant, rows.glimpse_of(session), policy, session.type_name, session.sealed_password)


def _may_start(grant: Grant, user: User | AnonymousUser, session: Session) -> bool:
    if grant.user_id is None:
        return grant.guest_id is None  # a client of the REST
    return access.may_start(user, session)


def admit_again(grant: Grant) -> Admission:
    """What a grant is worth now, which somebody was let in with before."""
    session = find(Session, "id", grant.session_id, _COLUMNS)
    login = find(LoginSession, "session_key", grant.login) if grant.login else None
    logged_in = login is not None and login.expire_date > timezone.now()
    policy = rows.allowed(grant, session, _who(grant), logged_in=logged_in)
    if session is None:
        return Admission(grant, GONE, policy)
    return Admission(grant, rows.glimpse_of(session), policy, session.type_name, session.sealed_password)


def _who(grant: Grant) -> User | Guest | None:
    if grant.guest_id is not None:
        return find(Guest, "id", grant.guest_id)
    return None if grant.user_id is None else find(User, "id", grant.user_id)


def _asked_for(scope: dict[str, Any]) -> Session:
    """The live session that the address names, by its id or by its token."""
    by_id = SESSION_PATH.search(scope["path"])
    tokens = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [])
    try:
        if by_id is not None:
            found = find(Session, "id", uuid.UUID(by_id["id"]), _COLUMNS)
        elif tokens:
            found = find(Session, "token_hash", token_hash(tokens[-1]), _COLUMNS)
        else:
            raise UnknownTokenError("A websocket came without a token; expected ?token=… or /sessions/{id}/websockify.")
    except (ValueError, ValidationError):
        found = None
    if found is None:
        raise UnknownTokenError("A websocket asked for a session that does not exist.")
    if found.over:
        raise UnknownTokenError("A websocket asked for a session that is over.")
    return found


def _judge(
    session: Session, scope: dict[str, Any], user: User | AnonymousUser, login: str, actor: Actor
) -> tuple[Grant, Policy]:
    """The grant, and what it allows."""
    by_token = SESSION_PATH.search(scope["path"]) is None
    if by_token and session.door == "rest":
        return Grant(session.pk, None, "", actor), session.viewer_policy
    if not from_own_pages(scope):
        raise NotAllowedError(details.OTHER_ORIGIN)
    guest = None if user.is_authenticated else guests.guest_at(login, session.pk)
    who = guest or user
    policy = access.viewer_policy(who, session)
    if policy is None:
        if access.must_say_why(who, session):
            raise NotAllowedError(details.HAS_NOT_SAID_WHY)
        raise NotAllowedError(details.MAY_NOT_SEE)
    if guest is not None:
        if guests.comes_too_often(guest):
            raise NotAllowedError(details.COMES_TOO_OFTEN)
        called = replace(actor, name=guests.called(guest))
        return Grant(session.pk, None, login, called, guest_id=guest.pk), policy
    assert isinstance(user, User)
    return Grant(session.pk, user.pk, login, actor, password_stamp=user.get_session_auth_hash()), policy
