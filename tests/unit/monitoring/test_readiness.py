"""Whether sessions can be launched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from remote_service.conf import Crew
from remote_service.models import Site
from remote_service.monitoring import readiness
from remote_service.monitoring.pulse import Pulse
from remote_service.monitoring.readiness import FRESH, Check, checks
from remote_service.monitoring.siblings import Told


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


ANSWERS = Told("")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The supervisor looked just now."""
    found = Clock()
    pulse = Pulse(found)
    pulse.beat()
    monkeypatch.setattr(readiness, "SUPERVISOR", pulse)
    return found


@pytest.fixture
def loaded(make_type: Callable[..., Any]) -> None:
    make_type("Pattern")
    make_type("Desktop")
    Site.load()
    Site.objects.update(loaded_at=datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC))


def test_all_is_well(clock: Clock, loaded: None) -> None:
    assert checks() == (
        Check("database", True, "It answers."),
        Check("types", True, "2 loaded at 2026-03-04 05:06:07 UTC."),
        Check("supervisor", True, "It looked 0.0 s ago."),
    )


@pytest.mark.parametrize(("seconds", "fresh"), [(FRESH, True), (FRESH + 1, False)])
def test_a_supervisor_that_does_not_look_is_none(clock: Clock, loaded: None, seconds: float, fresh: bool) -> None:
    clock.now = seconds
    assert checks()[2] == Check("supervisor", fresh, f"It looked {seconds:.1f} s ago.")


def test_nor_is_one_that_has_not_looked_yet(loaded: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "SUPERVISOR", Pulse())
    assert checks()[2] == Check("supervisor", False, "It has not looked at any session yet.")


def test_before_the_sessions_file_is_loaded_there_are_no_types(clock: Clock, db: None) -> None:
    assert checks()[1] == Check("types", False, "The sessions file has not been loaded.")


def test_a_database_that_does_not_answer_is_told(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_arguments: Any, **_keywords: Any) -> Any:
        raise OperationalError("database is locked")

    monkeypatch.setattr(Site.objects, "values_list", fails)
    assert checks()[:2] == (
        Check("database", False, "database is locked"),
        Check("types", False, "The database does not answer."),
    )


# ---- in a crew -------------------------------------------------------------------------------------------


@pytest.fixture
def supervisor_tells(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """The supervisor is another process, which tells this; this process's own pulse says nothing."""
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, crew=Crew(1, tmp_path))
    monkeypatch.setattr(readiness, "SUPERVISOR", Pulse())

    folder = tmp_path / "figures"

    def tells(told: Told | None, relay: Told | None = ANSWERS) -> None:
        monkeypatch.setattr(readiness, "ask", {folder / "supervisor": told, folder / "relay": relay}.__getitem__)

    return tells


def test_a_supervisor_that_is_another_process_is_asked(supervisor_tells: Any, loaded: None) -> None:
    supervisor_tells(Told("", 2.0))
    assert checks()[2] == Check("supervisor", True, "It looked 2.0 s ago.")
    supervisor_tells(Told("", FRESH + 1))
    assert checks()[2] == Check("supervisor", False, "It looked 16.0 s ago.")


def test_without_the_relays_process_there_are_no_screens(supervisor_tells: Any, loaded: None) -> None:
    supervisor_tells(Told("", 2.0))
    assert checks()[3:] == (Check("relay", True, "It answers."),)
    supervisor_tells(Told("", 2.0), None)
    assert checks()[3:] == (Check("relay", False, "It does not answer."),)


@pytest.mark.parametrize("told", [Told("", None), None])
def test_one_that_has_not_looked_or_does_not_answer_is_none(
    supervisor_tells: Any, loaded: None, told: Told | None
) -> None:
    supervisor_tells(told)
    assert checks()[2] == Check("supervisor", False, "It has not looked at any session yet.")
