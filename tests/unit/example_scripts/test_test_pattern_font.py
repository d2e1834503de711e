"""The font: every printable ASCII character has a glyph of its own."""

from __future__ import annotations

from test_pattern_font import GLYPH_HEIGHT, GLYPH_WIDTH, dots, glyph

PRINTABLE = [chr(code) for code in range(0x20, 0x7F)]
BLOCK = ("#####",) * 7 + (".....",)


def test_every_printable_character_has_a_glyph_of_the_same_size() -> None:
    for character in PRINTABLE:
        lines = glyph(character)
        assert len(lines) == GLYPH_HEIGHT
        assert all(len(line) == GLYPH_WIDTH and set(line) <= {"#", "."} for line in lines)


def test_no_two_characters_look_the_same() -> None:
    assert len({glyph(character) for character in PRINTABLE}) == len(PRINTABLE)


def test_only_the_space_is_empty() -> None:
    assert [character for character in PRINTABLE if not dots(character)] == [" "]


def test_a_letter_looks_as_it_should() -> None:
    assert glyph("A") == ("..#..", ".#.#.", "#...#", "#...#", "#####", "#...#", "#...#", ".....")
    assert glyph("p") == (".....", ".....", "####.", "#...#", "#...#", "####.", "#....", "#....")
    assert glyph("~") == (".....", ".....", ".#...", "#.#.#", "...#.", ".....", ".....", ".....")


def test_what_the_font_does_not_have_is_a_full_block() -> None:
    assert glyph("é") == glyph("\n") == glyph("漢") == BLOCK


def test_dots_are_the_same_picture_as_runs() -> None:
    for character in [*PRINTABLE, "é"]:
        drawn = [["."] * GLYPH_WIDTH for _ in range(GLYPH_HEIGHT)]
        for x, y, length in dots(character):
            drawn[y][x : x + length] = "#" * length
        assert tuple("".join(line) for line in drawn) == glyph(character)
