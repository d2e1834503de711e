"""How values and names are put into messages: short, on one line, and harmless whatever they hold."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence

from remote_service.texts import joined
from remote_service.texts import sentence as _

MAX_SHOWN = 80
"""Characters of a value that a message shows; the rest is an ellipsis."""


def as_json(value: object) -> str:
    """The value as it would stand in the JSON file, on one line, cut to `MAX_SHOWN` characters.

    Characters that are not printable (control characters, direction marks, half surrogates) appear as
    escapes.
    """
    text = "".join(
        character if character.isprintable() else json.dumps(character)[1:-1]
        for character in json.dumps(value, ensure_ascii=False)
    )
    return shortened(text)


def shortened(text: str) -> str:
    """At most `MAX_SHOWN` characters of the text, the last one an ellipsis when something is missing."""
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def shown(value: object) -> str:
    """The value with its kind: `the text "2"`, `the number 1.5`, `true`, `an empty list`."""
    if value is None or isinstance(value, bool):
        return as_json(value)
    if value in ("", [], {}):
        return {str: _("an empty text"), list: _("an empty list"), dict: _("an empty object")}[type(value)]
    kinds = {
        str: _("the text %(value)s"),
        int: _("the number %(value)s"),
        float: _("the number %(value)s"),
        list: _("the list %(value)s"),
        dict: _("the object %(value)s"),
    }
    return kinds[type(value)].filled(value=as_json(value))


def harmless(text: str) -> str:
    """Text of several lines in which only line breaks and tabs are left of the control characters."""
    if text.isprintable():
        return text  # a sentence stays one
    return "".join(
        character if character.isprintable() or character in "\n\t" else json.dumps(character)[1:-1]
        for character in text
    )


def one_of(names: Iterable[str]) -> str:
    """`"a"`, or `one of "a", "b" and "c"`, each in quotes."""
    quoted = [as_json(name) for name in names]
    return quoted[0] if len(quoted) == 1 else _("one of %(names)s", names=listed(quoted))


def closest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `word` was probably meant to be, capital letters aside; None when none is near."""
    by_lower = {candidate.lower(): candidate for candidate in candidates}
    matches = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[matches[0]] if matches else None


def did_you_mean(near: str) -> str:
    """The remedy for a word that is almost one of ours."""
    return _("did you mean %(name)s?", name=as_json(near))


def otherwise(near: str | None, remedy: str) -> str:
    """The remedy, after the name that was probably meant if there is one."""
    return _("did you mean %(name)s? Otherwise %(remedy)s", name=as_json(near), remedy=remedy) if near else remedy


def for_example(sample: str) -> str:
    """The remedy for what has not the form that it should have."""
    return _("write for example %(sample)s", sample=sample)


def plural(number: int, noun: str) -> str:
    """`1 thread`, `3 threads`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`; nothing for no parts."""
    if len(parts) < 2:
        return "".join(parts)
    return _("%(names)s and %(last)s", names=joined(*parts[:-1], by=", "), last=parts[-1])
