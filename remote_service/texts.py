"""Sentences that are English in logs, events and REST, and that a page can still show in another language.

Where a page may come to show it, a sentence is written `_("Nobody is called %(name)r.", name="x")`, with `sentence`
imported as `_`, and one that counts something `ngettext("%(count)d slot", "%(count)d slots", 3, count=3)`, with
`counted` imported as `ngettext`: by those names Django's makemessages finds them. They are `str`, the English ones;
what they were made of comes along, and pages translate that (see `webui.words.translated`). No Django here, and no
language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Self

_NONE: Mapping[str, object] = MappingProxyType({})


class Sentence(str):
    """An English sentence, or a part of one, that knows its template and its values.

    Values may be sentences themselves. What is done to it as to any text (`+`, f-strings, `str()`) gives a plain text.
    """

    template: str
    values: Mapping[str, object]
    plural: str
    """The template for all numbers but one; empty when nothing is counted."""
    number: int

    def __new__(cls, template: str, values: Mapping[str, object] = _NONE, plural: str = "", number: int = 1) -> Self:
        """Fills the template in; without values a per cent sign in it means nothing."""
        english = plural if plural and number != 1 else template
        made = super().__new__(cls, english % values if values else english)
        made.template = template
        made.values = values
        made.plural = plural
        made.number = number
        return made

    def filled(self, **values: object) -> Sentence:
        """One that was written without its values, with them."""
        return Sentence(self.template, values)


def sentence(template: str, /, **values: object) -> Sentence:
    """A sentence that can be translated.

    Args:
        template: the English text, with `%(name)s` where a value comes.
        values: what comes there, by name.
    """
    return Sentence(template, values)


def counted(singular: str, plural: str, number: int, /, **values: object) -> Sentence:
    """A sentence that has another form for another number; languages have one, two or more of them.

    Args:
        singular: the English template for one.
        plural: for all other numbers.
        number: of what is counted; where the sentence says it, it is among the values too.
        values: as for `sentence`.
    """
    return Sentence(singular, values, plural, number)


def joined(*parts: str, by: str = " ") -> Sentence:
    """One after another, with a blank or what `by` says between them; empty ones are left out."""
    values = {f"part{number}": part for number, part in enumerate(parts) if part}
    return Sentence(by.join(f"%({name})s" for name in values), values)


def recognised(text: str, sentences: Iterable[Sentence]) -> Sentence | None:
    """The sentence that a text was made of, its values as texts; None when it is none of these.

    Args:
        text: the English one, as a row keeps it.
        sentences: without values; only `%(name)s` stands in their templates for one.
    """
    for candidate in sentences:
        if found := _shape(candidate.template).fullmatch(text):
            return candidate.filled(**found.groupdict())
    return None


@cache
def _shape(template: str) -> re.Pattern[str]:
    """What fits a template. A value that comes first is one word, or else free text might fit."""
    parts = re.split(r"%\((\w+)\)s", template)
    patterns = [re.escape(part) for part in parts]
    for place in range(1, len(parts), 2):
        value = ".+" if place > 1 or parts[0] else r"\S+"
        patterns[place] = f"(?P<{parts[place]}>{value})"
    return re.compile("".join(patterns), re.DOTALL)


def in_one_line(text: str) -> str:
    """What somebody typed, as one line that cannot act on a terminal: what is not printable is a blank."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def as_data(text: str) -> str | dict[str, Any]:
    """A text as JSON can hold it: of a sentence what it was made of. `from_data` takes it back."""
    if not isinstance(text, Sentence):
        return text
    values = {name: as_data(value) if isinstance(value, str) else value for name, value in text.values.items()}
    counts = {"plural": text.plural, "number": text.number} if text.plural else {}
    return {"template": text.template, "values": values, **counts}


def from_data(data: str | Mapping[str, Any]) -> str:
    """The text that `as_data` described.

    Raises:
        TypeError, KeyError, ValueError: `data` does not come from `as_data`.
    """
    if isinstance(data, str):
        return data
    values = {name: from_data(v) if isinstance(v, Mapping) else v for name, v in data["values"].items()}
    return Sentence(data["template"], values, data.get("plural", ""), data.get("number", 1))
