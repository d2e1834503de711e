"""Amounts of memory as people write them: "8G" is 8 GiB, as systemd and the kernel have it."""

from __future__ import annotations

import re

_UNITS = "KMGT"
_WRITTEN = re.compile(rf"(\d+(?:\.\d+)?)([{_UNITS}])?(?:i?B)?")


def bytes_of(written: str) -> int:
    """The bytes that a text such as "8G", "512 MiB" or "1.5T" means.

    Raises:
        ValueError: it means no amount.
    """
    found = _WRITTEN.fullmatch(written.replace(" ", ""))
    if found is None:
        raise ValueError(f"{written!r} is no amount of memory; expected a number and a unit, such as '8G'")
    return int(float(found[1]) * 1024 ** (_UNITS.index(found[2]) + 1 if found[2] else 0))


def in_words(amount: int) -> str:
    """The amount in the largest unit of which there is one: "8 GiB", "1.5 TiB"."""
    power = min(max(0, (amount.bit_length() - 1) // 10), len(_UNITS))
    return f"{amount / 1024**power:.4g} {_UNITS[power - 1] + 'i' if power else ''}B"
