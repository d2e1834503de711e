"""A site in a temporary directory: a sessions file, scripts beside it, and a script directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from remote_service.config.loader import SessionsFile, load_sessions_file

ABSENT = object()
"""In the place of a value: the key is not there."""
STEP = " \u203a "
GOOD_ENTRY = {"script": "desktop.py", "count": 1, "options": {}}


class Site:
    """Writes the files and loads them; modes are set, so that the umask of the tests does not matter."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.directory.chmod(0o755)
        self.file = directory / "sessions.json"
        self.scripts = directory / "scripts"
        self.scripts.mkdir(mode=0o755)
        self.add_script("desktop.py")

    def add_script(self, name: str, text: str = "def realize_service(): ...\n", directory: Path | None = None) -> Path:
        path = (directory or self.directory) / name
        path.write_text(text)
        path.chmod(0o644)
        return path

    def write(self, content: str | bytes | dict[str, Any]) -> None:
        text = json.dumps(content, indent=1) if isinstance(content, dict) else content
        self.file.write_bytes(text if isinstance(text, bytes) else text.encode())
        self.file.chmod(0o644)

    def load(self, content: str | bytes | dict[str, Any]) -> SessionsFile:
        self.write(content)
        return load_sessions_file(self.file, [self.scripts])

    def messages(self, content: str | bytes | dict[str, Any]) -> list[str]:
        return [str(problem) for problem in self.load(content).problems]

    def entry_messages(self, **changes: Any) -> list[str]:
        """The messages on the entry "Desktop" in line 2, which is sound but for the changes."""
        entry = {key: value for key, value in {**GOOD_ENTRY, **changes}.items() if value is not ABSENT}
        return self.messages('{\n"Desktop": ' + json.dumps(entry) + "}")

    def at(self, *keys: str, line: int = 2, entry: str = "Desktop") -> str:
        """The start of a message on an entry; `form[1]` and the like are one key with what is before them."""
        return f"{self.file}:{line}: at {STEP.join([json.dumps(entry), *keys])}: "


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)
