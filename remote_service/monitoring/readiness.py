"""Whether sessions can be launched here: what `/readyz` asks."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import DatabaseError

from remote_service import conf
from remote_service.crew import names
from remote_service.models import SessionType, Site
from remote_service.monitoring.pulse import SUPERVISOR
from remote_service.monitoring.siblings import ask

FRESH = 15.0
"""Seconds since the supervisor's last look within which it counts as alive; it looks every second."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be so; what is told of it is for staff."""

    name: str
    ok: bool
    detail: str


def checks() -> tuple[Check, ...]:
    """All of them."""
    return (*_database_and_types(), _supervisor(_looked()), *_relay())


def _relay() -> tuple[Check, ...]:
    """Where it is a process of its own, without which there are no screens."""
    crew = conf.current().crew
    if crew is None:
        return ()
    told = ask(crew.figures / names.RELAY)
    return (Check("relay", told is not None, "It does not answer." if told is None else "It answers."),)


def _looked() -> float | None:
    """Seconds since the supervisor's last look, which may be another process; None when nobody can tell."""
    crew = conf.current().crew
    if crew is None:
        return SUPERVISOR.age
    told = ask(crew.figures / names.SUPERVISOR)
    return None if told is None else told.looked


def _database_and_types() -> tuple[Check, Check]:
    try:
        loaded_at = Site.objects.values_list("loaded_at", flat=True).filter(pk=1).first()
        count = SessionType.objects.count()
    except DatabaseError as error:
        return Check("database", False, str(error)), Check("types", False, "The database does not answer.")
    database = Check("database", True, "It answers.")
    if loaded_at is None:
        return database, Check("types", False, "The sessions file has not been loaded.")
    return database, Check("types", True, f"{count} loaded at {loaded_at:%Y-%m-%d %H:%M:%S} UTC.")


def _supervisor(looked: float | None) -> Check:
    if looked is None:
        return Check("supervisor", False, "It has not looked at any session yet.")
    return Check("supervisor", looked <= FRESH, f"It looked {looked:.1f} s ago.")
