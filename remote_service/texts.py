"""Sentences that are English in logs, events and REST, and that a page can still show in another language.

Where a page may come to show it, a sentence is written `_("Nobody is called %(name)r.", name="x")`, with `sentence`
imported as `_`, and one that counts something `ngettext("%(count)d slot", "%(count)d slots", 3, count=3)`, with
`counted` imported as `ngettext`: by those names Django's makemessages finds them. They are `str`, the English ones;
what they were made of comes along, and pages translate that (see `webui.words.translated`). No Django here, and no
language.
"""

from __future__ import annotations

from collections.abc import Mapping
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


def joined(*parts: str) -> Sentence:
    """One after another with a blank between them; empty ones are left out."""
    values = {f"part{number}": part for number, part in enumerate(parts) if part}
    return Sentence(" ".join(f"%({name})s" for name in values), values)


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
