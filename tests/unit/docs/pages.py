"""The pages of the documentation, taken apart: fenced blocks, tables, headings, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
README = ROOT / "README.md"
SCRIPTS = ROOT / "docs" / "scripts.md"
ADMINS = ROOT / "docs" / "admins.md"
CHANGELOG = ROOT / "CHANGELOG.md"
RELIABILITY = ROOT / "docs" / "reliability.md"
PAGES = (README, SCRIPTS, ADMINS, RELIABILITY, CHANGELOG)

PLACE = "/srv/remote-session"
"""Where the samples' checkout is."""

_FENCE = re.compile(r"^```(\w*)$")
_HEADING = re.compile(r"^#+ (.*)$")
_CELL_BORDER = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block."""

    page: Path
    line: int
    """Of its first line of text, from 1."""
    section: str
    """The heading that it stands under."""
    language: str
    text: str
    """With a line feed at the end."""

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a `console` block: a line that begins with "$ ", and those that continue it."""

    block: Block
    text: str

    def __str__(self) -> str:
        return f"{self.block}: {self.text}"


@cache
def blocks(page: Path) -> tuple[Block, ...]:
    """The fenced blocks of a page, in their order."""
    found: list[Block] = []
    section, language, begins = "", "", 0
    inside: list[str] | None = None
    for number, line in enumerate(page.read_text().splitlines(), 1):
        fence = _FENCE.match(line)
        if inside is not None:
            if line == "```":
                found.append(Block(page, begins, section, language, "".join(inside)))
                inside = None
            else:
                inside.append(f"{line}\n")
        elif fence:
            language, inside, begins = fence[1], [], number + 1
        elif heading := _HEADING.match(line):
            section = heading[1]
    assert inside is None, f"{page.name}: the block of line {begins} has no end"
    return tuple(found)


def all_blocks(language: str) -> list[Block]:
    """Those of all pages in one language."""
    return [block for page in PAGES for block in blocks(page) if block.language == language]


def commands(block: Block) -> Iterator[Command]:
    """The commands of a `console` block. It holds nothing else: what they print stands in blocks of its own."""
    lines: list[str] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            if lines:
                yield Command(block, "\n".join(lines))
            lines = [line.removeprefix("$ ")]
        else:
            quoted = "\n".join(lines).count("'") % 2 == 1
            assert quoted or (lines and line.startswith("    ")), (
                f'{block}: {line!r} neither begins with "$ " nor goes on'
            )
            lines.append(line)
    if lines:
        yield Command(block, "\n".join(lines))


def all_commands() -> list[Command]:
    """Those of all pages."""
    return [command for block in all_blocks("console") for command in commands(block)]


def tables(page: Path) -> list[list[list[str]]]:
    """The tables of a page: rows of cells; the first row is the head, the line below it is left out."""
    found: list[list[list[str]]] = []
    before = ""
    for line in prose(page).splitlines():
        if line.startswith("|"):
            if not before.startswith("|"):
                found.append([])
            cells = [cell.strip() for cell in _CELL_BORDER.split(line)[1:-1]]
            if set("".join(cells)) - set("-: "):
                found[-1].append(cells)
        before = line
    return found


def table(page: Path, head: str) -> list[list[str]]:
    """The rows of the one table whose head begins with these cells ("key | type"), without the head."""
    wanted = head.split(" | ")
    found = [rows for rows in tables(page) if rows[0][: len(wanted)] == wanted]
    assert len(found) == 1, f"{page.name} has {len(found)} tables with the head {head!r}"
    return found[0][1:]


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return re.sub(r"^```\w*\n.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """What one can link to: the headings as GitHub names them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> list[str]:
    """The targets of links and pictures."""
    return re.findall(r"\]\(([^)\s]+)\)", prose(page))
