"""`manage.py prepare`: what it makes at the first start, and that it changes nothing at the second."""

from __future__ import annotations

import io
import os
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from remote_service.models import Site
from sessions_config.environment import Environment
from webui.management.commands import prepare

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def collected(monkeypatch: pytest.MonkeyPatch, settings: Any) -> list[bool]:
    """What the next calls of `collect_if_changed` say; the real one has its own tests."""
    says = [True, False, False]
    monkeypatch.setattr(prepare, "collect_if_changed", lambda: says.pop(0))
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return says


@pytest.fixture
def given_password(monkeypatch: pytest.MonkeyPatch, settings: Any) -> str:
    monkeypatch.setenv("REMOTE_SERVICE_ADMIN_PASSWORD", "given beforehand")
    settings.ENVIRONMENT = Environment()  # type: ignore[call-arg]  # the fields come from the environment
    return "given beforehand"


def run() -> str:
    printed = io.StringIO()
    call_command("prepare", stdout=printed)
    return printed.getvalue()


def test_the_first_time_it_makes_an_admin_with_a_random_password_that_it_shows_once(rf: Any) -> None:
    Site.objects.all().delete()
    printed = run()
    shown = re.fullmatch(
        r"Collected the static files\n"
        r"Made the user 'admin' with the password (\S{16}) \(shown this once: change it\)\n",
        printed,
    )
    assert shown is not None
    admin = User.objects.get()
    assert (admin.username, admin.is_superuser, admin.is_staff) == ("admin", True, True)
    assert admin.check_password(shown[1])
    assert Site.objects.count() == 1


def test_two_sites_get_two_passwords() -> None:
    first = run()
    User.objects.all().delete()
    assert first.splitlines()[-1] != run().splitlines()[-1]


def test_a_password_that_was_given_is_used_and_not_shown(given_password: str) -> None:
    printed = run()
    assert printed == (
        "Collected the static files\nMade the user 'admin' with the password of REMOTE_SERVICE_ADMIN_PASSWORD\n"
    )
    assert User.objects.get().check_password(given_password)
    assert "REMOTE_SERVICE_ADMIN_PASSWORD" not in os.environ


def test_the_second_time_it_says_nothing_and_changes_nothing() -> None:
    run()
    admin = User.objects.values().get()
    assert run() == ""
    assert User.objects.values().get() == admin


def test_where_there_are_users_it_makes_none(alice: User, given_password: str) -> None:
    assert run() == "Collected the static files\n"
    assert list(User.objects.all()) == [alice]


def test_a_new_database_is_ours_alone_from_the_first_moment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    modes = []
    file = tmp_path / "gateway.sqlite3"

    def look() -> int:
        modes.append(stat.S_IMODE(file.stat().st_mode))
        return 0

    monkeypatch.setattr(prepare, "database_file", lambda: file)
    monkeypatch.setattr(prepare, "unapplied_migrations", look)
    run()
    assert modes == [0o600]


def test_a_database_that_is_behind_is_migrated(monkeypatch: pytest.MonkeyPatch) -> None:
    migrated = []
    monkeypatch.setattr(prepare, "unapplied_migrations", lambda: 3)
    monkeypatch.setattr(prepare, "call_command", lambda *name, **options: migrated.append((name, options)))
    assert run().splitlines()[0] == "Preparing the database"
    assert migrated == [(("migrate",), {"interactive": False, "verbosity": 0})]
