"""Who may be told what changes on a page, and for how long: as long as the login stands under which it was opened."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session as LoginSession
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language_from_request

from remote_service.guests import guest_at, is_by
from remote_service.models import Guest
from remote_service.relay.origin import from_own_pages
from webui.live.pages import FOR_GUESTS, PAGES, Address
from webui.share_fragments import SESSION

SEEN = "seen"
"""The parameter in which a page says what it shows; it belongs to the question, not to the page."""


@dataclass(frozen=True, slots=True)
class Right:
    """A user's right to be told, or a guest's, as it was when the websocket was opened."""

    who: int | uuid.UUID
    """The user's number, or the guest's id."""
    login: str = field(repr=False)
    """The key of the browser's session."""
    password_stamp: str = field(default="", repr=False)
    """Changes with the user's password, which ends logins too."""
    standing: frozenset[tuple[str, int]] = frozenset()
    """The user's groups and permissions: when they change, so may the pages, and who may see them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks for who may."""

    right: Right
    address: Address
    seen: str
    language: str = "en"
    """The page's, as its browser asks for it."""


def question(query: str) -> tuple[Address, str]:
    """The page that a query names, with its parameters, and what the browser shows of it."""
    given = dict(parse_qsl(query, keep_blank_values=True))
    seen, page = given.pop(SEEN, ""), given.pop("page", "")
    return Address(page, tuple(sorted(given.items()))), seen


def judge(scope: dict[str, Any]) -> Asked | None:
    """What a websocket asks for; None when it comes from elsewhere, without a login, or for no page of ours."""
    address, seen = question(scope.get("query_string", b"").decode("latin-1"))
    if not from_own_pages(scope) or address.page not in PAGES:
        return None
    user, login = scope.get("user"), scope["session"].session_key or ""
    if user is None or not user.is_authenticated:
        guest = guest_asking(login, address)
        return None if guest is None else Asked(Right(guest.pk, login), address, seen, language_of(scope))
    if not user.is_active:
        return None
    stamp = user.get_session_auth_hash()
    return Asked(Right(user.pk, login, stamp, standings([user])[user.pk]), address, seen, language_of(scope))


def guest_asking(login: str | None, address: Address) -> Guest | None:
    """The guest whose browser asks for the page of the session that it is a guest of; None when it is no such."""
    if address.page != FOR_GUESTS:
        return None
    try:
        session_id = uuid.UUID(dict(address.parameters).get(SESSION, ""))
    except ValueError:
        return None
    return guest_at(login, session_id)


def language_of(scope: dict[str, Any]) -> str:
    """The language that Django's middleware, which sees no websocket, gave the page."""
    request = HttpRequest()
    request.COOKIES = dict(scope.get("cookies", {}))
    accepted = [value.decode("latin-1") for name, value in scope.get("headers", ()) if name == b"accept-language"]
    request.META["HTTP_ACCEPT_LANGUAGE"] = ",".join(accepted)
    return get_language_from_request(request)


def good(rights: Collection[Right]) -> set[Right]:
    """Those that still stand. Four queries, however many there are, and one more for guests."""
    users = User.objects.filter(is_active=True).in_bulk({right.who for right in rights if isinstance(right.who, int)})
    wanted = {right.who for right in rights if isinstance(right.who, uuid.UUID)}
    guests = Guest.objects.in_bulk(wanted) if wanted else {}
    logins = LoginSession.objects.filter(session_key__in={right.login for right in rights})
    alive = set(logins.filter(expire_date__gt=timezone.now()).values_list("session_key", flat=True))
    standing = standings(users.values())

    def stands(right: Right) -> bool:
        if isinstance(right.who, uuid.UUID):
            guest = guests.get(right.who)
            return guest is not None and is_by(guest, right.login)
        user = users.get(right.who)
        return (
            user is not None
            and user.get_session_auth_hash() == right.password_stamp
            and standing[user.pk] == right.standing
        )

    return {right for right in rights if right.login in alive and stands(right)}


def standings(users: Iterable[User]) -> dict[int, frozenset[tuple[str, int]]]:
    """Of each user: the groups, the permissions of their own, whether staff or superuser. Two queries."""
    found = {user.pk: {("staff", int(user.is_staff)), ("superuser", int(user.is_superuser))} for user in users}
    for kind, through, column in (
        ("group", User.groups.through, "group_id"),
        ("permission", User.user_permissions.through, "permission_id"),
    ):
        for user_id, number in through.objects.filter(user__in=found).values_list("user_id", column):
            found[user_id].add((kind, number))
    return {user_id: frozenset(facts) for user_id, facts in found.items()}
