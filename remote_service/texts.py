"""Sentences that are English in logs, events and REST, and that a page can still show in another language.

Where a page may come to show it, a sentence is written `_("All %(count)d slots are in use.", count=3)`, with `sentence`
imported as `_`: by that name Django's makemessages finds it. It is a `str`, the English one; what it was made of comes
along, and pages translate that (see `webui.words.translated`). No Django here, and no language.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Self

_NONE: Mapping[str, object] = MappingProxyType({})


class Sentence(str):
    """An English sentence, or a part of one, that knows its template and its values.

    Values may be sentences themselves. What is done to it as to any text (`+`, f-strings, `str()`) gives a plain text.
    """

    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, values: Mapping[str, object] = _NONE) -> Self:
        """Fills the template in; without values a per cent sign in it means nothing."""
        made = super().__new__(cls, template % values if values else template)
        made.template = template
        made.values = values
        return made


def sentence(template: str, /, **values: object) -> Sentence:
    """A sentence that can be translated.

    Args:
        template: the English text, with `%(name)s` where a value comes.
        values: what comes there, by name.
    """
    return Sentence(template, values)


def joined(*parts: str) -> Sentence:
    """One after another with a blank between them; empty ones are left out."""
    values = {f"part{number}": part for number, part in enumerate(parts) if part}
    return Sentence(" ".join(f"%({name})s" for name in values), values)
