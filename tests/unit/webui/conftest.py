"""Sessions in any state, visitors who are logged in, and staff."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from remote_service import conf
from remote_service.models import Session
from remote_service.session_logs import log_path
from remote_service.states import FINAL, State


@pytest.fixture
def staff(make_user: Callable[..., User]) -> User:
    """Logs into the administration, and has no right over sessions."""
    return make_user("sam", is_staff=True)


@pytest.fixture
def watcher(make_user: Callable[..., User]) -> User:
    """May look at any session."""
    return make_user("wanda", is_staff=True, permissions=("view_any_session",))


@pytest.fixture
def manager(make_user: Callable[..., User]) -> User:
    """May manage any session."""
    return make_user("mona", is_staff=True, permissions=("manage_any_session",))


@pytest.fixture
def visit() -> Callable[[User], Client]:
    """A browser in which this user is logged in."""

    def make(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return make


@pytest.fixture
def make_session(db: None) -> Callable[..., Session]:
    """Makes a session as it is in a state; keywords are columns."""
    numbers = itertools.count()

    def make(owner: User | None, state: State = State.RUNNING, **columns: Any) -> Session:
        number = next(numbers)
        if state in FINAL:
            columns = {"ended_at": timezone.now() - timedelta(minutes=5), "end_reason": "user", **columns}
        return Session.objects.create(
            **{
                "type_name": "Pattern",
                "index": number,
                "state": state,
                "owner": owner,
                "username": owner.get_username() if owner else "",
                "door": "web" if owner else "rest",
                "options": {"size": "800x600", "username": owner.get_username() if owner else ""},
                "token_hash": f"hash {number}",
                **columns,
            }
        )

    return make


@pytest.fixture
def write_log(tmp_path: Path, settings: Settings) -> Callable[[Session, str], None]:
    """Writes a session's log, in a state directory of the test's own."""
    settings.REMOTE_SERVICE = replace(conf.current(), state_dir=tmp_path)

    def write(session: Session, text: str) -> None:
        path = log_path(session.pk)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return write
