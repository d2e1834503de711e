"""The test pattern's picture as a pure function: what is on the screen, what changed, which bytes show it.

There is no framebuffer. A screen is a vertical gradient and some sprites (blocks and lines of text), so that
each part of it is painted when a viewer asks, straight in the viewer's pixel format, and an idle session
costs no memory. For tests: corners, bars and gradient are at fixed places in fixed colours; only in `track`
something moves by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple

from test_pattern_font import CELL_WIDTH, GLYPH_HEIGHT, dots

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255 each."""

CORNER = 16
"""Pixels, the side of a corner marker."""
CORNER_COLOURS: tuple[Colour, Colour, Colour, Colour] = (
    (255, 0, 0),
    (0, 255, 0),
    (0, 0, 255),
    (255, 255, 255),
)
"""Top left, top right, bottom left, bottom right."""
BAR_COLOURS: tuple[Colour, ...] = (
    (255, 255, 255),
    (255, 255, 0),
    (0, 255, 255),
    (0, 255, 0),
    (255, 0, 255),
    (255, 0, 0),
    (0, 0, 255),
    (0, 0, 0),
)
"""From left to right."""
TOP: Colour = (38, 50, 72)
BOTTOM: Colour = (18, 24, 36)
INK: Colour = (222, 228, 238)
FAINT: Colour = (142, 156, 180)
PANEL: Colour = (10, 14, 22)
MOVER: Colour = (255, 176, 46)
POINTER: Colour = (255, 255, 255)
CLICK_COLOURS: tuple[Colour, ...] = ((255, 82, 82), (105, 240, 174), (68, 138, 255))
"""Left, middle, right button; others are shown as the right one."""

MARGIN = 32
"""Pixels kept free on both sides."""
STEP = 8
"""Pixels that the mover goes per tick."""
MOVER_WIDTH, MOVER_HEIGHT = 64, 16
POINTER_ARM = 10
"""Pixels from the pointer's centre to the end of its cross."""
MAX_CLICKS = 8
"""Click marks shown."""
TYPED_ROWS = 8
"""Lines of typed text shown."""


class Rect(NamedTuple):
    """A rectangle in pixels."""

    x: int
    y: int
    width: int
    height: int

    def clip(self, other: Rect) -> Rect | None:
        """What both have in common; None when that is nothing."""
        left, top = max(self.x, other.x), max(self.y, other.y)
        right = min(self.x + self.width, other.x + other.width)
        bottom = min(self.y + self.height, other.y + other.height)
        return Rect(left, top, right - left, bottom - top) if right > left and bottom > top else None


class Sprite(NamedTuple):
    """A block in one colour, or a line of text when `text` is not empty; text is magnified `scale` times."""

    area: Rect
    colour: Colour
    text: str = ""
    scale: int = 1


class Click(NamedTuple):
    """Where a button went down; button 0 is the left one."""

    x: int
    y: int
    button: int


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that the picture depends on."""

    width: int
    height: int
    title: str = ""
    typed: str = ""
    """What was typed, with newlines."""
    note: str = ""
    """The last thing that was not text: a special key, the clipboard."""
    pointer: tuple[int, int] | None = None
    buttons: int = 0
    clicks: tuple[Click, ...] = ()
    tick: int = 0
    """Tenths of a second since the start; moves the mover, nothing else."""

    @property
    def area(self) -> Rect:
        """The whole screen."""
        return Rect(0, 0, self.width, self.height)


def background(y: int, height: int) -> Colour:
    """The colour of the empty screen in line `y`: 32 steps from `TOP` to `BOTTOM`."""
    step = y * 32 // height
    red, green, blue = ((a * (31 - step) + b * step) // 31 for a, b in zip(TOP, BOTTOM, strict=True))
    return red, green, blue


def track(width: int, height: int) -> Rect:
    """The strip in which the mover runs; on screens of 480 lines and more nothing else is painted there."""
    return Rect(MARGIN, height - 40, max(width - 2 * MARGIN, 1), MOVER_HEIGHT)


def mover(width: int, height: int, tick: int) -> Rect:
    """The moving block: from the left end of the track to the right and back."""
    strip = track(width, height)
    way = max(strip.width - MOVER_WIDTH, 1)
    place = tick * STEP % (2 * way)
    return Rect(strip.x + min(place, 2 * way - place), strip.y, MOVER_WIDTH, MOVER_HEIGHT)


def label(x: int, y: int, text: str, colour: Colour, scale: int = 2) -> Sprite:
    """A line of text with its top left corner at x, y."""
    return Sprite(Rect(x, y, len(text) * CELL_WIDTH * scale, GLYPH_HEIGHT * scale), colour, text, scale)


def columns(width: int) -> int:
    """How many typed characters fit into one line."""
    return max((width - 2 * MARGIN - 24) // (CELL_WIDTH * 2), 1)


def wrap(typed: str, width: int) -> list[str]:
    """The last lines of what was typed, with a cursor behind them, as they fit onto the screen."""
    fit = columns(width)
    lines = [
        line[start : start + fit] for line in (typed + "_").split("\n") for start in range(0, max(len(line), 1), fit)
    ]
    return lines[-TYPED_ROWS:]


def sprites(scene: Scene) -> dict[str, Sprite]:
    """The scene's sprites by name, in the order in which they are painted."""
    width, height = scene.width, scene.height
    inner = max(width - 2 * MARGIN, 1)
    shown = {
        "title": label(MARGIN, 32, scene.title, INK, 3),
        "size": label(MARGIN, 68, f"{width}x{height}  embedded test pattern", FAINT),
        "panel": Sprite(Rect(MARGIN, 160, inner, TYPED_ROWS * 20 + 44), PANEL),
        "prompt": label(MARGIN + 12, 170, "What you type:", FAINT),
    }
    for number, colour in enumerate(BAR_COLOURS):
        left, right = (MARGIN + inner * n // len(BAR_COLOURS) for n in (number, number + 1))
        shown[f"bar {number}"] = Sprite(Rect(left, 100, right - left, 32), colour)
    for row, line in enumerate(wrap(scene.typed, width)):
        shown[f"typed {row}"] = label(MARGIN + 12, 196 + row * 20, line, INK)
    where = "not here yet" if scene.pointer is None else f"{scene.pointer[0]},{scene.pointer[1]}"
    shown["pointer text"] = label(MARGIN, 380, f"Pointer {where}  buttons {scene.buttons}", FAINT)
    shown["note"] = label(MARGIN, 404, scene.note, FAINT)
    shown["track"] = Sprite(track(width, height), PANEL)
    shown["mover"] = Sprite(mover(width, height, scene.tick), MOVER)
    for number, (left, top) in enumerate(
        ((0, 0), (width - CORNER, 0), (0, height - CORNER), (width - CORNER, height - CORNER))
    ):
        shown[f"corner {number}"] = Sprite(Rect(left, top, CORNER, CORNER), CORNER_COLOURS[number])
    for number, click in enumerate(scene.clicks):
        colour = CLICK_COLOURS[min(click.button, len(CLICK_COLOURS) - 1)]
        shown[f"click {number}"] = Sprite(Rect(click.x - 4, click.y - 4, 9, 9), colour)
    if scene.pointer is not None:
        x, y = scene.pointer
        long = 2 * POINTER_ARM + 1
        shown["pointer -"] = Sprite(Rect(x - POINTER_ARM, y - 1, long, 3), POINTER)
        shown["pointer |"] = Sprite(Rect(x - 1, y - POINTER_ARM, 3, long), POINTER)
    return shown


def damage(old: Mapping[str, Sprite], new: Mapping[str, Sprite]) -> list[Rect]:
    """Where two pictures of the same size differ: the areas of the sprites that came, went or changed."""
    areas: set[Rect] = set()
    for name in old.keys() | new.keys():
        before, after = old.get(name), new.get(name)
        if before is None or after is None:
            areas |= {sprite.area for sprite in (before, after) if sprite is not None}
        elif before != after:
            areas |= _changed(before, after)
    return sorted(areas)


def _changed(before: Sprite, after: Sprite) -> set[Rect]:
    """One area round both when they overlap, without the beginning that two texts share; else both."""
    old, new = before.area, after.area
    if old.clip(new) is None:
        return {old, new}
    left, top = min(old.x, new.x), min(old.y, new.y)
    right = max(old.x + old.width, new.x + new.width)
    bottom = max(old.y + old.height, new.y + new.height)
    if before._replace(area=new, text="") == after._replace(text="") and old[:2] == new[:2]:
        pairs = zip(before.text, after.text, strict=False)
        left += sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs)) * CELL_WIDTH * after.scale
    return {Rect(left, top, right - left, bottom - top)}


def without_inner(areas: Iterable[Rect]) -> list[Rect]:
    """The areas, without those that lie within another one."""
    kept: list[Rect] = []
    for area in sorted(areas, key=lambda area: -area.width * area.height):
        if all(area.clip(larger) != area for larger in kept):
            kept.append(area)
    return kept


def paint(scene: Scene, shown: Mapping[str, Sprite], area: Rect, pixel: Callable[[Colour], bytes]) -> bytearray:
    """The pixels of an area of the screen, line by line.

    Args:
        scene: what is to be seen.
        shown: its `sprites`, passed so that they are worked out once for all areas.
        area: must lie within the screen.
        pixel: a colour's bytes in the viewer's pixel format, always equally many.
    """
    picture = bytearray()
    for y in range(area.y, area.y + area.height):
        picture += pixel(background(y, scene.height)) * area.width
    for sprite in shown.values():
        if not sprite.text:
            _fill(picture, area, sprite.area, pixel(sprite.colour))
        elif sprite.area.clip(area):
            _write(picture, area, sprite, pixel(sprite.colour))
    return picture


def _fill(picture: bytearray, area: Rect, block: Rect, value: bytes) -> None:
    part = block.clip(area)
    if part is None:
        return
    size = len(value)
    line = value * part.width
    start = ((part.y - area.y) * area.width + part.x - area.x) * size
    for offset in range(start, start + part.height * area.width * size, area.width * size):
        picture[offset : offset + len(line)] = line


def _write(picture: bytearray, area: Rect, sprite: Sprite, value: bytes) -> None:
    scale = sprite.scale
    cell = CELL_WIDTH * scale
    for place, character in enumerate(sprite.text):
        left = sprite.area.x + place * cell
        if left + cell <= area.x or left >= area.x + area.width:
            continue
        for x, y, length in dots(character):
            block = Rect(left + x * scale, sprite.area.y + y * scale, length * scale, scale)
            _fill(picture, area, block, value)
