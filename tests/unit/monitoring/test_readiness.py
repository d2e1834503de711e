"""Whether sessions can be launched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from remote_service.conf import Crew
from remote_service.config.problems import Code, Problem
from remote_service.models import Lease, SessionType, Site
from remote_service.monitoring import readiness
from remote_service.monitoring.readiness import Check, checks
from remote_service.oversight import FRESH

ANSWERS = "figures"


@pytest.fixture
def supervised(db: None) -> Callable[[float], None]:
    """Has a supervisor whose last sign of life was so many seconds ago."""

    def given(seconds: float) -> None:
        Lease.load()
        renewed = timezone.now() - timedelta(seconds=seconds)
        Lease.objects.update(holder="somebody", place="node1:/run", renewed_at=renewed)

    given(0.0)
    return given


@pytest.fixture
def loaded(make_type: Callable[..., Any]) -> None:
    make_type("Pattern")
    make_type("Desktop")
    Site.load()
    Site.objects.update(loaded_at=datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC))


def test_all_is_well(supervised: Any, loaded: None) -> None:
    assert checks() == (
        Check("database", True, "It answers."),
        Check("types", True, "2 loaded at 2026-03-04 05:06:07 UTC."),
        Check("supervisor", True, "It gave a sign of life 0.0 s ago, at node1:/run."),
    )


@pytest.mark.parametrize(("seconds", "fresh"), [(FRESH - 1, True), (FRESH + 1, False)])
def test_a_supervisor_that_gives_no_sign_of_life_is_none(
    supervised: Any, loaded: None, seconds: float, fresh: bool
) -> None:
    supervised(seconds)
    assert checks()[2] == Check("supervisor", fresh, f"It gave a sign of life {seconds:.1f} s ago, at node1:/run.")


def test_nor_is_one_that_has_given_the_lease_back(loaded: None) -> None:
    assert checks()[2] == Check("supervisor", False, "Nobody supervises.")
    Lease.load()
    assert checks()[2] == Check("supervisor", False, "Nobody supervises.")


def test_before_the_sessions_file_is_loaded_there_are_no_types(supervised: Any, db: None) -> None:
    assert checks()[1] == Check("types", False, "The sessions file has not been loaded.")


def unreadable() -> None:
    problem = Problem("/srv/sessions.json", None, (), "no such file", "it", "create it", Code.FILE_MISSING)
    broken = replace(problem, entry="Desktop", code=Code.SCRIPT_MISSING)
    Site.objects.update(problems=[problem.as_dict(), broken.as_dict()])


def test_a_sessions_file_that_cannot_be_read_is_no_trouble_while_types_of_before_serve(
    supervised: Any, loaded: None
) -> None:
    unreadable()
    assert checks()[1] == Check("types", True, "1 loaded at 2026-03-04 05:06:07 UTC.")


def test_it_is_one_when_nothing_serves(supervised: Any, loaded: None) -> None:
    unreadable()
    SessionType.objects.filter(name="Pattern").delete()
    expected = "The sessions file cannot be read, and nothing is left of one before."
    assert checks()[1] == Check("types", False, expected)


def test_a_database_that_does_not_answer_is_told(supervised: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_arguments: Any, **_keywords: Any) -> Any:
        raise OperationalError("database is locked")

    monkeypatch.setattr(Site.objects, "values_list", fails)
    assert checks()[:2] == (
        Check("database", False, "database is locked"),
        Check("types", False, "The database does not answer."),
    )


def test_a_channel_layer_that_cannot_be_reached_is_told(supervised: Any, loaded: None, settings: Any) -> None:
    settings.CHANNEL_LAYERS = {"default": {"CONFIG": {"hosts": ["nonsense"]}}}
    found = checks()[3]
    assert (found.name, found.ok) == ("channel layer", False)
    assert found.detail.startswith("the channel layer of CHANNEL_LAYER_URL cannot be reached: ")


# ---- in a crew -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("told", "said"), [(ANSWERS, "It answers."), (None, "It does not answer.")])
def test_without_the_relays_process_there_are_no_screens(
    supervised: Any,
    loaded: None,
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    told: str | None,
    said: str,
) -> None:
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, crew=Crew(1, tmp_path))
    monkeypatch.setattr(readiness, "ask", {tmp_path / "figures" / "relay": told}.__getitem__)
    assert checks()[3:] == (Check("relay", told is not None, said),)
