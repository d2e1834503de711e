"""The first release's writes on the database as this one has prepared it, in SQLite and in PostgreSQL.

Both work side by side while a site is brought up to date. What it wrote is played: rows with the columns that it knew.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import connection

from remote_service import observations
from remote_service.ages import Ages
from remote_service.decisions import Runner
from remote_service.models import Gateway, Guest, Session, SessionType, ShareHolder, Viewer
from remote_service.states import State
from tests.integration.faults.services import Postgres
from tests.integration.faults.site import TEMPLATE

GATEWAY, SESSION, SHARE, GUEST = (uuid.UUID(int=number).hex for number in range(4))
NOON = "2026-11-22 12:00:00+00:00"
LIMITS = {
    "reservation_timeout": 300.0, "start_timeout": 60.0, "linger": 15.0, "reconnect": 900.0, "idle_timeout": None,
    "max_lifetime": None, "most_lifetime": None, "per_user": None,
}  # fmt: skip
POLICY = dict.fromkeys(("view_only", "no_clipboard_in", "no_clipboard_out", "no_resize"), False) | {
    "max_updates_per_second": None
}
DEFINITION = {
    "name": "Desktop", "script": "desktop.py", "count": 2, "options": {}, "description": "", "icon": None,
    "category": None, "form": [], "limits": LIMITS, "on_last_disconnect": None, "stream": "rfb",
    "viewer_policy": POLICY, "rest": True, "share": "group",
}  # fmt: skip

Execute = Callable[[str, Sequence[Any]], Any]

ROWS: dict[str, dict[str, Any]] = {
    "remote_service_gateway": {"id": GATEWAY, "started_at": NOON, "beats": 0},
    "remote_service_sessiontype": {
        "name": "Desktop", "position": 0, "on_last_disconnect": "stop", "stored_definition": json.dumps(DEFINITION),
    },
    "remote_service_session": {
        "id": SESSION, "type_name": "Desktop", "index": 0, "wall": None, "tile": 0, "state": "reserved",
        "state_since": NOON, "wanted": "start", "wanted_reason": "", "wanted_detail": "", "quarantined": False,
        "end_reason": "", "end_detail": "", "owner_id": None, "username": "alice", "title": "", "host": "",
        "door": "web", "options": "{}", "stored_limits": json.dumps(LIMITS),
        "stored_viewer_policy": json.dumps(POLICY), "on_last_disconnect": "stop", "stream": "rfb",
        "type_hosts": "[]", "extension": 0.0, "unprotected": False, "token_hash": "hash", "sealed_token": "sealed",
        "stored_endpoint": None, "sealed_script_state": "", "sealed_password": "", "progress": "",
        "unknown_since": None, "unknown_reason": "", "near_end": "", "ends_at": None, "created_at": NOON,
        "running_at": None, "ended_at": None, "last_input_at": None,
    },
    "remote_service_sessionevent": {
        "session_id": SESSION, "at": NOON, "what": "reserved", "from_state": "", "to_state": "", "why": "",
        "who": "alice", "address": "192.0.2.7", "door": "web", "type_name": "Desktop",
    },
    "remote_service_guest": {
        "id": GUEST, "session_id": SESSION, "browser_hash": "hash", "name": "Bob", "came_at": NOON,
    },
    "remote_service_share": {
        "id": SHARE, "session_id": SESSION, "secret_hash": "hash", "control": False, "audience": "guests",
        "user_id": None, "group_id": None, "made_at": NOON, "expires_at": NOON, "most_uses": None, "uses": 1,
        "revoked_at": None,
    },
    "remote_service_shareholder": {"share_id": SHARE, "user_id": None, "guest_id": GUEST, "accepted_at": NOON},
    "remote_service_viewer": {
        "session_id": SESSION, "gateway_id": GATEWAY, "user_id": None, "guest_id": GUEST, "address": "192.0.2.7",
        "opened_at": NOON, "ending": "", "superseded": False,
    },
    "remote_service_stafflook": {"session_id": SESSION, "reason": "A call.", "at": NOON},
    "remote_service_drain": {"kind": "type", "name": "Desktop", "text": "", "since": NOON},
    "remote_service_announcement": {"text": "Hello.", "level": "info", "shown_from": NOON, "shown_until": None},
}  # fmt: skip
"""By table; its statements name these columns alone, as Django's do."""
CHANGES = (
    f"UPDATE remote_service_session SET state = 'running', state_since = '{NOON}', running_at = '{NOON}'",
    f"UPDATE remote_service_viewer SET closed_at = '{NOON}', ending = 'cut'",
    "UPDATE remote_service_gateway SET beats = beats + 1",
)


def play(execute: Execute, user: int) -> None:
    """Writes as the first release did."""
    for table, row in ROWS.items():
        values = {**row, "user_id": user} if table == "remote_service_stafflook" else row
        columns = ", ".join(f'"{column}"' for column in values)
        execute(f"INSERT INTO {table} ({columns}) VALUES ({', '.join(['%s'] * len(values))})", list(values.values()))
    for change in CHANGES:
        execute(change, [])


@pytest.mark.django_db
def test_this_release_reads_what_the_first_one_writes(django_user_model: Any) -> None:
    user = django_user_model.objects.create(username="staff")
    with connection.cursor() as cursor:
        play(cursor.execute, user.pk)

    session, viewer = Session.objects.get(), Viewer.objects.get()
    assert (session.programs, session.runner_place, session.runner_boot) == ([], "", "")
    assert (session.limits.reconnect, session.limits.memory, session.viewer_policy.view_only) == (900.0, None, False)
    assert SessionType.objects.get().definition.count == 2
    assert (viewer.ending, viewer.close_code, viewer.guest) == ("cut", None, Guest.objects.get())
    assert ShareHolder.objects.get().own_control is None
    assert Gateway.objects.get().beats == 1
    look = observations.look()
    ages = Ages()
    ages.look(0.0, look.at)
    known = observations.known(look.sessions[0], look.viewers[str(session.pk)], ages, None, runner=Runner.UNSEEN)
    assert (known.state, len(known.departures)) == (State.RUNNING, 1)


@pytest.mark.usefixtures("postgres_template")
def test_a_postgresql_that_this_release_has_prepared_takes_them(postgres: Postgres) -> None:
    database = f"first_{uuid.uuid4().hex[:8]}"
    postgres.create(database, TEMPLATE)
    with postgres.connect(database) as rows:
        ((user,),) = rows.execute("SELECT id FROM auth_user WHERE username = 'staff'").fetchall()
        assert isinstance(user, int)
        play(lambda sql, values: rows.execute(sql.encode(), values), user)
        found = rows.execute("SELECT programs, runner_place, runner_boot FROM remote_service_session").fetchall()
    assert found == [([], "", "")]
