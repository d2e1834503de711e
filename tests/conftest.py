"""The cast and the site that every test may ask for.

Alice owns, Bob shares her group, Charlie must be refused.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# Examples are judged by what they show, not by how busy the machine is.
hypothesis.settings.register_profile("tests", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("tests")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest test begins first: the others take their turns beside it."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/crash/"))


def pytest_collection_finish() -> None:
    """What was imported and collected stays: looking through it for garbage again and again finds none."""
    gc.collect()
    gc.freeze()


PASSWORD = "correct horse battery"
GROUP = "ClusterRendering"
QUICK_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def group(db: None) -> Any:
    """The group of Alice and Bob."""
    from django.contrib.auth.models import Group

    return Group.objects.get_or_create(name=GROUP)[0]


@pytest.fixture
def make_user(db: None, settings: Any) -> Callable[..., Any]:
    """Makes a user with groups and permissions by name; passwords are hashed the quick way."""
    settings.PASSWORD_HASHERS = QUICK_HASHERS
    return new_user


@pytest.fixture
def alice(make_user: Callable[..., Any], group: Any) -> Any:
    """Owns."""
    return make_user("alice", groups=(group,))


@pytest.fixture
def bob(make_user: Callable[..., Any], group: Any) -> Any:
    """Shares Alice's group."""
    return make_user("bob", groups=(group,))


@pytest.fixture
def charlie(make_user: Callable[..., Any]) -> Any:
    """Must be refused."""
    return make_user("charlie")


@pytest.fixture
def gateway_settings(settings: Any, tmp_path: Path) -> Any:
    """The framework's settings on a state directory of the test's own; put changed ones into `settings` as it does."""
    from remote_service.state_dir import open_state_dir

    settings.REMOTE_SERVICE = replace(
        settings.REMOTE_SERVICE, state_dir=open_state_dir(tmp_path / "state"), security_token="rest secret"
    )
    return settings.REMOTE_SERVICE


@pytest.fixture
def session_account(gateway_settings: Any, settings: Any) -> Any:
    """The framework's settings with scripts that run as whoever runs the tests: `tmp_path` is closed to others."""
    settings.REMOTE_SERVICE = replace(gateway_settings, session_user="root")
    return settings.REMOTE_SERVICE


@pytest.fixture
def say_why(db: None) -> Callable[..., None]:
    """One of the staff has said why they look at a session."""
    from remote_service.models import StaffLook

    def say(user: Any, session: Any) -> None:
        StaffLook.objects.create(user=user, session=session, reason="Ticket 4711")

    return say


@pytest.fixture
def with_guests(settings: Any) -> Any:
    """The framework's settings of a site that lets people without an account in."""
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, guests=True)
    return settings.REMOTE_SERVICE


@pytest.fixture
def browse(db: None) -> Callable[..., str]:
    """Begins the session of a browser in which nobody is logged in, and returns its key."""
    from django.contrib.sessions.backends.db import SessionStore

    def begin() -> str:
        browser = SessionStore()
        browser.create()
        return str(browser.session_key)

    return begin


@pytest.fixture
def come_as_guest(browse: Callable[..., str]) -> Callable[..., Any]:
    """A guest who has accepted a share of a session of its owner's just now; keywords are of the offer."""
    from django.contrib.auth.models import AnonymousUser

    from remote_service import sharing
    from remote_service.actors import Actor

    def come(session: Any, name: str = "", *, browser: str = "", **offer: Any) -> Any:
        by = Actor(session.owner.username, "", "web")
        _, secret = sharing.make_share(session, sharing.Offer(guests=True, **offer), session.owner, by)
        stranger = Actor("", "192.0.2.8", "web")
        key = browser or browse()
        share = sharing.find_offer(secret, AnonymousUser(), stranger, key)
        return sharing.accept_as_guest(share, key, name, stranger)

    return come


@pytest.fixture
def make_type(db: None) -> Callable[..., Any]:
    """Publishes a session type, as a loaded sessions file would; keywords are keys of its entry."""
    return new_type


def new_user(name: str, *, groups: tuple[Any, ...] = (), permissions: tuple[str, ...] = (), **extra: Any) -> Any:
    """What `make_user` makes."""
    from django.contrib.auth.models import Permission, User

    user = User.objects.create_user(name, password=PASSWORD, **extra)
    user.groups.set(groups)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def new_type(name: str = "Pattern", *, count: int = 2, options: dict[str, Any] | None = None, **keys: Any) -> Any:
    """What `make_type` publishes."""
    from remote_service.config.schema import SessionType as Definition
    from remote_service.models import SessionType

    entry = {"name": name, "script": "test_pattern.py", "count": count, "options": options or {}, **keys}
    definition = Definition.model_validate(entry)
    return SessionType.objects.create(
        name=name,
        position=SessionType.objects.count(),
        on_last_disconnect=definition.on_last_disconnect or "stop",
        stored_definition=definition.to_store(),
    )
