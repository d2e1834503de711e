"""What the database says."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any, NamedTuple

from remote_service.endpoints import Endpoint
from remote_service.states import FINAL, State
from tests.crash.site import CrashSite, uuid_text


class Row(NamedTuple):
    """A session as it is stored."""

    id: str
    type_name: str
    index: int
    state: State
    wanted: str
    end_reason: str
    end_detail: str
    token_hash: str
    endpoint: Endpoint | None
    unknown: bool
    quarantined: bool

    @property
    def over(self) -> bool:
        """Whether it has ended or failed."""
        return self.state in FINAL

    def __str__(self) -> str:
        why = f", {self.end_reason} {self.end_detail}".rstrip() if self.end_reason else ""
        return f"{self.id} ({self.type_name} #{self.index}, {self.state}{why})"


class Step(NamedTuple):
    """A transition as history has it."""

    what: str
    begin: str
    end: str


def rows(site: CrashSite) -> dict[str, Row]:
    """All sessions there ever were, by id."""
    found = site.query(
        'SELECT id, type_name, "index", state, wanted, end_reason, end_detail, token_hash, stored_endpoint, '
        "unknown_since, quarantined FROM remote_service_session"
    )
    made = [
        Row(
            uuid_text(id_), type_name, index, State(state), wanted, reason, detail, token_hash, _endpoint(endpoint),
            unknown is not None, bool(quarantined),
        )
        for id_, type_name, index, state, wanted, reason, detail, token_hash, endpoint, unknown, quarantined in found
    ]  # fmt: skip
    return {row.id: row for row in made}


def history(site: CrashSite) -> dict[str, list[Step]]:
    """The transitions of every session, in their order."""
    found: dict[str, list[Step]] = defaultdict(list)
    for session, *step in site.query(
        "SELECT session_id, what, from_state, to_state FROM remote_service_sessionevent "
        "WHERE session_id IS NOT NULL AND to_state <> '' ORDER BY id"
    ):
        found[uuid_text(session)].append(Step(*step))
    return found


def _endpoint(stored: Any) -> Endpoint | None:
    told = json.loads(stored) if isinstance(stored, str) else stored
    return None if told is None else Endpoint.from_dict(told)
