"""The keys of the sessions file: defaults and properties. Their errors: see test_entries."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from remote_service.config.schema import (
    DEFAULT_SIZES,
    FormField,
    KnownOptions,
    Limits,
    SessionType,
    ViewerPolicy,
)
from remote_service.config.values import Says, Strict, is_printable
from remote_service.rfb.policy import Policy

FLAGS = ("view_only", "no_clipboard_in", "no_clipboard_out", "no_resize")


def a_type(**changes: Any) -> SessionType:
    return SessionType.model_validate({"name": "Desktop", "script": "desktop.py", "count": 1, "options": {}, **changes})


def test_everything_but_script_count_and_options_has_a_default() -> None:
    plain = a_type()
    assert plain.model_dump(exclude={"name", "script", "count", "options", "limits"}) == {
        "description": "",
        "icon": None,
        "category": None,
        "form": (),
        "on_last_disconnect": None,
        "stream": "rfb",
        "viewer_policy": dict.fromkeys(FLAGS, False) | {"max_updates_per_second": None},
        "rest": True,
        "share": "group",
    }
    assert plain.limits.model_dump() == {
        "reservation_timeout": 300.0,
        "start_timeout": 60.0,
        "linger": 15.0,
        "reconnect": 900.0,
        "idle_timeout": None,
        "max_lifetime": None,
        "most_lifetime": None,
        "per_user": None,
    }


def test_a_viewer_policy_is_what_the_relay_enforces() -> None:
    assert a_type().viewer_policy.policy == Policy()
    for flag in FLAGS:
        assert a_type(viewer_policy={flag: True}).viewer_policy.policy == Policy(**{flag: True})  # type: ignore[arg-type]
    assert a_type(viewer_policy={"max_updates_per_second": 0.5}).viewer_policy.policy == Policy(
        max_updates_per_second=0.5
    )


def test_options_are_kept_unchanged() -> None:
    options = {"z": [1, {"y": None}], "sizes": ["a"], "display_base": 100, "Größe": 1.5}
    kept = a_type(options=options).options
    assert kept == options
    assert list(kept) == ["z", "sizes", "display_base", "Größe"]


def test_without_sizes_there_is_the_default_menu() -> None:
    assert a_type().sizes == DEFAULT_SIZES
    assert DEFAULT_SIZES[0] == "1600x1200"
    assert a_type(options={"sizes": ["12080x1024", "big"]}).sizes == ("12080x1024", "big")


def test_a_group_may_be_one_name_or_several_or_none() -> None:
    assert a_type().groups is None
    assert a_type(options={"group": "Cluster"}).groups == ("Cluster",)
    assert a_type(options={"group": ["Cluster", "Staff"]}).groups == ("Cluster", "Staff")


def test_file_extensions_may_be_one_or_several_or_none() -> None:
    assert a_type().file_ext == ()
    assert a_type(options={"file_ext": "case"}).file_ext == ("case",)
    assert a_type(options={"file_ext": ["case", "encas"]}).file_ext == ("case", "encas")
    assert a_type(options={"file_ext": []}).file_ext == ()


def test_limits_may_be_zero_decimal_or_none() -> None:
    limits = a_type(limits={"linger": 0, "reconnect": 0.5, "start_timeout": None, "per_user": 3}).limits
    assert (limits.linger, limits.reconnect, limits.start_timeout, limits.per_user) == (0.0, 0.5, None, 3)


def test_a_field_is_called_by_its_name_unless_it_has_a_label() -> None:
    assert FormField.model_validate({"name": "cores", "type": "number"}).label == "cores"
    assert FormField.model_validate({"name": "cores", "type": "number", "label": "Cores"}).label == "Cores"


def test_conditions_are_tuples() -> None:
    field = FormField.model_validate({"name": "a", "type": "text", "show_if": {"b": 1, "c": ["x", True]}})
    assert field.conditions == {"b": (1,), "c": ("x", True)}


def test_a_session_type_survives_being_stored_as_json() -> None:
    full = a_type(
        options={"group": "a", "own": [1.5, None]},
        form=[
            {"name": "a", "type": "text"},
            {"name": "b", "type": "number", "min": 1, "default": 2, "show_if": {"a": ["x"]}},
            {"name": "c", "type": "choice", "choices": ["x"]},
            {"name": "d", "type": "checkbox"},
        ],
        limits={"linger": 0, "per_user": 1},
    )
    for session_type in (full, a_type()):
        stored = json.dumps(session_type.model_dump(mode="json"))
        assert SessionType.model_validate(json.loads(stored)) == session_type


def test_a_session_type_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        a_type().count = 5


@pytest.mark.parametrize(
    ("text", "answer"), [("a", True), ("a b", True), ("é", True), ("", False), ("  ", False), ("a\n", False)]
)
def test_printable_text_shows_something_on_one_line(text: str, answer: bool) -> None:
    assert is_printable(text) is answer


@pytest.mark.parametrize("model", [SessionType, KnownOptions, Limits, FormField])
def test_every_key_has_words_for_its_errors_and_a_sample_that_is_right(model: type[BaseModel]) -> None:
    for key, field in model.model_fields.items():
        if model is SessionType and key == "name":
            continue
        (says,) = [part for part in field.metadata if isinstance(part, Says)]
        others: dict[str, Any] = {"name": "a", "type": "number"} if model is FormField else {}
        if model is SessionType:
            others = {"name": "a", "script": "a.py", "count": 1, "options": {}}
        if model is KnownOptions:
            others = {"sizes": ["1x1"]}
        assert model.model_validate({**others, key: json.loads(says.sample)})


def test_memory_is_bytes_and_may_be_written_with_a_unit() -> None:
    limits = a_type(limits={"memory": "8G", "cpus": 2, "tasks": 500}).limits
    assert (limits.memory, limits.cpus, limits.tasks) == (8 * 2**30, 2.0, 500)
    assert a_type(limits={"memory": 2**30}).limits.memory == 2**30
    # As a row keeps it.
    assert Limits.model_validate(limits.model_dump(mode="json")) == limits


@pytest.mark.parametrize(
    "wrong", [{"memory": "8"}, {"memory": 8}, {"memory": "much"}, {"memory": 1.5e9}, {"cpus": 0}, {"tasks": 7}]
)
def test_what_no_session_can_live_with_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        a_type(limits=wrong)


FIRST_KEYS = {
    SessionType: {
        "name", "script", "count", "options", "description", "icon", "category", "form", "limits",
        "on_last_disconnect", "stream", "viewer_policy", "rest", "share",
    },
    Limits: {
        "reservation_timeout", "start_timeout", "linger", "reconnect", "idle_timeout", "max_lifetime",
        "most_lifetime", "per_user",
    },
    ViewerPolicy: {"view_only", "no_clipboard_in", "no_clipboard_out", "no_resize", "max_updates_per_second"},
    FormField: {"name", "type", "label", "default", "choices", "min", "max", "unit", "help", "show_if"},
}  # fmt: skip
"""Those that the first release reads; a key that it does not know, it refuses in a row too."""


@pytest.mark.parametrize("model", FIRST_KEYS)
def test_a_key_that_came_later_is_stored_only_where_somebody_uses_it(model: type[Strict]) -> None:
    later = set(model.model_fields) - FIRST_KEYS[model]  # type: ignore[index]
    assert later == model.LATER_KEYS, f"list what is new of {model.__name__} in its LATER_KEYS; its default is None"
    assert [model.model_fields[key].default for key in later] == [None] * len(later)


def test_what_is_stored_has_the_keys_of_the_first_release_until_others_are_used() -> None:
    stored = a_type().to_store()
    assert set(stored) == FIRST_KEYS[SessionType]
    assert set(stored["limits"]) == FIRST_KEYS[Limits]
    limits = a_type(limits={"tasks": 500}).limits
    assert Limits.from_stored(limits.to_store()) == limits


def test_what_a_later_release_has_stored_besides_is_none_of_ours() -> None:
    ours = a_type(limits={"linger": 3})
    stored = ours.to_store()
    stored |= {"colour": "blue", "limits": {**stored["limits"], "disk": 5}}
    assert SessionType.from_stored(stored) == ours
