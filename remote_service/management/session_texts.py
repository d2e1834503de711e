"""What `manage.py sessions` prints for people: tables, and a session with its viewers and its history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from remote_service.relay.closing import SENT_AWAY
from remote_service.states import FINAL
from remote_service.tables import one_line, table

Record = Mapping[str, Any]


def when(at: datetime | None) -> str:
    """A moment, in UTC as all of the commands' times."""
    return "" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def list_lines(records: Iterable[Record], width: int | None) -> Iterator[str]:
    """A table of sessions, a line each."""
    header = ("REFERENCE", "STATE", "SINCE (UTC)", "USER", "TYPE", "SLOT", "VIEWERS", "REMARK")
    rows = [
        (r["reference"], r["state"], when(r["since"]), r["user"], r["type"], r["slot"], r["viewers"], remark(r))
        for r in records
    ]
    return table(header, rows, width, cut=True)


def remark(record: Record) -> str:
    """What is special about a session."""
    found = []
    if record["unknown_since"] is not None and record["state"] not in FINAL:
        found.append(f"not known since {when(record['unknown_since'])} whether it lives: {record['unknown_reason']}")
    if record["wanted"] == "stop":
        found.append("its end was asked for")
    if record["quarantined"]:
        found.append("its slot is in quarantine")
    return "; ".join([*found, record["ending"]] if record["ending"] else found)


def quarantine_lines(records: Iterable[Record], width: int | None) -> Iterator[str]:
    """A table of the slots in quarantine."""
    header = ("REFERENCE", "TYPE", "SLOT", "USER", "SINCE (UTC)", "WHY")
    rows = [(r["reference"], r["type"], r["slot"], r["user"], when(r["since"]), r["why"]) for r in records]
    return table(header, rows, width)


def session_lines(
    record: Record, viewers: Iterable[Record], history: Iterable[Record], width: int | None
) -> Iterator[str]:
    """All of a session."""
    named = [(f"{name.replace('_', ' ')}:", _value(value)) for name, value in record.items() if _says_something(value)]
    yield from list(table(("", ""), named, width))[1:]
    yield from ("", "Viewers")
    header = ("CAME (UTC)", "LEFT (UTC)", "HOW", "SENT", "RECEIVED", "FROM", "WHO")
    yield from table(header, map(_viewer, viewers), width)
    yield from ("", "History")
    yield from table(("TIME (UTC)", "WHAT", "WHO", "FROM", "WHY"), map(_happening, history), width)


def _says_something(value: object) -> bool:
    # Slots are counted from 0, and nobody looking is worth a line; time that nobody gave is not.
    return type(value) is int or bool(value)


def _value(value: object) -> str:
    if isinstance(value, datetime):
        return f"{when(value)} UTC"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={inner}" for name, inner in value.items() if inner is not None)
    return "yes" if value is True else str(value)


def _viewer(viewer: Record) -> tuple[object, ...]:
    code = viewer["close_code"]
    how = (viewer["ending"] or "looks") if code is None else f"{SENT_AWAY.get(code, 'sent away')} ({code})"
    moments = when(viewer["opened_at"]), when(viewer["closed_at"])
    return (*moments, how, viewer["bytes_down"], viewer["bytes_up"], viewer["address"], viewer["who"])


def _happening(event: Record) -> tuple[object, ...]:
    moved = f" ({event['from']} -> {event['to']})" if event["to"] else ""
    where = " ".join(filter(None, (event["door"], event["address"])))
    return when(event["at"]), f"{event['what']}{moved}", event["who"], where, event["why"]


def called(record: Record) -> str:
    """A session in a sentence."""
    of = f" of {one_line(record['user'])}" if record["user"] else ""
    return f"{record['reference']} ({one_line(record['type'])}{of})"
