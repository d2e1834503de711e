"""The world of the access matrix: everybody who may come, what they may come to, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from remote_service.actors import Actor
from remote_service.models import Session, SessionEvent, Share, ShareHolder, Site, StaffLook
from remote_service.reservations import Reservation, reserve_for_rest, reserve_for_user
from remote_service.sealing import token_hash
from remote_service.sharing import Offer, make_share
from remote_service.states import State

ROLES = ("anonymous", "alice", "bob", "charlie", "staff", "looker", "manager", "root")
"""In the order of the matrix: nobody, the owner, one of her group, an outsider, staff without permissions, with the
one to view and with the one to manage any session, and a superuser; of the last four none is in her group."""

SHARE_SECRET = "what is behind the hash"


@dataclass
class World:
    """One site. `session` is Alice's and runs, `ended` was hers, `rest` is nobody's. Staff who may have said why they
    look at both that live; `share` is a link to Alice's for anyone that nobody has accepted yet, and `holder` a
    friend who accepted another."""

    users: dict[str, User]
    session: Reservation
    ended: Reservation
    rest: Reservation
    share: Share
    holder: ShareHolder
    logins: dict[str, str]
    """The session cookie of everybody who has logged in."""

    def client(self, role: str, **traits: Any) -> Client:
        """A browser in which somebody is logged in."""
        client = Client(raise_request_exception=False, **traits)
        if role != "anonymous":
            client.cookies[settings.SESSION_COOKIE_NAME] = self.logins[role]
        return client

    def guest(self, browser: str) -> Client:
        """A browser in which nobody is logged in, by the key of its session."""
        client = self.client("anonymous")
        client.cookies[settings.SESSION_COOKIE_NAME] = browser
        return client

    def fill(self, route: str) -> str:
        """An address of the route that is about something that exists."""
        values = {
            "<uuid:session_id>": str(self.session.session.pk),
            "<uuid:share_id>": str(self.share.pk),
            "<int:holder_id>": str(self.holder.pk),
            "<path:type_name>": "Team",
            "<str:token>": self.rest.token,
            "<path:content_type_id>": str(ContentType.objects.get_for_model(User).pk),
            "<path:object_id>": self._object_id(route),
            "<id>": str(self.users["bob"].pk),
            "<int:user_id>": str(self.users["bob"].pk),
            "<int:drain_id>": "4711",
            "<int:announcement_id>": "4711",
            "^(?P<app_label>remote_service|axes|auth)/$": "remote_service/",
            "(?P<url>.*)$": "nothing",
        }
        for part, value in values.items():
            route = route.replace(part, value)
        assert not set(route) & set("<>^$()"), f"{route}: say in `fill` what stands for its parameters"
        return f"/{route}"

    def _object_id(self, route: str) -> str:
        objects = {
            "remote_service/site/": Site.load(),
            "remote_service/session/": self.session.session,
            "remote_service/sessionevent/": SessionEvent.objects.first(),
            "auth/group/": Group.objects.first(),
            "auth/user/": self.users["bob"],
            "admin/r/": self.users["bob"],
            "axes/accessattempt/": AccessAttempt.objects.first(),
            "axes/accessfailurelog/": AccessFailureLog.objects.first(),
            "axes/accesslog/": AccessLog.objects.first(),
        }
        return str(next((found.pk for part, found in objects.items() if found and part in route), ""))

    def as_every(self, ask: Callable[[str], Any]) -> dict[str, Any]:
        """Has everybody ask the same in the same world, and returns what each was answered."""
        answers = {}
        for role in ROLES:
            with transaction.atomic():
                answers[role] = ask(role)
                transaction.set_rollback(True)
        return answers


def make_world(make_user: Callable[..., Any], make_type: Callable[..., Any], group: Group) -> World:
    """Makes it."""
    users = {
        "alice": make_user("alice", groups=(group,)),
        "bob": make_user("bob", groups=(group,)),
        "charlie": make_user("charlie"),
        "staff": make_user("staff", is_staff=True),
        "looker": make_user("looker", is_staff=True, permissions=("view_any_session",)),
        "manager": make_user("manager", is_staff=True, permissions=("manage_any_session",)),
        "root": make_user("root", is_staff=True, is_superuser=True),
    }
    make_type("Team", count=9, options={"group": group.name})
    make_type("Open", count=9)
    session = reserve_for_user("Team", users["alice"], {"size": "800x600"}, Actor("alice", "", "web"))
    ended = reserve_for_user("Team", users["alice"], {"size": "800x600"}, Actor("alice", "", "web"))
    rest = reserve_for_rest("Open", {"size": "800x600"}, Actor("", "", "rest"))
    AccessAttempt.objects.create(username="mallory", failures_since_start=1)
    AccessFailureLog.objects.create(username="mallory")
    AccessLog.objects.create(username="mallory")
    share, _ = make_share(session.session, Offer(), users["alice"], Actor("alice", "", "web"))
    Share.objects.filter(pk=share.pk).update(secret_hash=token_hash(SHARE_SECRET))
    friend = make_user("friend", groups=(group,))
    another, _ = make_share(session.session, Offer(user=friend), users["alice"], Actor("alice", "", "web"))
    holder = ShareHolder.objects.create(share=another, user=friend)
    for role in ("looker", "manager", "root"):
        for looked_at in (session, rest):
            StaffLook.objects.create(session=looked_at.session, user=users[role], reason="Ticket 4711")
    Session.objects.filter(pk=session.session.pk).update(state=State.RUNNING, running_at=timezone.now(), wanted="")
    Session.objects.filter(pk=ended.session.pk).update(state=State.ENDED, ended_at=timezone.now(), wanted="")
    return World(users, session, ended, rest, share, holder, {role: _log_in(user) for role, user in users.items()})


def _log_in(user: User) -> str:
    browser = Client()
    browser.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return browser.cookies[settings.SESSION_COOKIE_NAME].value


def sessions_now() -> list[dict[str, Any]]:
    """Every session's row: what a request may not change that only looks."""
    return [dict(row) for row in Session.objects.order_by("pk").values()]


def routes() -> list[str]:
    """Every route of the site, as its parts are written in the URL table."""
    return sorted(set(_walk(get_resolver().url_patterns, "")))


def _walk(patterns: list[Any], prefix: str) -> Iterator[str]:
    for pattern in patterns:
        route = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLPattern):
            yield route
        else:
            assert isinstance(pattern, URLResolver)
            yield from _walk(pattern.url_patterns, route)
