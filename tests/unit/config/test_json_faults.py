"""Faults of a JSON text in plain words."""

from __future__ import annotations

import json
from json import JSONDecodeError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_service.config.json_faults import Fault, fault_of, position
from remote_service.config.problems import Code

A_VALUE = 'a value: text in double quotes, a number, true, false, null, "[" or "{"'
NO_END = "complete the file: its end is missing"


def fault(text: str) -> Fault:
    with pytest.raises(JSONDecodeError) as caught:
        json.loads(text)
    return fault_of(text, caught.value)


@pytest.mark.parametrize(
    ("text", "line", "found", "closing"),
    [
        ('{"A": 1', 1, "the end of the file (column 8), with the object of line 1 still open", "}"),
        ('{"A": 1,\n\n', 1, "the end of the file (column 9), with the object of line 1 still open", "}"),
        ('{"A": tru', 1, "the end of the file (column 10), with the object of line 1 still open", "}"),
        ('{"A": 1.', 1, "the end of the file (column 9), with the object of line 1 still open", "}"),
        ('{"A": -', 1, "the end of the file (column 8), with the object of line 1 still open", "}"),
        ('{"A"', 1, "the end of the file (column 5), with the object of line 1 still open", "}"),
        (
            '{\n"A": {"options": {\n"sizes": ["1x1", ',
            3,
            "the end of the file (column 17), with the object of line 1, "
            'the object "A" of line 2, the object "options" of line 2 '
            'and the list "sizes" of line 3 still open',
            "]}}}",
        ),
        (
            '{"A": [{"b": "c[d',
            1,
            'the end of the file (column 18), with the object of line 1, the list "A" of line 1, '
            'the object "A" of line 1 and the text that begins in line 1, column 14 still open',
            '"}]}',
        ),
        (
            '{"A": "x\n',
            1,
            "the end of the file (column 9), with the object of line 1 and "
            "the text that begins in line 1, column 7 still open",
            '"}',
        ),
        (
            '{"A": "\\u00',
            1,
            "the end of the file (column 12), with the object of line 1 and "
            "the text that begins in line 1, column 7 still open",
            '"}',
        ),
        (
            '"A',
            1,
            "the end of the file (column 3), with the text that begins in line 1, column 1 still open",
            '"',
        ),
    ],
)
def test_it_says_what_a_cut_file_left_open(text: str, line: int, found: str, closing: str) -> None:
    cut = fault(text)
    assert (cut.code, cut.line) == (Code.JSON_TRUNCATED, line)
    assert (cut.found, cut.expected, cut.fix) == (found, f"all of it closed, by {closing} at the end", NO_END)


@pytest.mark.parametrize(
    ("text", "found", "expected", "fix"),
    [
        (
            '{"A": 1,}',
            'a comma before the closing "}" (column 8)',
            "none after the last one",
            "remove the comma",
        ),
        (
            "[1 , ]",
            'a comma before the closing "]" (column 4)',
            "none after the last one",
            "remove the comma",
        ),
        (
            '{"A": "x\n, "b": 1}',
            "a line break inside a text (column 9)",
            'the closing " before it',
            r"close the text, or write \n for a line break",
        ),
        (
            '{"A": "x\ty"}',
            r'the control character "\t" inside a text (column 9)',
            'the closing " before it',
            r"close the text, or write \n for a line break",
        ),
        (
            r'{"A": "C:\d"}',
            "a backslash that begins no escape (column 10)",
            r"\\ for a backslash",
            "write each backslash of the text twice",
        ),
        ('{"A": 1 // one\n}', "a comment (column 9)", "none: JSON has no comments", "remove it"),
        ('{"A": 1,\n # one\n "B": 2}', "a comment (column 2)", "none: JSON has no comments", "remove it"),
        (
            "{'A': 1}",
            "a single quote (column 2)",
            'a double quote (")',
            "put names and texts in double quotes",
        ),
        (
            "{}}",
            '"}" after the end (column 3)',
            "nothing more",
            "keep one object that holds all session types",
        ),
        (
            '{"A": 1 "B": 2}',
            'the text "B" (column 9)',
            'a comma or the closing "}"',
            "put a comma before it, or close the object of line 1",
        ),
        (
            '{"A": [1, 2}',
            '"}" (column 12)',
            'a comma or the closing "]"',
            'put a comma before it, or close the list "A" of line 1',
        ),
        ('{"A" 1}', '"1" (column 6)', 'a colon (":") after the key', 'write "key": value'),
        ("{A: 1}", '"A" (column 2)', "a key in double quotes", "put the key in double quotes"),
        ("[True]", '"True" (column 2)', A_VALUE, "write true, in small letters as JSON has it"),
        ('{"A": None}', '"None" (column 7)', A_VALUE, "write null, in small letters as JSON has it"),
        (
            '{"A": }',
            '"}" (column 7)',
            A_VALUE,
            "write the value that is missing, and texts in double quotes",
        ),
        ("tru", '"tru" (column 1)', A_VALUE, "write the value that is missing, and texts in double quotes"),
        ("", '"" (column 1)', A_VALUE, "write the value that is missing, and texts in double quotes"),
    ],
)
def test_it_explains(text: str, found: str, expected: str, fix: str) -> None:
    explained = fault(text)
    assert explained.code is Code.JSON_INVALID
    assert (explained.found, explained.expected, explained.fix) == (found, expected, fix)


def test_it_knows_the_newer_place_of_a_comma_too_many() -> None:
    """Python 3.13 reports the comma, 3.11 the bracket after it."""
    text = '{"A": 1,\n}'
    error = JSONDecodeError("Illegal trailing comma before end of object", text, 7)
    assert fault_of(text, error) == fault(text)
    assert (fault(text).line, fault(text).column) == (1, 8)


def test_positions_count_from_one() -> None:
    assert position("ab\ncd", 0) == (1, 1)
    assert position("ab\ncd", 4) == (2, 2)


@given(st.text(alphabet="{}[],:\"\\ \n\tau1e-.x#/'"))
def test_it_explains_every_invalid_text(text: str) -> None:
    try:
        json.loads(text)
    except JSONDecodeError as error:
        explained = fault_of(text, error)
        assert 1 <= explained.line <= text.count("\n") + 1
        assert explained.found.isprintable()
