"""Fills a terminal for ever, as text of many lengths or as noise of many colours: what a VNC server has to encode."""

from __future__ import annotations

import random
import sys
import time

PAUSE = 0.02
CELLS = 120


def text(chance: random.Random) -> str:
    """Some words."""
    words = ("".join(chance.choices("etaoinshrdlu", k=chance.randint(2, 9))) for _ in range(chance.randint(1, 14)))
    return " ".join(words)


def colours(chance: random.Random) -> str:
    """A line of cells of two colours each, as pictures have them."""
    cells = []
    for at in range(CELLS):
        red, green, blue = (chance.randint(0, 40) + at, chance.randint(0, 90), 200 - at)
        cells.append(f"\033[38;2;{red};{green};{blue}m\033[48;2;{blue};{red};{green}m\N{UPPER HALF BLOCK}")
    return "".join(cells) + "\033[0m"


def main() -> None:
    """Paints for ever."""
    paint = {"text": text, "colours": colours}[sys.argv[1]]
    chance = random.Random(7)
    while True:
        print(*(paint(chance) for _ in range(chance.randint(1, 12))), sep="\n", flush=True)
        time.sleep(PAUSE)


if __name__ == "__main__":
    main()
