"""Which modules a page's script imports, so that a browser can fetch all of them at once.

Without it each level of imports costs a round trip, and noVNC has six levels.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path, PurePosixPath
from posixpath import normpath

from webui.storage import OWN_STATIC

_IMPORT = re.compile(
    r"""^\s*(?:import\s*(?:[^"';]*\bfrom\s*)?|export\b[^"';=]*\bfrom\s*)["'](\.{1,2}/[^"']+)["']\s*;""", re.MULTILINE
)


@cache
def import_closure(entry: str, root: Path = OWN_STATIC) -> tuple[str, ...]:
    """The static names of a module and of all that it imports, directly or through others; itself first.

    Args:
        entry: its static name, such as "webui/viewer.js".
        root: the folder that static names are relative to.

    Raises:
        FileNotFoundError: one of them is missing.
    """
    found = [entry]
    for name in found:
        text = (root / name).read_text(encoding="utf-8")
        imported = (normpath(f"{PurePosixPath(name).parent}/{target}") for target in _IMPORT.findall(text))
        found += [one for one in dict.fromkeys(imported) if one not in found]
    return tuple(found)
