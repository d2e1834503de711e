"""Rows found and made by SQL that is made once are the rows that Django finds and makes."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.utils import timezone

from remote_service.models import Session, SessionEvent, Viewer
from remote_service.prepared import find, insert


@pytest.fixture
def session(make_type: Callable[..., Any], alice: Any) -> Session:
    return Session.objects.create(
        type_name="Über", index=3, door="web", owner=alice, token_hash="x" * 64, options={"size": "800x600"},
        running_at=timezone.now(), stored_endpoint={"kind": "unix", "path": "/run/x"},
    )  # fmt: skip


def columns(row: Any) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


@pytest.mark.parametrize("key", ["id", "token_hash"])
def test_a_row_is_found_as_django_finds_it(session: Session, key: str) -> None:
    found = find(Session, key, getattr(session, key))

    assert found == session
    assert columns(found) == columns(Session.objects.get())


def test_of_a_row_some_columns_may_do(session: Session, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        found = find(Session, "id", session.pk, ("id", "type_name", "options"))
        assert found is not None
        assert (found.pk, found.type_name, found.options) == (session.pk, "Über", {"size": "800x600"})
    with django_assert_num_queries(1):
        assert found.stored_endpoint == {"kind": "unix", "path": "/run/x"}


def test_it_can_be_saved_again(session: Session) -> None:
    found = find(Session, "id", session.pk)
    assert found is not None

    found.title = "Run 7"
    found.save()

    assert Session.objects.get().title == "Run 7"
    assert find(User, "id", session.owner_id) == found.owner


def test_it_takes_one_query(session: Session, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        find(Session, "id", session.pk)


@pytest.mark.parametrize(("key", "value"), [("id", uuid.uuid4()), ("token_hash", "y")])
def test_what_is_not_there_is_not_found(session: Session, key: str, value: Any) -> None:
    assert find(Session, key, value) is None


def test_what_is_no_key_is_told_so(session: Session) -> None:
    with pytest.raises(ValidationError, match="is not a valid UUID"):
        find(Session, "id", "x")


def test_a_new_row_gets_a_number_and_what_the_database_gives(session: Session) -> None:
    now = timezone.now()
    numbers = [
        insert(
            Viewer, session_id=session.pk, user_id=session.owner_id, gateway_id=None, address="192.0.2.7",
            opened_at=now, ending="", superseded=False,
        )
        for _ in range(2)
    ]  # fmt: skip

    first, second = Viewer.objects.order_by("pk")
    assert numbers == [first.pk, second.pk]
    assert (first.session, first.user, first.opened_at, first.closed_at, first.bytes_up) == (
        session, session.owner, now, None, 0,
    )  # fmt: skip


def test_a_row_that_lacks_something_is_refused(session: Session) -> None:
    with pytest.raises(IntegrityError):
        insert(SessionEvent, session_id=session.pk)
