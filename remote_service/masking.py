"""Keeping secrets out of what people get to read: by their names in structures, by their values in texts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MASK = "********"
_SECRET_NAME = re.compile("pass|secret|token|key|credential|auth|pwd", re.IGNORECASE)
_PASSWORD_IN_URL = re.compile(r"(?<=://)[^/\s@'\"]+(?=@)")
_TOKEN_IN_URL = re.compile(r"(?<=token=)[^&\s'\"]+")
_FIELD_VALUES = ("default", "choices")
_FEWEST_CHARACTERS = 4
"""Of a secret: masking shorter ones would make the rest unreadable."""


@dataclass(frozen=True, slots=True)
class Masker:
    """Takes known secrets, and what looks like one in an address, out of texts."""

    secrets: tuple[str, ...]

    @classmethod
    def of(cls, secrets: Iterable[str]) -> Masker:
        """One for these; the longest first, since one may hold another."""
        return cls(tuple(sorted({s for s in secrets if len(s) >= _FEWEST_CHARACTERS}, key=len, reverse=True)))

    def mask(self, text: str) -> str:
        """The text without them."""
        for secret in self.secrets:
            # JSON writes some characters in another way.
            for written in {secret, json.dumps(secret)[1:-1]}:
                text = text.replace(written, MASK)
        return _TOKEN_IN_URL.sub(MASK, _PASSWORD_IN_URL.sub(MASK, text))

    def mask_texts(self, value: Any) -> Any:
        """The value, with every text in it without them; names stay."""
        if isinstance(value, Mapping):
            return {name: self.mask_texts(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.mask_texts(inner) for inner in value]
        return self.mask(value) if isinstance(value, str) else value


def without_secrets(value: Any, masked: set[str], secret: bool = False) -> Any:
    """The value with everything masked whose name says that it is a secret; arguments may hold some as well.

    Args:
        value: a column, an entry, or a part of one.
        masked: what is masked is added to it.
        secret: whether the value's own name says so.
    """
    if isinstance(value, Mapping):
        # A field of a form has its name as a value, and may hold what the option would.
        of_field = _FIELD_VALUES if _SECRET_NAME.search(str(value.get("name", ""))) else ()
        return {
            name: without_secrets(inner, masked, name in of_field or bool(_SECRET_NAME.search(str(name))))
            for name, inner in value.items()
            if name != "argv"
        }
    if isinstance(value, list | tuple):
        return [without_secrets(inner, masked, secret) for inner in value]
    if not secret or value is None or isinstance(value, bool):
        return value
    masked.add(str(value))
    return MASK
