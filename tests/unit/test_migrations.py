"""Releases on both sides of an upgrade work on one database: migrations only add what the earlier one does not notice.

What takes something away is a *contract*: it comes a release after the last one that needed it, and is listed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import NOT_PROVIDED, Field

APP = "remote_service"
FIRST_RELEASE = "0007_guests"
"""Up to this one nothing was released."""
CONTRACTS: dict[tuple[str, str], str] = {}
"""Migration and operation, as the failure names them: the first release that does not need what it takes away."""

HARMLESS = (
    migrations.CreateModel,
    migrations.AddIndex,
    migrations.RemoveIndex,
    migrations.RenameIndex,
    migrations.RemoveConstraint,
    migrations.AlterModelOptions,
    migrations.AlterModelManagers,
)


def breaches(operation: Operation, before: ProjectState, made: set[str]) -> Iterator[str]:
    """Why an earlier release could not go on.

    Args:
        operation: of a migration.
        before: the state before it.
        made: the models, in lower case, that the same migration has made: nobody else knows them.
    """
    if isinstance(operation, migrations.SeparateDatabaseAndState):
        for inner in operation.database_operations:
            yield from breaches(inner, before, made)
    elif isinstance(operation, HARMLESS) or str(getattr(operation, "model_name", "")).lower() in made:
        return
    elif isinstance(operation, migrations.AddField):
        yield from _of_new_column(operation.field)
    elif isinstance(operation, migrations.AlterField):
        was = before.models[APP, operation.model_name.lower()].fields[operation.name]
        yield from _of_changed_column(was, operation.field)
    elif isinstance(operation, (migrations.AddConstraint, migrations.AlterUniqueTogether)):
        yield "rows and writes of an earlier release may not fulfil it"
    elif isinstance(operation, (migrations.RunPython, migrations.RunSQL)):
        yield "nobody can tell from here what it does: show that an earlier release goes on"
    else:
        yield "an earlier release needs what it takes away or calls otherwise"


def _of_new_column(field: Field[Any, Any]) -> Iterator[str]:
    if not field.null and not field.many_to_many and field.db_default is NOT_PROVIDED:
        yield "an earlier release writes rows without it: give it a db_default, or null"
    if field.unique and not field.null:
        yield "two rows of an earlier release would have the same in it"


def _of_changed_column(was: Field[Any, Any], field: Field[Any, Any]) -> Iterator[str]:
    if was.get_internal_type() != field.get_internal_type():
        yield "an earlier release writes and reads another type"
    if was.null and not field.null:
        yield "an earlier release writes NULL"
    if was.db_default is not NOT_PROVIDED and field.db_default is NOT_PROVIDED and not field.null:
        yield "an earlier release writes rows without it, and needs its db_default"
    if field.max_length is not None and (was.max_length is None or was.max_length > field.max_length):
        yield "an earlier release writes longer texts"
    if field.unique and not was.unique:
        yield "an earlier release writes the same twice"


def all_breaches() -> dict[tuple[str, str], str]:
    """Those of all migrations since the first release, by migration and operation."""
    loader = MigrationLoader(None)
    found = {}
    for app, name in sorted(key for key in loader.disk_migrations if key[0] == APP and key[1] > FIRST_RELEASE):
        migration = loader.disk_migrations[app, name]
        state = loader.project_state(list(migration.dependencies))
        made = {each.name.lower() for each in migration.operations if isinstance(each, migrations.CreateModel)}
        for operation in migration.operations:
            for why in breaches(operation, state, made):
                found[name, operation.describe()] = why
            operation.state_forwards(APP, state)
    return found


def test_an_earlier_release_goes_on_whatever_migrations_have_done() -> None:
    found = all_breaches()
    wrong = [f"{name}: {what}: {why}" for (name, what), why in found.items() if (name, what) not in CONTRACTS]
    assert not wrong, "\n".join(
        [*wrong, "Add only, and take away a release later: then list it in CONTRACTS with the release that can do so."]
    )
    assert set(CONTRACTS) <= set(found), "CONTRACTS lists what no migration does"


def before() -> ProjectState:
    state = ProjectState()
    fields: list[tuple[str, Field[Any, Any]]] = [
        ("id", models.BigAutoField(primary_key=True)),
        ("name", models.CharField(max_length=20, db_default="")),
        ("maybe", models.IntegerField(null=True)),
    ]
    state.add_model(ModelState(APP, "Thing", fields))
    return state


def text(**keywords: Any) -> models.CharField[Any, Any]:
    return models.CharField(**{"max_length": 20, "db_default": "", **keywords})


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        (migrations.RemoveField("thing", "name"), "needs what it takes away"),
        (migrations.RenameField("thing", "name", "title"), "calls otherwise"),
        (migrations.DeleteModel("Thing"), "needs what it takes away"),
        (migrations.RenameModel("Thing", "Object"), "calls otherwise"),
        (migrations.AlterModelTable("Thing", "things"), "calls otherwise"),
        (migrations.AddField("thing", "more", models.IntegerField(default=0)), "give it a db_default"),
        (migrations.AddField("thing", "more", text(unique=True)), "two rows"),
        (migrations.AlterField("thing", "maybe", models.IntegerField(default=0)), "writes NULL"),
        (migrations.AlterField("thing", "maybe", models.TextField(null=True)), "another type"),
        (migrations.AlterField("thing", "name", models.CharField(max_length=20)), "needs its db_default"),
        (migrations.AlterField("thing", "name", text(max_length=10)), "longer texts"),
        (migrations.AlterField("thing", "name", text(unique=True)), "the same twice"),
        (migrations.AddConstraint("thing", models.UniqueConstraint(fields=["name"], name="one")), "not fulfil it"),
        (migrations.AlterUniqueTogether("thing", {("name", "maybe")}), "not fulfil it"),
        (migrations.RunSQL("DROP TABLE thing"), "show that"),
        (migrations.RunPython(migrations.RunPython.noop), "show that"),
        (migrations.SeparateDatabaseAndState([migrations.RemoveField("thing", "name")]), "needs what it takes away"),
    ],
)  # fmt: skip
def test_what_an_earlier_release_would_notice_is_found(operation: Operation, why: str) -> None:
    (found,) = breaches(operation, before(), set())
    assert why in found


@pytest.mark.parametrize(
    "operation",
    [
        migrations.AddField("thing", "more", models.IntegerField(default=0, db_default=0)),
        migrations.AddField("thing", "more", models.DateTimeField(null=True)),
        migrations.AlterField("thing", "name", text(max_length=30)),
        migrations.AlterField("thing", "name", text(choices=[("a", "a")])),
        migrations.AddIndex("thing", models.Index(fields=["name"], name="by_name")),
        migrations.AddConstraint("own", models.UniqueConstraint(fields=["name"], name="one")),
        migrations.CreateModel("Another", [("id", models.BigAutoField(primary_key=True))]),
    ],
)  # fmt: skip
def test_what_it_does_not_notice_may_be_done(operation: Operation) -> None:
    assert list(breaches(operation, before(), {"own"})) == []
