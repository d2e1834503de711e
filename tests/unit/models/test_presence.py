"""Viewers and the processes that hold them, as rows."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection

from remote_service.models import Gateway, Session, Viewer

pytestmark = pytest.mark.django_db
ID = uuid.UUID("6f9619ff-8b86-4d01-b42d-00cf4fc964ff")


def make_session(**fields: Any) -> Session:
    defaults = {"type_name": "Desktop", "index": 0, "door": "web", "token_hash": uuid.uuid4().hex}
    return Session.objects.create(**{**defaults, **fields})


def test_viewers_and_gateways_speak_of_themselves() -> None:
    session = make_session(id=ID)
    gateway = Gateway.objects.create(id=ID)
    viewer = Viewer.objects.create(session=session, gateway=gateway)
    assert str(gateway) == str(ID)
    assert str(viewer) == f"viewer {viewer.pk} of {ID}"
    assert (viewer.closed_at, viewer.ending, viewer.superseded) == (None, Viewer.Ending.OPEN, False)


def test_who_is_written_by_a_version_before_this_one_has_no_close_code() -> None:
    columns = "session_id, address, opened_at, ending, superseded"
    viewer = Viewer.objects.create(session=make_session())
    with connection.cursor() as rows:
        table = Viewer._meta.db_table
        rows.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table} WHERE id = %s", [viewer.pk])
    assert [found.close_code for found in Viewer.objects.all()] == [None, None]


def test_a_viewer_outlives_its_gateway() -> None:
    viewer = Viewer.objects.create(session=make_session(), gateway=Gateway.objects.create())
    Gateway.objects.all().delete()
    viewer.refresh_from_db()
    assert viewer.gateway is None
