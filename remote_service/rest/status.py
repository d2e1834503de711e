"""What `/v1/status` says: every slot of every type, no token."""

from __future__ import annotations

from collections import Counter
from typing import Any

from remote_service.models import Session, SessionType, Viewer


def status_document() -> dict[str, Any]:
    """The document of `/v1/status` (design, section 10); three queries whatever the number of sessions."""
    holding = {(s.type_name, s.index): s for s in Session.objects.holding_slots().filter(tile=0)}
    open_viewers = Counter(
        Viewer.objects.filter(closed_at=None, session__in=[s.pk for s in holding.values()]).values_list(
            "session_id", flat=True
        )
    )
    return {"services": {found.name: _service(found, holding, open_viewers) for found in SessionType.objects.all()}}


def _service(
    session_type: SessionType, holding: dict[tuple[str, int], Session], viewers: Counter[Any]
) -> dict[str, Any]:
    definition = session_type.definition
    instances = [
        _instance(index, holding.get((session_type.name, index)), viewers) for index in range(definition.count)
    ]
    return {
        "count": definition.count,
        "free": sum(instance["state"] == "free" for instance in instances),
        "group": None if definition.groups is None else list(definition.groups),
        "file_ext": list(definition.file_ext),
        "instances": instances,
    }


def _instance(index: int, session: Session | None, viewers: Counter[Any]) -> dict[str, Any]:
    if session is None:
        return {"index": index, "state": "free", "since": None, "viewers": 0}
    return {
        "index": index,
        "state": "quarantined" if session.quarantined and session.over else session.state,
        "since": session.state_since.isoformat(),
        "viewers": viewers[session.pk],
    }
