"""One row by a key, and one new row, by SQL that is made once.

Django makes it anew at every use, which takes five times as long as SQLite needs to answer: too much where a
websocket is opened. What comes out is the model's usual instance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import Field, Model

AnyModel = TypeVar("AnyModel", bound=Model)
AnyField: TypeAlias = "Field[Any, Any]"


class _Query(NamedTuple):
    sql: str
    key: AnyField
    names: Sequence[str]
    convert: Sequence[tuple[int, Callable[[Any], Any]]]
    """By the column's number: what makes a value of Python of the database's."""


def find(model: type[AnyModel], key: str, value: Any, only: tuple[str, ...] = ()) -> AnyModel | None:
    """The row whose column `key`, which is unique, has this value; None when there is none.

    Args:
        model: what it is a row of.
        key: the column.
        value: the column's.
        only: the columns that are read at once, as with Django's `only`; all of them when none is named.

    Raises:
        django.core.exceptions.ValidationError: the value is none of that column's.
    """
    database = connections[DEFAULT_DB_ALIAS]
    query = _query(model, key, only, database.vendor)
    with database.cursor() as cursor:
        cursor.execute(query.sql, [query.key.get_db_prep_value(value, database)])
        row = cursor.fetchone()
    if row is None:
        return None
    values = list(row)
    for number, convert in query.convert:
        values[number] = convert(values[number])
    return model.from_db(DEFAULT_DB_ALIAS, query.names, values)


def insert(model: type[Model], **values: Any) -> Any:
    """Writes a new row, and returns its key. Columns that are not named get what the database gives them; no signal
    is sent.
    """
    database = connections[DEFAULT_DB_ALIAS]
    fields, sql, returns = _insertion(model, tuple(values), database.vendor)
    prepared = [f.get_db_prep_save(value, database) for f, value in zip(fields, values.values(), strict=True)]
    with database.cursor() as cursor:
        cursor.execute(sql, prepared)
        if returns:
            return cursor.fetchone()[0]
        return database.ops.last_insert_id(cursor, model._meta.db_table, _column(model._meta.pk))


@lru_cache(maxsize=64)
def _query(model: type[Model], key: str, only: tuple[str, ...], _vendor: str) -> _Query:
    quote = connection.ops.quote_name
    table = model._meta.db_table
    fields = [field for field in model._meta.concrete_fields if not only or field.attname in only]
    columns = ", ".join(quote(_column(field)) for field in fields)
    sql = f"SELECT {columns} FROM {quote(table)} WHERE {quote(_column(_field(model, key)))} = %s"
    convert = [(number, made) for number, field in enumerate(fields) if (made := _converter(field, table))]
    return _Query(sql, _field(model, key), [field.attname for field in fields], convert)


def _converter(field: AnyField, table: str) -> Callable[[Any], Any] | None:
    column = field.get_col(table)
    steps = [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]

    def convert(value: Any) -> Any:
        for step in steps:
            # The connection of whichever thread asks.
            value = step(value, column, connection)
        return value

    return convert if steps else None


@lru_cache(maxsize=64)
def _insertion(model: type[Model], names: Sequence[str], _vendor: str) -> tuple[Sequence[AnyField], str, bool]:
    quote = connection.ops.quote_name
    fields = [_field(model, name) for name in names]
    columns = ", ".join(quote(_column(field)) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    sql = f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES ({places})"
    returns = connection.features.can_return_columns_from_insert
    return fields, f"{sql} RETURNING {quote(_column(model._meta.pk))}" if returns else sql, returns


def _field(model: type[Model], name: str) -> AnyField:
    found = model._meta.get_field(name)
    assert isinstance(found, Field)
    return found


def _column(field: AnyField) -> str:
    assert field.column is not None, "it has no column"
    return field.column
