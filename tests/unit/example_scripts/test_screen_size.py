"""Sizes as the menu gives them, and what is said of those that cannot be."""

from __future__ import annotations

import pytest
from screen_size import Size, parse_size

ARABIC = "\u0661\u0662x\u0663\u0664"
"""12x34 in Arabic digits."""


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1600x1200", (1600, 1200)),
        ("12080x1024", (12080, 1024)),
        (" 800 X 600 ", (800, 600)),
        ("16x16", (16, 16)),
        ("16384x4096", (16384, 4096)),
    ],
)
def test_it_reads_width_and_height(text: str, size: tuple[int, int]) -> None:
    assert parse_size(text) == size


def test_it_is_written_as_it_is_read() -> None:
    assert str(Size(1600, 1200)) == "1600x1200"


@pytest.mark.parametrize(
    "text",
    ["", "big", "1600", "1600x", "x1200", "1600x1200x24", "-1x5", "1e3x5", "1600x1200;id", ARABIC, 7, None],
)
def test_it_refuses_what_is_no_size(text: object) -> None:
    with pytest.raises(ValueError) as caught:
        parse_size(text)
    assert str(caught.value) == (f"the screen size is {text!r}; expected width x height in pixels, such as '1600x1200'")


@pytest.mark.parametrize("text", ["15x600", "600x0", "16385x600", "600x99999"])
def test_it_refuses_sides_that_no_x_server_has(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_size(text)
    assert str(caught.value) == f"the screen size is {text!r}; expected sides from 16 to 16384 pixels"


def test_it_takes_a_smaller_limit_from_its_caller() -> None:
    assert parse_size("4096x16", 4096) == (4096, 16)
    with pytest.raises(ValueError) as caught:
        parse_size("4097x16", 4096)
    assert str(caught.value) == "the screen size is '4097x16'; expected sides from 16 to 4096 pixels"


def test_it_refuses_a_screen_that_would_eat_the_memory() -> None:
    with pytest.raises(ValueError) as caught:
        parse_size("16384x4097")
    assert str(caught.value) == "the screen size is '16384x4097', 67125248 pixels; expected at most 67108864"
