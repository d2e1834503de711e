"""Lines of keys and items, and what `json` lets pass."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_service.config.locator import MAX_DEPTH, Oddity, OpenPart, locate
from remote_service.config.problems import Code, KeyPath

TEXT = """{
  "Desktop": {
    "script": "a:b{,",
    "options": {"sizes": [
      "1x1",
      {"deep":
        null}
    ]}
  },

  "Wall": {}, "Empty": [], "Next": 1
}"""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 1),
        (("Desktop",), 2),
        (("Desktop", "script"), 3),
        (("Desktop", "options"), 4),
        (("Desktop", "options", "sizes"), 4),
        (("Desktop", "options", "sizes", 0), 5),
        (("Desktop", "options", "sizes", 1), 6),
        (("Desktop", "options", "sizes", 1, "deep"), 6),
        (("Wall",), 11),
        (("Empty",), 11),
        (("Next",), 11),
    ],
)
def test_it_knows_the_line_of(path: KeyPath, line: int) -> None:
    assert locate(TEXT).lines[path] == line


def test_it_gives_the_line_of_the_nearest_part_around_what_is_missing() -> None:
    located = locate(TEXT)
    assert located.line_of(("Desktop", "count")) == 2
    assert located.line_of(("Desktop", "options", "sizes", 7, "x")) == 4
    assert located.line_of(("Nobody",)) == 1
    assert locate("").line_of(("Nobody",)) is None


def test_it_finds_duplicate_keys_at_any_depth() -> None:
    text = '{"A": {"x": 1,\n"y": {"z": 1,\n"z": 2, "z": 3}},\n"A": 2}'
    assert locate(text).oddities == [
        Oddity(("A", "y", "z"), 3, Code.DUPLICATE_KEY, '"z"', 2),
        Oddity(("A", "y", "z"), 3, Code.DUPLICATE_KEY, '"z"', 2),
        Oddity(("A",), 4, Code.DUPLICATE_KEY, '"A"', 1),
    ]


def test_equal_keys_that_are_written_differently_are_duplicates() -> None:
    assert locate('{"a": 1, "\\u0061": 2}').oddities == [Oddity(("a",), 1, Code.DUPLICATE_KEY, '"\\u0061"', 1)]


def test_equal_keys_in_different_objects_are_none() -> None:
    assert locate('{"a": {"a": [{"a": 1}, {"a": 1}]}}').oddities == []


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 400])
def test_it_finds_numbers_that_are_none(token: str) -> None:
    assert locate(f'{{"a": [1, {token}]}}').oddities == [Oddity(("a", 1), 1, Code.NUMBER_NOT_FINITE, token)]


@pytest.mark.parametrize("token", ["0", "-1.5e10", "true", "false", "null", "9" * 300])
def test_it_passes_sound_values(token: str) -> None:
    assert locate(f"[{token}]").oddities == []


def test_it_finds_half_characters_in_keys_and_texts() -> None:
    assert locate('{"a\\ud800": 1, "b": "\\udc00", "c": "\\ud83d\\ude00"}').oddities == [
        Oddity(("a\ud800",), 1, Code.TEXT_NOT_UNICODE, '"a\\ud800"'),
        Oddity(("b",), 1, Code.TEXT_NOT_UNICODE, '"\\udc00"'),
    ]


def test_it_says_what_is_open_at_the_end_of_a_part() -> None:
    parts = locate('{"A": {"list": [1,\n[2], {"x":').open_parts
    assert [(part.bracket, part.path, part.line) for part in parts] == [
        ("{", (), 1),
        ("{", ("A",), 1),
        ("[", ("A", "list"), 1),
        ("{", ("A", "list", 2), 2),
    ]
    assert isinstance(parts[0], OpenPart)
    assert locate(TEXT).open_parts == []


def test_it_stops_where_things_are_too_deep() -> None:
    assert locate("[" * MAX_DEPTH + "]" * MAX_DEPTH).too_deep is None
    assert locate("[\n" * (MAX_DEPTH + 1)).too_deep == MAX_DEPTH + 1


@pytest.mark.parametrize("text", ["}", "]", ",", ":", "{1", "[x", '"', "{,", "[,,"])
def test_what_is_invalid_does_not_stop_it(text: str) -> None:
    assert locate(text).oddities == []


def paths_of(value: object, path: KeyPath = ()) -> set[KeyPath]:
    """The path of everything in a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {path}.union(*(paths_of(inner, (*path, key)) for key, inner in items))


@given(JSON, st.sampled_from([None, 1]))
def test_it_locates_exactly_what_json_finds(value: object, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    located = locate(text)
    assert set(located.lines) == paths_of(json.loads(text))
    assert located.open_parts == []
    assert all(1 <= line <= text.count("\n") + 1 for line in located.lines.values())


@given(st.text(alphabet='{}[],:"\\ \nau1e-.x'))
def test_no_text_makes_it_raise(text: str) -> None:
    assert locate(text).too_deep is None
