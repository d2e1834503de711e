"""Which versions of what are at work here: the first question whenever something behaves as nobody expected."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
TIGERVNC = ("Xtigervnc", "Xvnc")
"""Its names: Debian's, then everybody else's."""
_VERSION = re.compile(r"\b\d+\.\d+(?:\.\d+)*\b")
_PATIENCE = 5.0
"""Seconds that a program may take to say its version."""


def versions() -> dict[str, str]:
    """Name to version; what is not found says so."""
    packages = {found.name.lower(): found.version for found in metadata.distributions()}
    return {
        "gateway": gateway_version(),
        "python": sys.version.split()[0],
        "kernel": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "distribution": _distribution(),
        "tigervnc": tigervnc_version(),
        **dict(sorted(packages.items())),
    }


def gateway_version() -> str:
    """Ours, as the checkout says it."""
    try:
        return str(tomllib.loads(PROJECT.read_text())["project"]["version"])
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        return f"not found: {error}"


def tigervnc_version(names: tuple[str, ...] = TIGERVNC) -> str:
    """That of the first of the programs that is on PATH."""
    for name in names:
        try:
            said = subprocess.run([name, "-version"], capture_output=True, text=True, timeout=_PATIENCE, check=False)
        except (OSError, subprocess.TimeoutExpired):
            continue
        found = _VERSION.search(said.stderr + said.stdout)
        return found[0] if found else "unknown"
    return "not found"


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return "unknown"
