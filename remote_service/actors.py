"""Who does something, as rows and logs name it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, from which address, by which door."""

    name: str = ""
    address: str = ""
    door: str = "supervisor"
