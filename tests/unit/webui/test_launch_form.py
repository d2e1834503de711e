"""Tests of the launch form as the page shows it."""

from __future__ import annotations

import json
from typing import Any

from remote_service.config.schema import SessionType
from webui.launch_form import LaunchForm, ShownField, launch_form

FORM = [
    {"name": "mode", "type": "choice", "choices": ["interactive", "batch"]},
    {"name": "cores", "type": "number", "min": 1, "max": 64, "default": 4, "show_if": {"mode": "batch", "gpu": [True]}},
    {"name": "memory", "type": "number", "unit": "GB", "help": "Per core."},
    {"name": "title", "type": "text", "max": 40},
    {"name": "note", "type": "text", "min": 3},
    {"name": "gpu", "type": "checkbox", "default": True},
]


def definition(**keys: Any) -> SessionType:
    entry = {"name": "Simulation", "script": "a.py", "count": 1, "options": {"sizes": ["1x1", "2x2"]}, "form": FORM}
    return SessionType.model_validate({**entry, **keys})


def form(entered: dict[str, str] | None = None, errors: dict[str, str] | None = None) -> LaunchForm:
    return launch_form(definition(), "type-7", entered or {}, errors or {})


def field(name: str, **given: Any) -> ShownField:
    return next(shown for shown in form(**given).fields if shown.field.name == name)


def test_it_begins_with_the_defaults() -> None:
    assert form().size == "1x1"
    assert {shown.field.name: shown.value for shown in form().fields} == {
        "mode": "interactive", "cores": "4", "memory": "", "title": "", "note": "", "gpu": "true",
    }  # fmt: skip


def test_it_keeps_what_was_entered() -> None:
    shown = form({"size": "2x2", "cores": "999", "title": "<b>mine</b>", "gpu": "false"})
    assert shown.size == "2x2"
    assert [one.value for one in shown.fields] == ["interactive", "999", "", "<b>mine</b>", "", "false"]
    assert not shown.fields[5].checked


def test_a_size_that_is_not_in_the_menu_is_not_kept() -> None:
    assert form({"size": "9x9"}).size == "1x1"


def test_names_are_prefixed_so_that_a_field_may_be_called_type() -> None:
    assert field("mode").html_name == "field-mode"
    assert field("mode").id == "type-7-field-mode"


def test_only_what_cannot_be_empty_is_required() -> None:
    assert {shown.field.name for shown in form().fields if shown.required} == {"memory", "note"}


def test_bounds_become_attributes() -> None:
    assert (field("cores").low, field("cores").high) == ("1", "64")
    assert (field("memory").low, field("memory").high) == ("", "")
    assert (field("title").low, field("title").high) == ("", "40")
    assert (field("note").low, field("note").high) == ("3", "256")


def test_conditions_reach_the_script_as_texts() -> None:
    assert json.loads(field("cores").condition) == {"mode": ["batch"], "gpu": ["true"]}
    assert field("mode").condition == ""


def test_help_and_message_describe_the_field() -> None:
    assert field("title").described_by == ""
    assert field("memory").described_by == "type-7-field-memory-help"
    wrong = {"errors": {"memory": "Memory: wrong.", "title": "Title: wrong."}}
    assert field("memory", **wrong).described_by == "type-7-field-memory-help type-7-field-memory-error"
    assert field("title", **wrong).described_by == "type-7-field-title-error"


def test_the_title_stands_in_the_form_with_what_is_wrong_with_it() -> None:
    shown = launch_form(definition(), "type-7", {}, {}, title="<mine>", title_error="Too long.")
    assert (shown.title, shown.title_error, shown.most_title) == ("<mine>", "Too long.", 80)


def test_a_unit_that_the_label_says_already_is_not_said_again() -> None:
    fields = [{"name": "cores", "type": "number", "unit": "Cores"}, {"name": "memory", "type": "number", "unit": "GB"}]
    shown = launch_form(definition(form=fields), "type-7", {}, {}).fields
    assert [one.unit for one in shown] == ["", "GB"]
