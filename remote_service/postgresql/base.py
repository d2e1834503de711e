"""The backend itself; where Django looks for it."""

from __future__ import annotations

import time
from collections.abc import Generator
from types import SimpleNamespace
from typing import Any, TypeVar

import psycopg
from django.db import OperationalError
from django.db.backends.postgresql import base

from remote_service.postgresql.patience import LAST_ANSWERS, PATIENCE

T = TypeVar("T")


class Connection(psycopg.Connection[Any]):
    """One that is closed when the server has not answered in time."""

    answer_timeout: float | None = None
    """Seconds for each answer; None: as long as it takes."""

    def wait(self, gen: Any, *args: Any, **kwargs: Any) -> Any:
        """Waits for an answer.

        Raises:
            psycopg.OperationalError: there was none.
        """
        return super().wait(gen if self.answer_timeout is None else self._bounded(gen), *args, **kwargs)

    def _bounded(self, gen: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        """The same conversation with the server; psycopg speaks up in it several times a second."""
        assert self.answer_timeout is not None
        began = time.monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and PATIENCE.over(began, self.answer_timeout):
                    break
                wanted = gen.send(ready)
        except StopIteration as end:
            result: T = end.value
            return result
        PATIENCE.waited_for_nothing()
        self.close()
        raise psycopg.OperationalError(f"no answer within {time.monotonic() - began:.0f} s; the connection is given up")


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, with such connections. `OPTIONS` may have `answer_timeout`, in seconds; 0: as long as it takes."""

    # Its own functions make connections by this name, and find the classes of errors in it.
    Database = SimpleNamespace(**{**vars(psycopg), "connect": Connection.connect})  # type: ignore[assignment]

    def get_connection_params(self) -> dict[str, Any]:
        """What libpq is told."""
        params: dict[str, Any] = super().get_connection_params()
        params.pop("answer_timeout", None)
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connects.

        Raises:
            OperationalError: somebody has just waited for nothing, or a parameter is none of libpq's.
            psycopg.OperationalError: it cannot be reached, or does not answer.
        """
        if PATIENCE.exhausted:
            raise OperationalError("it did not answer just now, and is asked again in a moment")
        if PATIENCE.ending:
            conn_params = {**conn_params, "connect_timeout": int(LAST_ANSWERS)}
        try:
            connection = super().get_new_connection(conn_params)
        except psycopg.errors.ConnectionTimeout:
            PATIENCE.waited_for_nothing()
            raise
        except psycopg.ProgrammingError as error:
            raise OperationalError(f"DATABASE_URL cannot be used: {error}") from error
        PATIENCE.answered()
        connection.answer_timeout = self.settings_dict["OPTIONS"].get("answer_timeout") or None
        return connection

    def wait_for_ever(self) -> None:
        """Lets what follows on the connection take as long as it takes: changes of tables do."""
        with self.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
            cursor.execute("SET lock_timeout = 0")
        self.connection.answer_timeout = None
