"""Tests of tables for terminals: they line up, fit, and nothing in a cell acts on the terminal."""

from __future__ import annotations

from remote_service.tables import one_line, table

HEADER = ("NAME", "N", "WHY")
WHY = "because it was so and not otherwise"


def test_columns_line_up_and_no_line_ends_with_blanks() -> None:
    assert list(table(HEADER, [("a", 1, ""), ("longer", 22, "because")])) == [
        "NAME    N   WHY",
        "a       1",
        "longer  22  because",
    ]


def test_without_rows_there_is_the_header() -> None:
    assert list(table(HEADER, [])) == ["NAME  N  WHY"]


def test_the_last_column_goes_on_below_itself() -> None:
    assert list(table(HEADER, [("a", 1, WHY)], width=30)) == [
        "NAME  N  WHY",
        "a     1  because it was so and",
        "         not otherwise",
    ]


def test_or_is_cut() -> None:
    assert list(table(HEADER, [("a", 1, WHY)], width=30, cut=True)) == [
        "NAME  N  WHY",
        "a     1  because it was so an…",
    ]


def test_a_terminal_that_is_too_narrow_still_shows_some_of_it() -> None:
    (_, row) = table(HEADER, [("a", 1, WHY)], width=5, cut=True)
    assert row == "a     1  because it was so a…"


def test_what_would_act_on_a_terminal_is_taken_out() -> None:
    assert one_line("\x1b[31mred\x1b[0m\n\tand\u202e back") == "red and back"
