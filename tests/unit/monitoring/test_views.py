"""`/healthz`, `/readyz` and `/metrics` as who watches the server is answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from remote_service.conf import Crew
from remote_service.models import Lease, Site
from remote_service.monitoring import views
from remote_service.monitoring.exposition import of_process
from remote_service.monitoring.readiness import Check
from remote_service.relay.traffic import Traffic

HERE = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1:8000"}
WELL = (Check("database", True, "It answers."), Check("types", True, "2 loaded."))
ILL = (*WELL, Check("supervisor", False, "It looked 99.0 s ago."))


def test_healthz_asks_nobody_else(client: Client) -> None:
    # Without the fixture `db`, to ask the database fails.
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize(("found", "status"), [(WELL, 200), (ILL, 503)])
def test_readyz_tells_everybody_whether_and_staff_why(
    make_user: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, found: tuple[Check, ...], status: int
) -> None:
    monkeypatch.setattr(views, "checks", lambda: found)
    staff = make_user("staff", is_staff=True)
    manager = make_user("manager", permissions=("manage_any_session",))
    for user, told in ((None, False), (make_user("alice"), False), (staff, True), (manager, True)):
        client = Client()
        if user is not None:
            client.force_login(user, "django.contrib.auth.backends.ModelBackend")
        answer = client.get("/readyz")
        assert answer.status_code == status
        expected: dict[str, Any] = {"ready": status == 200}
        if told:
            expected["checks"] = {check.name: {"ok": check.ok, "detail": check.detail} for check in found}
        assert answer.json() == expected


def test_readyz_asks_the_site(client: Client, db: None) -> None:
    Lease.load()
    Lease.objects.update(holder="somebody")
    assert client.get("/readyz").status_code == 503
    Site.load()
    Site.objects.update(loaded_at="2026-03-04T05:06:07Z")
    assert client.get("/readyz").json() == {"ready": True}


def test_readyz_without_a_database_is_answered(client: Client, alice: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client.force_login(alice, "django.contrib.auth.backends.ModelBackend")

    def fails(_user: Any) -> bool:
        raise OperationalError("database is locked")

    monkeypatch.setattr(views, "checks", lambda: ILL)
    monkeypatch.setattr(views.access, "may_manage", fails)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"ready": False})


def test_metrics_names_neither_users_nor_sessions(
    client: Client, gateway_settings: Any, make_type: Callable[..., Any], alice: Any
) -> None:
    from remote_service.actors import Actor
    from remote_service.reservations import reserve_for_user

    make_type("Secret project")
    session = reserve_for_user("Secret project", alice, {"size": "1x1"}, Actor("alice", "192.0.2.7", "web")).session
    answer = client.get("/metrics", **HERE)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=")
    text = answer.content.decode()
    assert 'remote_session_sessions{state="reserved"} 1.0\n' in text
    assert 'remote_session_sessions{state="running"} 0.0\n' in text
    for name in ("alice", "Secret project", str(session.pk), "192.0.2.7"):
        assert name not in text


def test_metrics_without_a_database_has_the_rest(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> Any:
        raise OperationalError("database is locked")

    monkeypatch.setattr(views.Session.objects, "live", fails)
    text = client.get("/metrics", **HERE).content.decode()
    assert "remote_session_viewers 0.0\n" in text
    assert "remote_session_sessions" not in text


def test_metrics_counts_sessions_of_which_nobody_knows_and_those_that_somebody_should_look_at(
    client: Client, make_type: Callable[..., Any]
) -> None:
    from remote_service.actors import Actor
    from remote_service.reservations import reserve_for_rest

    make_type("Pattern", count=3)
    for hours in (None, 0, 2):
        session = reserve_for_rest("Pattern", {}, Actor("", "192.0.2.7", "rest")).session
        since = None if hours is None else timezone.now() - timedelta(hours=hours)
        views.Session.objects.filter(pk=session.pk).update(unknown_since=since)
    text = client.get("/metrics", **HERE).content.decode()
    assert "remote_session_unknown_sessions 2.0\n" in text
    assert "remote_session_unknown_sessions_alarm 1.0\n" in text


def test_metrics_is_refused_to_others(client: Client, settings: Any) -> None:
    refused = client.get("/metrics")
    assert refused.status_code == 403
    assert "WWW-Authenticate" not in refused
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, metrics_token="hush")
    unauthorized = client.get("/metrics")
    assert (unauthorized.status_code, unauthorized["WWW-Authenticate"]) == (401, "Bearer")
    assert unauthorized.content == b"The figures' token is missing or wrong; expected it as a Bearer header.\n"


def test_with_the_token_it_is_not(client: Client, db: None, settings: Any) -> None:
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, metrics_token="hush")
    assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer hush").status_code == 200


def test_under_maintenance_it_is_all_there(client: Client, db: None) -> None:
    Site.load()
    Site.objects.update(maintenance="New disks.")
    assert [client.get(path, **HERE).status_code for path in ("/healthz", "/metrics", "/")] == [200, 200, 503]


def test_in_a_crew_metrics_are_those_of_all_processes(
    client: Client, db: None, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, crew=Crew(1, tmp_path))
    told = {"relay": of_process(2, Traffic(5)).decode(), "pages-1": of_process(0, Traffic()).decode()}
    monkeypatch.setattr(views, "ask_all", {tmp_path / "figures": told}.__getitem__)
    text = client.get("/metrics", **HERE).content.decode()
    assert 'remote_session_viewers{process="relay"} 2.0\n' in text
    assert 'remote_session_viewers{process="pages-1"} 0.0\n' in text
    assert 'remote_session_sessions{state="running"} 0.0\n' in text
    assert "remote_session_viewers 0.0" not in text
