"""What is wrong with a sessions file or a script: one record each, for the CLI, the log and the pages."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from remote_service.config.words import as_json, plural
from remote_service.texts import as_data, from_data

KeyPath = tuple[str | int, ...]
"""Keys and list positions from the top of the file, or of an entry, downwards."""

_STEP = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "


class Severity(StrEnum):
    """What a problem does to the entry it belongs to."""

    ERROR = "error"
    """The entry is left out; without an entry, the whole file is."""
    WARNING = "warning"
    """The entry stays; an admin should look."""


class Code(StrEnum):
    """The kinds of problems. A number once given never changes its meaning."""

    FILE_MISSING = "E001"
    FILE_UNREADABLE = "E002"
    FILE_IS_NO_FILE = "E003"
    FILE_TOO_LARGE = "E004"
    FILE_EMPTY = "E005"
    NOT_UTF8 = "E006"
    JSON_INVALID = "E007"
    JSON_TRUNCATED = "E008"
    JSON_TOO_DEEP = "E009"
    NOT_AN_OBJECT = "E010"
    DUPLICATE_KEY = "E011"
    NUMBER_NOT_FINITE = "E012"
    TEXT_NOT_UNICODE = "E013"

    NAME_INVALID = "E020"
    KEY_MISSING = "E021"
    KEY_UNKNOWN = "E022"
    VALUE_INVALID = "E023"
    FORM_CONTRADICTION = "E024"
    POLICY_CONTRADICTION = "E025"

    SCRIPT_NAME = "E030"
    SCRIPT_MISSING = "E031"
    SCRIPT_OUTSIDE = "E032"
    SCRIPT_IS_NO_FILE = "E033"
    SCRIPT_EMPTY = "E034"
    SCRIPT_UNREADABLE = "E035"

    SCRIPT_SYNTAX = "E040"
    SCRIPT_IMPORT_RAISED = "E041"
    SCRIPT_IMPORT_EXITED = "E042"
    SCRIPT_DIED = "E043"
    SCRIPT_TIMEOUT = "E044"
    NO_REALIZE_SERVICE = "E045"
    REALIZE_RAISED = "E046"
    REALIZE_EXITED = "E047"
    WRONG_SERVICE_TYPE = "E048"
    METHODS_MISSING = "E049"
    ACCOUNT_CANNOT_READ = "E050"
    WRONG_SIGNATURE = "E051"

    FILE_WRITABLE = "W001"
    SCRIPT_WRITABLE = "W002"
    DIRECTORY_WRITABLE = "W003"
    GROUP_UNKNOWN = "W004"
    SCRIPT_THREADS = "W005"
    OPTION_NEAR = "W006"
    LIMIT_ZERO = "W007"
    LIMIT_UNKEPT = "W008"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, where, and how to mend it.

    `found`, `expected` and `fix` are clauses without a full stop: "found …; expected …. Fix: …." They are sentences
    that pages can translate (see `texts`).
    """

    file: str
    """The file to mend: the sessions file, or a script."""
    entry: str | None
    """The session type's name; None when the whole file is meant."""
    key: KeyPath
    """Where in the entry. A field of a launch form stands there by its name where it has a good one."""
    found: str
    expected: str
    fix: str
    code: str
    """One of `Code`."""
    severity: Severity = Severity.ERROR
    line: int | None = None
    """In `file`, counted from 1."""
    detail: str = ""
    """Further lines, such as a script's traceback."""

    def __str__(self) -> str:
        """The whole message: file and line, the place, found, expected, fix; then the detail, indented."""
        return self._with_detail(f"{self._facts} Fix: {self.remedy}")

    @property
    def without_fix(self) -> str:
        """The message for those who show the remedy apart."""
        return self._with_detail(self._facts)

    @property
    def remedy(self) -> str:
        """The fix as a sentence."""
        return self.fix if self.fix.endswith("?") else f"{self.fix}."

    @property
    def _facts(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}: {self.place}found {self.found}; expected {self.expected}."

    def _with_detail(self, message: str) -> str:
        if not self.detail:
            return message
        return f"{message}\n" + textwrap.indent(self.detail.rstrip("\n"), "    ")

    @property
    def place(self) -> str:
        """The entry and the keys that lead to it, with a colon; empty when the whole file is meant."""
        return f"at {self.path}: " if self.path else ""

    @property
    def path(self) -> str:
        """The entry and the keys that lead to it; empty when the whole file is meant."""
        if self.entry is None:
            return ""
        keys = "".join(f"[{key}]" if isinstance(key, int) else f"{_STEP}{_plain(key)}" for key in self.key)
        return f"{as_json(self.entry)}{keys}"

    @property
    def is_error(self) -> bool:
        """Whether the entry, or the file, cannot be used."""
        return self.severity is Severity.ERROR

    def as_dict(self) -> dict[str, Any]:
        """All fields as JSON can hold them; `from_dict` takes them back."""
        clauses = {"found": self.found, "expected": self.expected, "fix": self.fix}
        return {
            **asdict(self),
            **{name: as_data(clause) for name, clause in clauses.items()},
            "key": list(self.key),
            "code": str(self.code),
            "severity": self.severity.value,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Problem:
        """The problem that `as_dict` described.

        Raises:
            TypeError, KeyError, ValueError: `data` does not come from `as_dict`.
        """
        clauses = {name: from_data(data[name]) for name in ("found", "expected", "fix")}
        return cls(**{**data, **clauses, "key": tuple(data["key"]), "severity": Severity(data["severity"])})


@dataclass(frozen=True, slots=True)
class Finding:
    """An error in an entry, seen by a check that does not know the file; clauses as in `Problem`."""

    key: KeyPath
    found: str
    expected: str
    fix: str
    code: Code

    def at(self, file: str, entry: str, key: KeyPath, line: int | None) -> Problem:
        """The error as a problem, in its place; `key` is how the place is shown."""
        return Problem(file, entry, key, self.found, self.expected, self.fix, self.code, line=line)


def has_errors(problems: Iterable[Problem]) -> bool:
    """Whether any of them is an error."""
    return any(problem.is_error for problem in problems)


def file_unusable(problems: Iterable[Problem]) -> bool:
    """Whether one of them is that the file itself cannot be read; its entries may be wrong all the same."""
    return any(problem.entry is None and problem.is_error for problem in problems)


def lines(problems: Iterable[Problem]) -> list[str]:
    """Each problem as a command prints it, with what it does and its code: "error E023 sessions.json:4: …"."""
    return [f"{problem.severity.value} {problem.code} {problem}" for problem in problems]


def counts(problems: Sequence[Problem]) -> str:
    """How many there are: "1 error, 2 warnings"."""
    errors = sum(problem.is_error for problem in problems)
    return f"{plural(errors, 'error')}, {plural(len(problems) - errors, 'warning')}"


def by_entry(problems: Iterable[Problem]) -> dict[str | None, tuple[Problem, ...]]:
    """The problems of each entry; None, which comes first when it is there, holds those of the whole file."""
    groups: dict[str | None, list[Problem]] = {None: []}
    for problem in problems:
        groups.setdefault(problem.entry, []).append(problem)
    return {entry: tuple(group) for entry, group in groups.items() if group}


def _plain(key: str) -> str:
    """A key without quotes where it is an ordinary word."""
    return key if key.isidentifier() and key.isprintable() and len(key) <= 40 else as_json(key)
