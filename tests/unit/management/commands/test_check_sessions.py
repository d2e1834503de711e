"""`manage.py check_sessions`: what it prints, and how it exits."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from remote_service import catalogue
from remote_service.hosting.account import AccountError

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(session_account: Any, settings: Any, tmp_path: Path) -> Path:
    """The site's own sessions file, sound and without types."""
    tmp_path.chmod(0o755)
    path = tmp_path / "sessions.json"
    path.write_text("{}")
    path.chmod(0o644)
    settings.REMOTE_SERVICE = replace(session_account, sessions_file=path, script_dirs=())
    return path


def check(*arguments: str) -> tuple[int, str]:
    """The exit status and what was printed."""
    printed = io.StringIO()
    try:
        call_command("check_sessions", *arguments, stdout=printed)
    except SystemExit as leaving:
        assert isinstance(leaving.code, int)
        return leaving.code, printed.getvalue()
    return 0, printed.getvalue()


def test_of_a_sound_file_it_says_so(file: Path) -> None:
    assert check() == (0, f"{file}: 0 errors, 0 warnings\n")


def test_it_prints_every_problem_and_exits_with_1(file: Path) -> None:
    file.write_text('{\n"A": {"script": "../a.py", "count": 1, "options": {}},\n"B": 7\n}')
    status, printed = check()
    assert status == 1
    assert printed == (
        f'error E030 {file}:2: at "A" \u203a script: found the path "../a.py"; '
        'expected the bare name of a Python file, such as "desktop_session.py". '
        'Fix: write "a.py", and put the file beside the sessions file or name its directory '
        "in REMOTE_SERVICE_SCRIPT_DIRS.\n"
        f'error E023 {file}:3: at "B": found the number 7; expected an object with at least script, count and options. '
        'Fix: write for example {"script": "desktop_session.py", "count": 1, "options": {}}.\n'
        f"{file}: 2 errors, 0 warnings\n"
    )


def test_warnings_alone_are_no_failure(file: Path) -> None:
    file.chmod(0o666)
    status, printed = check()
    assert status == 0
    assert printed.splitlines()[-1] == f"{file}: 0 errors, 1 warning"
    assert printed.startswith(f"warning W001 {file}: found ")


def test_it_checks_another_file_when_one_is_named(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other.json"
    other.write_text("[]")
    other.chmod(0o644)
    monkeypatch.chdir(tmp_path)
    status, printed = check("other.json")
    assert (status, printed.splitlines()[-1]) == (1, f"{other}: 1 error, 0 warnings")


def test_without_an_account_for_scripts_it_says_so(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_wanted: str) -> None:
        raise AccountError("the account 'nobody-here' does not exist")

    monkeypatch.setattr(catalogue, "session_account", refuse)
    with pytest.raises(CommandError) as caught:
        check()
    assert str(caught.value) == "the account 'nobody-here' does not exist"
