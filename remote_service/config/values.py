"""What values of the sessions file may be, whichever key has them, and how messages speak of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from remote_service.texts import counted as ngettext
from remote_service.texts import sentence as _

MAX_NAME = 100
MAX_COUNT = 10_000
MAX_SECONDS = 1_000_000_000
"""Some 31 years: what is longer cannot be added to a date; `null` means none."""
MAX_SIZE_TEXT = 64
MAX_TEXT = 256
"""Characters of an option's value, unless a text field has a `max` of its own."""
MAX_LONG_TEXT = 4096

RESERVED_NAMES = ("size", "username", "token", "security_token")
"""Names that a form field cannot have: they mean something else in the options or in a REST query."""


@dataclass(frozen=True, slots=True)
class Says:
    """How messages speak of a key."""

    expected: str
    sample: str
    """JSON, as a remedy proposes it."""
    item: str = ""
    """What each item of the list, or value of the object, is expected to be."""


def is_printable(text: str) -> bool:
    """Whether the text shows something, on one line: printable characters and not only blanks."""
    return text.isprintable() and not text.isspace() and text != ""


def _printable(text: str) -> str:
    if not is_printable(text):
        raise ValueError("not printable")
    return text


def printable_lines(text: str) -> str:
    """Refuses a text whose lines have characters that show nothing, by a ValueError."""
    if not all(character.isprintable() or character == "\n" for character in text):
        raise ValueError("not printable")
    return text


def _trimmed(text: str) -> str:
    if text != text.strip():
        raise ValueError("blanks at an end")
    return text


def _field_name(name: str) -> str:
    if not (name.isascii() and name.isidentifier()) or name in RESERVED_NAMES:
        raise ValueError("not a field name")
    return name


Name = Annotated[str, Field(max_length=MAX_NAME), AfterValidator(_printable), AfterValidator(_trimmed)]
SizeText = Annotated[str, Field(max_length=MAX_SIZE_TEXT), AfterValidator(_printable)]
GroupName = Annotated[str, Field(max_length=150), AfterValidator(_printable)]
Extension = Annotated[str, Field(max_length=32), AfterValidator(_printable)]
ShortText = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(_printable)]
Identifier = Annotated[str, Field(max_length=64), AfterValidator(_field_name)]
Seconds = Annotated[float | None, Field(ge=0, le=MAX_SECONDS)]
Number = Annotated[float, Field(ge=-1e15, le=1e15)]
Scalar = str | int | float | bool

_SECONDS = _("a number of seconds from 0 to %(most)s, or null for none", most=MAX_SECONDS)


def printable_text(most: int) -> str:
    """How messages speak of a text of so many characters at most."""
    return ngettext(
        "a text of 1 to %(most)d printable character", "a text of 1 to %(most)d printable characters", most, most=most
    )


TEXT = printable_text(MAX_TEXT)


def seconds(sample: str) -> Says:
    """How messages speak of a number of seconds, or none."""
    return Says(_SECONDS, sample)


def text(sample: str) -> Says:
    """How messages speak of a short text."""
    return Says(TEXT, sample)


class Strict(BaseModel):
    """No guessing: a number in quotes is a text, and a key that is not listed is an error."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    LATER_KEYS: ClassVar[frozenset[str]] = frozenset()
    """Keys that came after the first release, in which what is stored must not have them as long as they are None."""

    @classmethod
    def from_stored(cls, stored: Any) -> Self:
        """What a release stored; keys that a later one has added are none of ours."""
        return cls.model_validate(stored, extra="ignore")

    def to_store(self) -> dict[str, Any]:
        """What is stored of it, so that releases on both sides of an upgrade can read it."""
        return self.model_dump(mode="json")

    @model_serializer(mode="wrap")
    def _without_later_keys(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found: dict[str, Any] = dump(self)
        return {key: value for key, value in found.items() if value is not None or key not in self.LATER_KEYS}
