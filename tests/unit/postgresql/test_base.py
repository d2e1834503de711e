"""Connections that wait for an answer only so long. With a real server: tests/integration/faults."""

from __future__ import annotations

import types
from collections.abc import Generator
from typing import Any, cast

import psycopg
import pytest
from django.db import OperationalError
from django.db.backends.postgresql import base as django_base

from remote_service.postgresql import base
from remote_service.postgresql.base import Connection, DatabaseWrapper
from remote_service.postgresql.patience import Patience
from sessions_config.addresses import database


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> Patience:
    made = Patience()
    monkeypatch.setattr(base, "PATIENCE", made)
    return made


class Played:
    """Stands for a connection."""

    def __init__(self, answer_timeout: float) -> None:
        self.answer_timeout = answer_timeout
        self.closed = False

    def close(self) -> None:
        self.closed = True


def conversation() -> Generator[str, int, str]:
    """Asks to read until it is told that there is something."""
    while not (yield "read"):
        pass
    return "a row"


def bounded(played: Played) -> Generator[str, int, str]:
    return Connection._bounded(cast(Any, played), conversation())


def test_an_answer_is_passed_on(patience: Patience) -> None:
    played = Played(answer_timeout=60.0)
    talk = bounded(played)
    assert [next(talk), talk.send(0), talk.send(0)] == ["read"] * 3
    with pytest.raises(StopIteration) as end:
        talk.send(1)
    assert (end.value.value, played.closed, patience.exhausted) == ("a row", False, False)


def test_who_does_not_answer_in_time_is_hung_up_on(patience: Patience) -> None:
    played = Played(answer_timeout=0.0)
    talk = bounded(played)
    assert next(talk) == "read"
    with pytest.raises(psycopg.OperationalError, match=r"^no answer within 0 s; the connection is given up$"):
        talk.send(0)
    assert played.closed
    assert patience.exhausted


def test_what_has_come_in_time_counts_even_when_it_is_looked_at_late() -> None:
    talk = bounded(Played(answer_timeout=0.0))
    next(talk)
    with pytest.raises(StopIteration):
        talk.send(1)


@pytest.fixture
def wrapper() -> DatabaseWrapper:
    settings = {"ATOMIC_REQUESTS": False, "AUTOCOMMIT": True, "TIME_ZONE": None, "TEST": {}}
    return DatabaseWrapper(database("postgres://u:hush@db/name?sslmode=require") | settings, "default")


def test_the_client_library_is_told_its_own_parameters_only(wrapper: DatabaseWrapper) -> None:
    params = wrapper.get_connection_params()
    assert (params["connect_timeout"], params["tcp_user_timeout"], params["sslmode"]) == (4, 10_000, "require")
    assert "answer_timeout" not in params


def connecting(monkeypatch: pytest.MonkeyPatch, found: Any) -> list[dict[str, Any]]:
    """Has the next attempts to connect give this, or raise it; returns with what they were made."""
    asked: list[dict[str, Any]] = []

    def connect(_self: object, params: dict[str, Any]) -> Any:
        asked.append(params)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(django_base.DatabaseWrapper, "get_new_connection", connect)
    return asked


def test_a_connection_knows_how_long_it_waits(wrapper: DatabaseWrapper, monkeypatch: pytest.MonkeyPatch) -> None:
    connecting(monkeypatch, types.SimpleNamespace())
    assert wrapper.get_new_connection({"connect_timeout": 4}).answer_timeout == 12


def test_when_nobody_answers_the_next_one_does_not_wait(
    wrapper: DatabaseWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = connecting(monkeypatch, psycopg.errors.ConnectionTimeout("connection timeout expired"))
    with pytest.raises(psycopg.errors.ConnectionTimeout):
        wrapper.get_new_connection({"connect_timeout": 4})
    with pytest.raises(OperationalError, match=r"^it did not answer just now, and is asked again in a moment$"):
        wrapper.get_new_connection({"connect_timeout": 4})
    assert len(asked) == 1


def test_a_server_that_refuses_is_asked_again_at_once(
    wrapper: DatabaseWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = connecting(monkeypatch, psycopg.OperationalError("Connection refused"))
    for _ in range(2):
        with pytest.raises(psycopg.OperationalError, match=r"^Connection refused$"):
            wrapper.get_new_connection({"connect_timeout": 4})
    assert len(asked) == 2


def test_a_process_that_ends_waits_less_for_a_connection(
    wrapper: DatabaseWrapper, monkeypatch: pytest.MonkeyPatch, patience: Patience
) -> None:
    asked = connecting(monkeypatch, types.SimpleNamespace())
    patience.hurry()
    wrapper.get_new_connection({"connect_timeout": 4})
    assert asked == [{"connect_timeout": 2}]


def test_a_parameter_that_the_client_library_does_not_know_is_named(
    wrapper: DatabaseWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    connecting(monkeypatch, psycopg.ProgrammingError('invalid connection option "colour"'))
    with pytest.raises(OperationalError, match=r'^DATABASE_URL cannot be used: invalid connection option "colour"$'):
        wrapper.get_new_connection({})
