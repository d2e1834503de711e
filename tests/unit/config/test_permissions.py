"""Who else may write."""

from __future__ import annotations

from pathlib import Path

import pytest

from remote_service.config.permissions import other_writers, writable_warning
from remote_service.config.problems import Code

FILE, DIRECTORY, STICKY = 0o100000, 0o040000, 0o1000


@pytest.mark.parametrize(
    ("mode", "writers"),
    [
        (FILE | 0o644, None),
        (FILE | 0o600, None),
        (FILE | 0o755, None),
        (FILE | 0o664, "its group"),
        (FILE | 0o646, "everybody"),
        (FILE | 0o666, "everybody"),
        (FILE | STICKY | 0o666, "everybody"),
        (DIRECTORY | 0o755, None),
        (DIRECTORY | 0o775, "its group"),
        (DIRECTORY | 0o777, "everybody"),
        (DIRECTORY | STICKY | 0o777, None),
    ],
)
def test_who_else_may_write(mode: int, writers: str | None) -> None:
    assert other_writers(mode) == writers


def test_the_warning_names_the_command_to_type(tmp_path: Path) -> None:
    path = tmp_path / "my script.py"
    path.touch()
    path.chmod(0o664)
    warning = writable_warning(path, Code.SCRIPT_WRITABLE)
    assert str(warning) == (
        f"{path}: found the mode 0664, with which its group may write it; expected that only its owner may. "
        f"Fix: chmod go-w '{path}'."
    )
    assert warning is not None
    assert (warning.code, warning.is_error) == ("W002", False)


def test_what_is_fine_or_missing_gives_no_warning(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert writable_warning(tmp_path, Code.DIRECTORY_WRITABLE) is None
    assert writable_warning(tmp_path / "missing", Code.FILE_WRITABLE) is None
    assert writable_warning(Path("\0"), Code.FILE_WRITABLE) is None
