"""Finds the texts of templates and modules that nobody could translate, or not for every number."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

_COMMENTS = re.compile(r"\{#.*?#\}|\{% comment.*?endcomment %\}", re.DOTALL)
_TRANSLATED = re.compile(r"\{% blocktrans(?:late)?\b.*?endblocktrans(?:late)? %\}", re.DOTALL)
_CLASSES = re.compile(r"\{% block body_class %\}.*?\{% endblock(?: body_class)? %\}", re.DOTALL)
_TAGS = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_WORD = re.compile(r"[^\W\d_]{2,}")
_READ_ATTRIBUTES = frozenset({"title", "alt", "placeholder", "aria-label", "aria-description", "aria-roledescription"})
_NOT_READ = frozenset({"script", "style"})
_SAME_EVERYWHERE = frozenset({"code", "kbd"})
"""Elements whose text is typed as it stands there."""

_SENTENCE = re.compile(r"^[A-Z“][^\s/]*(?: [^\s/]+)+$|^[A-Z][a-z]+$")
"""What begins with a capital letter: several words, or one of letters alone."""
_WRAPPERS = frozenset({"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy"})
_NOT_SHOWN = frozenset({"debug", "info", "warning", "error", "exception", "critical", "log", "compile", "get_logger"})
"""Functions whose texts go into logs, or are patterns."""


def of_template(source: str) -> list[str]:
    """The words of a template that stand outside of translate tags."""
    plain = _TAGS.sub("", _CLASSES.sub("", _TRANSLATED.sub("", _COMMENTS.sub("", source))))
    reader = _Reader()
    reader.feed(plain)
    reader.close()
    return reader.found


class _Reader(HTMLParser):
    """Collects what a reader, or somebody who listens, gets to know of markup."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Attributes are read too."""
        is_button = tag == "input" and ("type", "submit") in attrs
        for name, value in attrs:
            if value and (name in _READ_ATTRIBUTES or (is_button and name == "value")):
                self._judge(value)
        if tag in _NOT_READ | _SAME_EVERYWHERE:
            self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Leaves an element whose text does not count."""
        if self._within and self._within[-1] == tag:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        """Text."""
        if not self._within:
            self._judge(data)

    def _judge(self, text: str) -> None:
        if _WORD.search(text):
            self.found.append(" ".join(text.split()))


def of_module(source: str) -> list[str]:
    """The literals of a module that read like a sentence or a label and are in no call that translates them."""
    return [text for text in _untranslated(source) if _SENTENCE.match(text)]


def _untranslated(source: str) -> list[str]:
    tree = ast.parse(source)
    passed_over = set(_passed_over(tree))
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed_over
    ]


def _passed_over(tree: ast.AST) -> Iterator[int]:
    """The nodes that are translated, or that no user reads: docstrings, what is logged, raised or asserted."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in _WRAPPERS | _NOT_SHOWN:
                inner: list[ast.AST] = [*node.args]
            case ast.Expr(value=ast.Constant()):
                inner = [node]
            case ast.Raise() | ast.Assert() | ast.Subscript():
                inner = [node]
            case ast.arg(annotation=ast.expr() as annotation) | ast.AnnAssign(annotation=annotation):
                inner = [annotation]
            case ast.FunctionDef(returns=ast.expr() as annotation):
                inner = [annotation]
            case _:
                continue
        for outer in inner:
            yield from (id(found) for found in ast.walk(outer))


def templates(root: Path) -> list[Path]:
    """Every template of the pages."""
    return sorted((root / "webui" / "templates").rglob("*.html"))


def modules(root: Path) -> list[Path]:
    """Every module of the pages but the commands, which speak to admins at a terminal."""
    return sorted(path for path in (root / "webui").rglob("*.py") if "management" not in path.parts)


_CLAUSE = re.compile(r"[^\W\d_]{2,} [^\W\d_]{2,}")


def clauses(source: str) -> list[str]:
    """The literals of a module that are in no call that translates them and have two words side by side."""
    return [text for text in _untranslated(source) if _CLAUSE.search(text)]


_NUMBER = re.compile(r"%\((\w+)\)d")


def of_one_number(source: str) -> dict[str, str]:
    """A module's sentences in which a number stands and that have no plural form, each with the number's name."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    said = [
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "_" and isinstance(call.args[0], ast.Constant)
    ]
    return {text: ", ".join(_NUMBER.findall(text)) for text in said if _NUMBER.search(text)}


_BLOCK = re.compile(r"\{% blocktranslate\b(.*?)%\}(.*?)\{% endblocktranslate %\}", re.DOTALL)
_VARIABLE = re.compile(r"\{\{ (\w+) \}\}")


def blocks(source: str) -> Iterator[tuple[bool, set[str]]]:
    """The blocktranslate tags of a template: whether one counts, and the names of its variables."""
    for tag, content in _BLOCK.findall(source):
        yield " count " in tag and "{% plural %}" in content, set(_VARIABLE.findall(content))
