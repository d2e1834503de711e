"""What must agree in a launch form: keys with types, defaults with bounds, conditions with other fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from remote_service.config.form_values import expectation, fits
from remote_service.config.problems import Code, Finding
from remote_service.config.schema import MAX_LONG_TEXT, FormField
from remote_service.config.words import as_json, closest, listed, one_of, shown

_BELONGS_TO = {
    "choices": ("choice",),
    "min": ("number", "text"),
    "max": ("number", "text"),
    "unit": ("number",),
}
"""The keys that only some types of fields have."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A field whose name and type are sound; other keys may not be, and are then missing in `field`."""

    index: int
    field: FormField
    unsound: frozenset[str] = frozenset()
    """The keys that have an error of their own already."""


def check_form(candidates: Sequence[Candidate], names: Sequence[str]) -> list[Finding]:
    """All contradictions within the fields and between them.

    Args:
        candidates: the fields that can be judged.
        names: of all fields, also of those that cannot.
    """
    findings = [finding for candidate in candidates for finding in _check_field(candidate)]
    sound = {
        candidate.field.name: candidate.field
        for candidate in candidates
        if not candidate.unsound and not any(finding.key[1] == candidate.index for finding in findings)
    }
    findings += _check_names(candidates)
    for candidate in candidates:
        findings += _check_conditions(candidate, names, sound)
    findings += _check_circles(candidates, names)
    return findings


def _finding(candidate: Candidate, key: tuple[str, ...], found: str, expected: str, fix: str) -> Finding:
    return Finding(("form", candidate.index, *key), found, expected, fix, Code.FORM_CONTRADICTION)


def _check_field(candidate: Candidate) -> Iterator[Finding]:
    findings = [*_check_keys(candidate), *_check_bounds(candidate), *_check_choices(candidate)]
    yield from findings
    field = candidate.field
    judged = not findings and candidate.unsound.isdisjoint(_BELONGS_TO)
    if judged and field.default is not None and not fits(field, field.default):
        yield _finding(
            candidate,
            ("default",),
            shown(field.default),
            expectation(field),
            "write such a default, or leave it out",
        )


def _check_keys(candidate: Candidate) -> Iterator[Finding]:
    field = candidate.field
    for key, types in _BELONGS_TO.items():
        if getattr(field, key) not in (None, (), []) and field.type not in types:
            yield _finding(
                candidate,
                (key,),
                f"this key in a field of the type {as_json(field.type)}",
                f"it only with the type {' or '.join(as_json(name) for name in types)}",
                "remove it, or change the type",
            )


def _check_bounds(candidate: Candidate) -> Iterator[Finding]:
    field = candidate.field
    if field.type not in ("number", "text"):
        return
    if field.type == "text":
        for key, bound in (("min", field.min), ("max", field.max)):
            if bound is not None and not (bound == int(bound) and 0 <= bound <= MAX_LONG_TEXT):
                yield _finding(
                    candidate,
                    (key,),
                    shown(bound),
                    f"a number of characters from 0 to {MAX_LONG_TEXT}",
                    "write a whole number in that range",
                )
    if field.min is not None and field.max is not None and field.min > field.max:
        yield _finding(
            candidate,
            ("min",),
            shown(field.min),
            f"at most the max of the field, {as_json(field.max)}",
            "exchange the two, or correct one of them",
        )


def _check_choices(candidate: Candidate) -> Iterator[Finding]:
    field = candidate.field
    if field.type != "choice":
        return
    if not field.choices and "choices" not in candidate.unsound:
        found = "an empty list" if "choices" in field.model_fields_set else "no such key"
        fix = 'write for example "choices": ["small", "large"]'
        yield _finding(candidate, ("choices",), found, "the list of what can be chosen", fix)
    twice = [choice for choice, times in Counter(field.choices).items() if times > 1]
    if twice:
        found = f"{listed([as_json(choice) for choice in twice])} more than once"
        yield _finding(candidate, ("choices",), found, "each choice once", "remove the repeated ones")


def _check_names(candidates: Sequence[Candidate]) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for candidate in candidates:
        name = candidate.field.name
        if name in first:
            found = f"{as_json(name)}, which is the name of form[{first[name]}] too"
            yield _finding(candidate, ("name",), found, "a name of its own for each field", "rename one of the two")
        first.setdefault(name, candidate.index)


def _check_conditions(candidate: Candidate, names: Sequence[str], sound: dict[str, FormField]) -> Iterator[Finding]:
    others = [name for name in names if name != candidate.field.name]
    for name, values in candidate.field.conditions.items():
        key = ("show_if", name)
        if name not in others:
            known = one_of(others) if others else "the name of another field, of which there is none"
            near = closest(name, others)
            found = "the field itself" if name == candidate.field.name else "no field of this name"
            yield _finding(candidate, key, found, known, f"did you mean {as_json(near)}?" if near else "remove it")
        elif name in sound:
            for value in values:
                if not fits(sound[name], value):
                    fix = f"write a value that {as_json(name)} can have"
                    yield _finding(candidate, key, shown(value), expectation(sound[name]), fix)


def _check_circles(candidates: Sequence[Candidate], names: Sequence[str]) -> Iterator[Finding]:
    by_name = {candidate.field.name: candidate for candidate in candidates}
    graph = {name: candidate.field.show_if.keys() - {name} for name, candidate in by_name.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        start = min(circle, key=names.index)
        way = " needs ".join(as_json(name) for name in _rotated(circle[:-1], start))
        yield _finding(
            by_name[start],
            ("show_if",),
            f"a circle: {way} needs {as_json(start)}",
            "conditions that do not lead back to the field",
            "remove one of these conditions",
        )


def _rotated(circle: list[str], start: str) -> list[str]:
    """The circle from `start` on, in the direction in which each needs the next."""
    backwards = circle[::-1]
    at = backwards.index(start)
    return backwards[at:] + backwards[:at]
