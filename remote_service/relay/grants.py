"""Which session a websocket asks for, and whether it may have it."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db.models import Q

from remote_service import access, details, guests, lifecycle
from remote_service.actors import Actor
from remote_service.errors import NotAllowedError, RefusedError, UnknownTokenError
from remote_service.models import Session
from remote_service.relay.origin import from_own_pages
from remote_service.relay.watch import Grant
from remote_service.sealing import token_hash
from remote_service.states import State

SESSION_PATH = re.compile(r"(?:^|/)sessions/(?P<id>[0-9a-fA-F-]{36})/websockify$")


def find_grant(scope: dict[str, Any]) -> Grant:
    """Decides about a websocket; a reserved session that is opened is wanted from now on, unless only to look.

    Raises:
        RefusedError: it gets HTTP 403; what the sentence says stands in an event row only.
    """
    user = scope.get("user") or AnonymousUser()
    address = (scope.get("client") or ("", 0))[0]
    actor = Actor(user.get_username() if user.is_authenticated else "", address, "websocket")
    session = None
    try:
        session = _asked_for(scope)
        grant, wants = _judge(session, scope, user, actor)
    except RefusedError as refusal:
        lifecycle.note_refusal(session.pk if session else None, str(refusal), actor, what="viewer refused")
        raise
    if wants and State(session.state) is State.RESERVED:
        lifecycle.ask_to_start(session.pk, grant.actor)
    return grant


def _asked_for(scope: dict[str, Any]) -> Session:
    """The live session that the address names, by its id or by its token."""
    by_id = SESSION_PATH.search(scope["path"])
    tokens = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [])
    try:
        if by_id is not None:
            found = Session.objects.filter(Q(pk=uuid.UUID(by_id["id"]))).first()
        elif tokens:
            found = Session.objects.filter(token_hash=token_hash(tokens[-1])).first()
        else:
            raise UnknownTokenError("A websocket came without a token; expected ?token=… or /sessions/{id}/websockify.")
    except (ValueError, ValidationError):
        found = None
    if found is None:
        raise UnknownTokenError("A websocket asked for a session that does not exist.")
    if found.over:
        raise UnknownTokenError("A websocket asked for a session that is over.")
    return found


def _judge(session: Session, scope: dict[str, Any], user: Any, actor: Actor) -> tuple[Grant, bool]:
    """The grant, and whether its bearer may have the session started."""
    by_token = SESSION_PATH.search(scope["path"]) is None
    if by_token and session.door == "rest":
        return Grant(session.pk, None, "", actor), True
    if not from_own_pages(scope):
        raise NotAllowedError(details.OTHER_ORIGIN)
    login = scope["session"].session_key or ""
    guest = None if user.is_authenticated else guests.guest_at(login, session.pk)
    who = guest or user
    rights = access.screen_rights(who, session)
    if not rights.watch:
        if access.must_say_why(who, session):
            raise NotAllowedError(details.HAS_NOT_SAID_WHY)
        raise NotAllowedError(details.MAY_NOT_SEE)
    if guest is not None:
        if guests.comes_too_often(guest):
            raise NotAllowedError(details.COMES_TOO_OFTEN)
        called = replace(actor, name=guests.called(guest))
        return Grant(session.pk, None, login, called, guest_id=guest.pk), access.may_start(guest, session)
    grant = Grant(session.pk, user.pk, login, actor, password_stamp=user.get_session_auth_hash())
    return grant, access.may_start(user, session)
