"""What must agree in a launch form: keys with types, defaults with bounds, conditions with other fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from remote_service.config.form_values import expectation, fits
from remote_service.config.problems import Code, Finding
from remote_service.config.schema import FormField
from remote_service.config.values import MAX_LONG_TEXT
from remote_service.config.words import as_json, closest, did_you_mean, for_example, listed, one_of, shown
from remote_service.texts import sentence as _

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
            _("write such a default, or leave it out"),
        )


def _check_keys(candidate: Candidate) -> Iterator[Finding]:
    field = candidate.field
    for key, types in _BELONGS_TO.items():
        if getattr(field, key) not in (None, (), []) and field.type not in types:
            yield _finding(
                candidate,
                (key,),
                _("this key in a field of the type %(name)s", name=as_json(field.type)),
                _("it only with the type %(names)s", names=_either([as_json(name) for name in types])),
                _("remove it, or change the type"),
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
                    _("a number of characters from 0 to %(most)s", most=MAX_LONG_TEXT),
                    _("write a whole number in that range"),
                )
    if field.min is not None and field.max is not None and field.min > field.max:
        yield _finding(
            candidate,
            ("min",),
            shown(field.min),
            _("at most the max of the field, %(value)s", value=as_json(field.max)),
            _("exchange the two, or correct one of them"),
        )


def _check_choices(candidate: Candidate) -> Iterator[Finding]:
    field = candidate.field
    if field.type != "choice":
        return
    if not field.choices and "choices" not in candidate.unsound:
        found = _("an empty list") if "choices" in field.model_fields_set else _("no such key")
        fix = for_example('"choices": ["small", "large"]')
        yield _finding(candidate, ("choices",), found, _("the list of what can be chosen"), fix)
    twice = [choice for choice, times in Counter(field.choices).items() if times > 1]
    if twice:
        found = _("%(names)s more than once", names=listed([as_json(choice) for choice in twice]))
        yield _finding(candidate, ("choices",), found, _("each choice once"), _("remove the repeated ones"))


def _check_names(candidates: Sequence[Candidate]) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for candidate in candidates:
        name = candidate.field.name
        if name in first:
            found = _("%(name)s, which is the name of %(other)s too", name=as_json(name), other=f"form[{first[name]}]")
            own = _("a name of its own for each field")
            yield _finding(candidate, ("name",), found, own, _("rename one of the two"))
        first.setdefault(name, candidate.index)


def _check_conditions(candidate: Candidate, names: Sequence[str], sound: dict[str, FormField]) -> Iterator[Finding]:
    others = [name for name in names if name != candidate.field.name]
    for name, values in candidate.field.conditions.items():
        key = ("show_if", name)
        if name not in others:
            known = one_of(others) if others else _("the name of another field, of which there is none")
            near = closest(name, others)
            found = _("the field itself") if name == candidate.field.name else _("no field of this name")
            yield _finding(candidate, key, found, known, did_you_mean(near) if near else _("remove it"))
        elif name in sound:
            for value in values:
                if not fits(sound[name], value):
                    fix = _("write a value that %(name)s can have", name=as_json(name))
                    yield _finding(candidate, key, shown(value), expectation(sound[name]), fix)


def _check_circles(candidates: Sequence[Candidate], names: Sequence[str]) -> Iterator[Finding]:
    by_name = {candidate.field.name: candidate for candidate in candidates}
    graph = {name: candidate.field.show_if.keys() - {name} for name, candidate in by_name.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        start = min(circle, key=names.index)
        way = as_json(start)
        for name in [*_rotated(circle[:-1], start)[1:], start]:
            way = _("%(first)s needs %(second)s", first=way, second=as_json(name))
        yield _finding(
            by_name[start],
            ("show_if",),
            _("a circle: %(way)s", way=way),
            _("conditions that do not lead back to the field"),
            _("remove one of these conditions"),
        )


def _either(names: Sequence[str]) -> str:
    """One or two names."""
    return names[0] if len(names) == 1 else _("%(first)s or %(second)s", first=names[0], second=names[1])


def _rotated(circle: list[str], start: str) -> list[str]:
    """The circle from `start` on, in the direction in which each needs the next."""
    backwards = circle[::-1]
    at = backwards.index(start)
    return backwards[at:] + backwards[:at]
