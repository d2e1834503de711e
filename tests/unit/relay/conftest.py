"""What the tests of the relay share: a site with one type, and reservations in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from remote_service.actors import Actor
from remote_service.models import Session
from remote_service.reservations import Reservation, reserve_for_rest, reserve_for_user
from remote_service.states import State


@pytest.fixture
def reserve(gateway_settings: Any, make_type: Callable[..., Any]) -> Callable[..., Reservation]:
    """Reserves a slot: for a user, or without one for a client of the stand-alone REST."""
    make_type("Pattern", count=5)

    def for_whom(user: Any = None) -> Reservation:
        if user is None:
            return reserve_for_rest("Pattern", {"size": "800x600"}, Actor("", "10.0.0.1", "rest"))
        return reserve_for_user("Pattern", user, {"size": "800x600"}, Actor(user.username, "10.0.0.2", "web"))

    return for_whom


@pytest.fixture
def put(db: None) -> Callable[..., Session]:
    """Puts a session's row as the supervisor would have left it."""

    def into(session: Session, state: State, **columns: Any) -> Session:
        Session.objects.filter(pk=session.pk).update(state=state, **columns)
        session.refresh_from_db()
        return session

    return into
