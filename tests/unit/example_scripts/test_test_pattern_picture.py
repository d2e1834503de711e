"""The picture: fixed parts at fixed places, what changed, and the bytes of any part of it."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from test_pattern_font import CELL_WIDTH
from test_pattern_picture import (
    BAR_COLOURS,
    BOTTOM,
    CORNER_COLOURS,
    MARGIN,
    MOVER,
    MOVER_WIDTH,
    POINTER,
    STEP,
    TOP,
    TYPED_ROWS,
    Click,
    Colour,
    Rect,
    Scene,
    background,
    columns,
    damage,
    mover,
    paint,
    sprites,
    track,
    without_inner,
    wrap,
)

SCENE = Scene(800, 600, title="Test #0", note="hello")
SIZES = [(800, 600), (1600, 1200), (16, 16), (64, 48), (4096, 16), (16, 4096)]


def pixel(colour: Colour) -> bytes:
    return bytes(colour)


def pixels(scene: Scene, area: Rect | None = None) -> bytes:
    return bytes(paint(scene, sprites(scene), area or scene.area, pixel))


def at(scene: Scene, x: int, y: int) -> Colour:
    red, green, blue = pixels(scene, Rect(x, y, 1, 1))
    return red, green, blue


def test_areas_are_clipped_to_what_both_have() -> None:
    assert Rect(0, 0, 10, 10).clip(Rect(5, 6, 10, 10)) == Rect(5, 6, 5, 4)
    assert Rect(5, 6, 10, 10).clip(Rect(0, 0, 10, 10)) == Rect(5, 6, 5, 4)
    assert Rect(0, 0, 10, 10).clip(Rect(10, 0, 5, 5)) is None
    assert Rect(-5, -5, 8, 8).clip(Rect(0, 0, 10, 10)) == Rect(0, 0, 3, 3)
    assert Rect(0, 0, 0, 5).clip(Rect(0, 0, 10, 10)) is None


def test_the_four_corners_have_four_colours() -> None:
    corners = [(0, 0), (784, 0), (0, 584), (784, 584)]
    for (x, y), colour in zip(corners, CORNER_COLOURS, strict=True):
        assert pixels(SCENE, Rect(x, y, 16, 16)) == bytes(colour) * 256
    assert at(SCENE, 16, 0) == background(0, 600)


def test_the_bars_fill_the_width_between_the_margins() -> None:
    for number, colour in enumerate(BAR_COLOURS):
        assert at(SCENE, MARGIN + 736 * number // 8, 116) == colour
        assert at(SCENE, MARGIN + 736 * (number + 1) // 8 - 1, 116) == colour


def test_the_background_goes_from_top_to_bottom() -> None:
    assert background(0, 600) == TOP
    assert background(599, 600) == BOTTOM
    assert len({background(y, 600) for y in range(600)}) == 32


def test_the_mover_goes_along_the_track_and_back() -> None:
    strip = track(800, 600)
    places = [mover(800, 600, tick).x for tick in range(400)]
    assert places[:3] == [strip.x, strip.x + STEP, strip.x + 2 * STEP]
    assert min(places) == strip.x and max(places) == strip.x + strip.width - MOVER_WIDTH
    assert all(abs(a - b) <= STEP for a, b in itertools.pairwise(places))
    assert at(replace(SCENE, tick=5), strip.x + 5 * STEP, strip.y) == MOVER


def test_only_the_track_moves_by_itself() -> None:
    first, later = (pixels(replace(SCENE, tick=tick)) for tick in (0, 37))
    line = 800 * 3
    strip = track(800, 600)
    for y in range(600):
        same = first[y * line : (y + 1) * line] == later[y * line : (y + 1) * line]
        assert same != (strip.y <= y < strip.y + strip.height)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_size_has_a_whole_picture(width: int, height: int) -> None:
    scene = Scene(width, height, title="A long title " * 9, typed="x" * 500, pointer=(width - 1, 0), tick=9)
    assert len(pixels(scene)) == width * height * 3


@pytest.mark.parametrize(
    "area", [Rect(0, 0, 800, 37), Rect(40, 30, 7, 90), Rect(799, 599, 1, 1), Rect(30, 150, 300, 200)]
)
def test_a_part_is_the_same_as_in_the_whole(area: Rect) -> None:
    scene = replace(SCENE, typed="some words\nmore", pointer=(100, 200), clicks=(Click(60, 60, 1),))
    whole = pixels(scene)
    lines = (((area.y + y) * 800 + area.x) * 3 for y in range(area.height))
    assert pixels(scene, area) == b"".join(whole[start : start + area.width * 3] for start in lines)


def test_a_wider_pixel_is_repeated_as_it_is() -> None:
    area = Rect(0, 0, 3, 1)
    assert paint(SCENE, sprites(SCENE), area, lambda colour: bytes(colour) + b"\7") == b"\xff\0\0\7" * 3


def test_long_lines_are_wrapped_and_the_last_ones_shown() -> None:
    fit = columns(800)
    assert wrap("", 800) == ["_"]
    assert wrap("ab\n\ncd", 800) == ["ab", "", "cd_"]
    assert wrap("x" * fit, 800) == ["x" * fit, "_"]
    assert wrap("\n".join(map(str, range(20))), 800) == [*map(str, range(13 - 1, 19)), "19_"]
    assert len(wrap("x" * 4000, 800)) == TYPED_ROWS
    assert columns(16) == 1


def test_nothing_changed_is_no_damage() -> None:
    assert damage(sprites(SCENE), sprites(replace(SCENE))) == []


def test_a_typed_character_damages_its_own_place_and_the_cursors() -> None:
    before, after = (replace(SCENE, typed=text) for text in ("abc", "abcd"))
    cell = CELL_WIDTH * 2
    assert damage(sprites(before), sprites(after)) == [Rect(MARGIN + 12 + 3 * cell, 196, 2 * cell, 16)]


def test_a_short_way_of_the_pointer_damages_one_area_and_a_long_way_two() -> None:
    def areas(x: int, y: int) -> list[Rect]:
        before, after = (replace(SCENE, pointer=place) for place in ((400, 500), (x, y)))
        return [area for area in damage(sprites(before), sprites(after)) if area.y > 450]

    assert areas(401, 500) == [Rect(390, 499, 22, 3), Rect(399, 490, 4, 21)]
    assert len(areas(500, 520)) == 4


def test_areas_within_others_are_left_out() -> None:
    whole, inner, across = Rect(0, 0, 100, 100), Rect(5, 5, 10, 10), Rect(90, 90, 20, 20)
    assert without_inner([inner, whole, across, inner, whole]) == [whole, across]
    assert without_inner([]) == []


def test_the_pointer_is_a_cross() -> None:
    scene = replace(SCENE, pointer=(400, 500))
    assert [at(scene, x, y) for x, y in ((400, 490), (400, 510), (390, 500), (410, 500))] == [POINTER] * 4
    assert at(scene, 410, 510) == background(510, 600)


@pytest.mark.parametrize("button", [0, 1, 2, 7])
def test_a_click_leaves_a_mark(button: int) -> None:
    scene = replace(SCENE, clicks=(Click(400, 500, button),))
    assert at(scene, 404, 504) != background(504, 600)
    assert at(scene, 405, 504) == background(504, 600)


def test_painting_only_the_damage_makes_the_new_picture_out_of_the_old() -> None:
    scenes = [
        SCENE,
        replace(SCENE, typed="Hello"),
        replace(SCENE, typed="Hello\nWorld", pointer=(50, 205)),
        replace(SCENE, typed="Help", pointer=(52, 206), buttons=1, clicks=(Click(52, 206, 0),), tick=3),
        replace(SCENE, note="Clipboard: x", tick=99),
    ]
    shown = bytearray(pixels(scenes[0]))
    for old, new in itertools.pairwise(scenes):
        for area in damage(sprites(old), sprites(new)):
            part = area.clip(new.area)
            assert part is not None
            data = pixels(new, part)
            for y in range(part.height):
                start = ((part.y + y) * 800 + part.x) * 3
                line = part.width * 3
                shown[start : start + line] = data[y * line : (y + 1) * line]
        assert shown == pixels(new)
