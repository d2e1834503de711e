"""Whether sessions can be launched here: what `/readyz` asks."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from remote_service import channel_layer, conf
from remote_service.config.problems import Problem, file_unusable
from remote_service.crew import names
from remote_service.models import Lease, SessionType, Site
from remote_service.monitoring.siblings import ask
from remote_service.oversight import FRESH


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be so; what is told of it is for staff."""

    name: str
    ok: bool
    detail: str


def checks() -> tuple[Check, ...]:
    """All of them."""
    return (*_database_and_types(), _supervisor(), *_channel_layer(), *_relay())


def _channel_layer() -> tuple[Check, ...]:
    """Without it changes are seen a second late: sessions go on, and somebody should look."""
    if channel_layer.address(settings.CHANNEL_LAYERS) is None:
        return ()
    trouble = channel_layer.trouble()
    return (Check("channel layer", not trouble, trouble or "It answers."),)


def _relay() -> tuple[Check, ...]:
    """Where it is a process of its own, without which there are no screens."""
    crew = conf.current().crew
    if crew is None:
        return ()
    told = ask(crew.figures / names.RELAY)
    return (Check("relay", told is not None, "It does not answer." if told is None else "It answers."),)


def _database_and_types() -> tuple[Check, Check]:
    try:
        loaded_at, found = Site.objects.values_list("loaded_at", "problems").filter(pk=1).first() or (None, [])
        problems = [Problem.from_dict(problem) for problem in found]
        # Of what was read before, some may be left that cannot be loaded again.
        count = SessionType.objects.exclude(name__in=[each.entry for each in problems if each.is_error]).count()
    except DatabaseError as error:
        return Check("database", False, str(error)), Check("types", False, "The database does not answer.")
    database = Check("database", True, "It answers.")
    if loaded_at is None:
        return database, Check("types", False, "The sessions file has not been loaded.")
    if not count and file_unusable(problems):
        return database, Check("types", False, "The sessions file cannot be read, and nothing is left of one before.")
    return database, Check("types", True, f"{count} loaded at {loaded_at:%Y-%m-%d %H:%M:%S} UTC.")


def _supervisor() -> Check:
    """Whichever process it is, on whichever machine: it renews its lease in the database."""
    try:
        lease = Lease.objects.filter(pk=1).first()
    except DatabaseError:
        return Check("supervisor", False, "The database does not answer.")
    if lease is None or not lease.holder:
        return Check("supervisor", False, "Nobody supervises.")
    # Less than nothing where the clock was set back since: then it has to give a new one, as after any silence.
    silent = (timezone.now() - lease.renewed_at).total_seconds()
    return Check("supervisor", abs(silent) <= FRESH, f"It gave a sign of life {silent:.1f} s ago, at {lease.place}.")
