"""Who does something, as rows and logs name it."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, from which address, by which door."""

    name: str = ""
    address: str = ""
    door: str = "supervisor"


def whoever_types() -> Actor:
    """The account of this machine that types the command; with sudo the one that did so before it became root."""
    name = os.environ.get("SUDO_USER", "") if os.getuid() == 0 else ""
    try:
        name = name or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = f"uid {os.getuid()}"
    return Actor(name, "", "command")
