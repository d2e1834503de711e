"""Loads a sessions file: the session types that can be used, and every problem of the others in one run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from remote_service.config.entries import check_entry, display_key
from remote_service.config.near_options import clauses, near_options
from remote_service.config.permissions import writable_warning
from remote_service.config.problems import Code, Finding, Problem, Severity
from remote_service.config.schema import SessionType
from remote_service.config.script_files import find_script
from remote_service.config.source import Source, read_source
from remote_service.config.zero_limits import zero_limits


@dataclass(frozen=True, slots=True)
class LoadedType:
    """A session type and the file of its script."""

    type: SessionType
    script_path: Path
    """Absolute."""
    group_line: int | None = None
    """Where in the sessions file its group is named."""


@dataclass(frozen=True, slots=True)
class SessionsFile:
    """What `load_sessions_file` made of a file."""

    path: Path
    """Absolute."""
    types: tuple[LoadedType, ...]
    """In the file's order; entries with an error are not among them."""
    problems: tuple[Problem, ...]
    """Of the file as a whole first, then entry by entry."""


def load_sessions_file(path: Path, script_dirs: Sequence[Path]) -> SessionsFile:
    """Loads a sessions file; never raises for what is in it or around it.

    Args:
        path: the file. A relative one is meant from the current directory, as are those in `script_dirs`.
        script_dirs: where scripts are looked for after the file's own directory, in this order.

    Returns:
        The usable types and all problems. A problem that belongs to an entry disables that entry only; one
        that belongs to none and is an error means that the file holds no types at all.
    """
    source = read_source(path)
    directories = _directories(source.path, script_dirs)
    entries = [_load_entry(source, name, directories) for name in source.data]
    scripts = dict.fromkeys(entry.script_path for entry in entries if entry.script_path)
    whole_file = [problem for problem in source.problems if problem.entry not in source.data]
    problems = [problem for entry in entries for problem in entry.problems]
    return SessionsFile(
        source.path,
        tuple(entry.loaded for entry in entries if entry.loaded),
        (*whole_file, *_warnings(source.path, directories, list(scripts)), *problems),
    )


def find_scripts(path: Path, types: Iterable[SessionType], script_dirs: Sequence[Path]) -> SessionsFile:
    """What was loaded from the file before, with its scripts as they are found now; the file itself is not read.

    Args:
        path: the file's.
        types: what it held.
        script_dirs: as for `load_sessions_file`.
    """
    path = path.absolute()
    directories = _directories(path, script_dirs)
    found: list[LoadedType] = []
    problems: list[Problem] = []
    for each in types:
        script_path = find_script(each.script, directories)
        if isinstance(script_path, Finding):
            problems.append(script_path.at(str(path), each.name, script_path.key, None))
        else:
            found.append(LoadedType(each, script_path))
    return SessionsFile(path, tuple(found), tuple(problems))


def _directories(path: Path, script_dirs: Sequence[Path]) -> list[Path]:
    """Where a file's scripts are looked for."""
    return list(dict.fromkeys([path.parent, *(directory.absolute() for directory in script_dirs)]))


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry, judged."""

    problems: tuple[Problem, ...]
    script_path: Path | None = None
    """Of a script that was found, also when the entry cannot be used for another reason."""
    loaded: LoadedType | None = None


def _load_entry(source: Source, name: str, directories: Sequence[Path]) -> _Entry:
    raw = source.data[name]
    session_type, findings = check_entry(name, raw)
    script = raw.get("script") if isinstance(raw, dict) else None
    script_path = find_script(script, directories) if isinstance(script, str) else None
    if isinstance(script_path, Finding):
        findings = [*findings, script_path]
        script_path = None
    problems = _problems_of(source, name, findings)
    loaded = None
    if session_type and script_path and not problems:
        loaded = LoadedType(session_type, script_path, source.line_of((name, "options", "group")))
        problems = [*_option_warnings(source, loaded.type), *_limit_warnings(source, loaded.type)]
    return _Entry(tuple(problems), script_path, loaded)


def _option_warnings(source: Source, type_: SessionType) -> Iterator[Problem]:
    for option, meant in near_options(type_.options):
        key = ("options", option)
        line = source.line_of((type_.name, *key))
        yield Problem(
            str(source.path), type_.name, key, *clauses(option, meant), Code.OPTION_NEAR, Severity.WARNING, line
        )


def _limit_warnings(source: Source, type_: SessionType) -> Iterator[Problem]:
    for limit, found, expected, fix in zero_limits(type_.limits):
        key = ("limits", limit)
        line = source.line_of((type_.name, *key))
        yield Problem(str(source.path), type_.name, key, found, expected, fix, Code.LIMIT_ZERO, Severity.WARNING, line)


def _problems_of(source: Source, entry: str, findings: Sequence[Finding]) -> list[Problem]:
    """The entry's problems by line: the parser's, and the findings on keys it did not mention."""
    problems = [problem for problem in source.problems if problem.entry == entry]
    reported = {problem.key for problem in problems}
    for finding in findings:
        if finding.key not in reported:
            line = source.line_of((entry, *finding.key))
            problems.append(finding.at(str(source.path), entry, display_key(finding.key, source.data[entry]), line))
    return sorted(problems, key=lambda problem: problem.line or 0)


def _warnings(path: Path, directories: Sequence[Path], scripts: Sequence[Path]) -> Iterator[Problem]:
    asked = [(path, Code.FILE_WRITABLE)]
    asked += [(directory, Code.DIRECTORY_WRITABLE) for directory in directories]
    asked += [(script, Code.SCRIPT_WRITABLE) for script in scripts]
    for trusted, code in asked:
        warning = writable_warning(trusted, code)
        if warning:
            yield warning
