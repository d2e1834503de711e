"""The messages that the source code can write, as patterns: of log calls, and of errors that are raised."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.unit.docs.pages import ROOT

FRAMEWORK = ROOT / "remote_service"
LEAST_TEXT = 20
"""Characters outside its placeholders that a raised text must have to be told from others."""
_LEVELS = {"warning": "WARNING", "error": "ERROR", "exception": "ERROR", "critical": "CRITICAL"}
_PLACEHOLDER = re.compile(r"%[-#0-9.]*[srdgfx]")


@dataclass(frozen=True, slots=True)
class LogCall:
    """A line of the source that logs something an admin should look at."""

    module: str
    line: int
    levels: frozenset[str]
    pattern: re.Pattern[str]

    def __str__(self) -> str:
        return f"{self.module}:{self.line} {self.pattern.pattern}"


@cache
def log_calls() -> tuple[LogCall, ...]:
    """Every call of a module's `log` from WARNING upwards, in the framework and the pages."""
    paths = [path for folder in (FRAMEWORK, ROOT / "webui") for path in sorted(folder.rglob("*.py"))]
    return tuple(call for path in paths for call in _calls(path))


def _calls(path: Path) -> Iterator[LogCall]:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="log"), attr=attr), args=[*args]) if attr in _LEVELS:
                yield LogCall(module, node.lineno, frozenset({_LEVELS[attr]}), _pattern_of(args[0]))
            case ast.Call(func=ast.Attribute(value=ast.Name(id="log"), attr="log"), args=[level, text, *_]):
                levels = {name.attr for name in ast.walk(level) if isinstance(name, ast.Attribute)}
                yield LogCall(module, node.lineno, frozenset(levels & {*_LEVELS.values()}), _pattern_of(text))


def _pattern_of(text: ast.expr) -> re.Pattern[str]:
    assert isinstance(text, ast.Constant) and isinstance(text.value, str), ast.unparse(text)
    return re.compile(".+".join(re.escape(part) for part in _PLACEHOLDER.split(text.value)), re.DOTALL)


@cache
def raised() -> tuple[re.Pattern[str], ...]:
    """The texts of what is raised in the framework, where they are written out in the `raise` itself."""
    found: list[list[str | None]] = []
    for path in sorted(FRAMEWORK.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Raise(exc=ast.Call(args=[ast.JoinedStr(values=values), *_])):
                    found.append([str(v.value) if isinstance(v, ast.Constant) else None for v in values])
                case ast.Raise(exc=ast.Call(args=[ast.Constant(value=str(text)), *_])):
                    found.append([text])
    # One that is hardly more than a placeholder would fit everything.
    telling = [parts for parts in found if sum(len(part or "") for part in parts) >= LEAST_TEXT]
    return tuple(
        re.compile("".join(".+" if p is None else re.escape(p) for p in parts), re.DOTALL) for parts in telling
    )
