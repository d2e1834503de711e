"""`manage.py check` and `manage.py check_sessions` as an admin sees them, with scripts that are really loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from remote_service import checks
from remote_service.conf import GatewaySettings
from tests.integration.probe_site import SCRIPT

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A sessions file with a type that is sound and one that is not."""
    for folder in (tmp_path, tmp_path / "site"):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
    site = tmp_path / "site"
    for name, text in {
        "probe.py": SCRIPT,
        "broken.py": "import os\n\nraise RuntimeError('no licence')\n",
        "sessions.json": '{"Good": {"script": "probe.py", "count": 1, "options": {"group": "Nobody"}},\n'
        ' "Bad": {"script": "broken.py", "count": 1, "options": {}}}\n',
    }.items():
        (site / name).write_text(text)
        (site / name).chmod(0o644)
    return site


def manage(*arguments: str, state: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REMOTE_SERVICE_")}
    # Where coverage is measured, script hosts are measured too.
    passed = {name: os.environ[name] for name in ("REMOTE_SERVICE_SCRIPT_ENV",) if name in os.environ}
    variables = {"REMOTE_SERVICE_STATE_DIR": str(state), "REMOTE_SERVICE_SESSION_USER": "root", **passed, **variables}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


PROBLEM = (
    '{site}/broken.py:3: at "Bad" \u203a script: found that its import raised RuntimeError: no licence; '
    "expected that importing the script only defines things."
)


def test_check_shows_problems_with_hints_and_fails(directory: Path, tmp_path: Path) -> None:
    checked = manage("check", state=tmp_path / "state", REMOTE_SERVICE_CONFIG=str(directory / "sessions.json"))
    assert checked.returncode == 1
    shown = checked.stderr
    assert f"?: (remote_service.E041) {PROBLEM.format(site=directory)}" in shown
    assert "\tHINT: Correct what the traceback shows.\n" in shown
    assert "RuntimeError: no licence\n" in shown
    assert (
        "?: (remote_service.W101) REMOTE_SERVICE_SESSION_USER is 'root': every session script runs as root.\n" in shown
    )
    # The database is not migrated, so whether the group exists cannot be asked.
    assert "W004" not in shown


def test_check_sessions_prints_problems_and_exits_with_1(directory: Path, tmp_path: Path) -> None:
    file = directory / "sessions.json"
    checked = manage("check_sessions", str(file), state=tmp_path / "state")
    assert checked.returncode == 1
    first, *_traceback, last = checked.stdout.splitlines()
    assert first == f"error E041 {PROBLEM.format(site=directory)} Fix: correct what the traceback shows."
    assert last == f"{file}: 1 error, 0 warnings"


@pytest.mark.django_db(transaction=True)
def test_a_group_that_the_site_does_not_have_is_a_warning(
    session_account: GatewaySettings, settings: Any, directory: Path
) -> None:
    settings.REMOTE_SERVICE = replace(session_account, sessions_file=directory / "sessions.json", script_dirs=())
    found = {message.id: message for message in checks.check_sessions_file()}
    assert set(found) == {"remote_service.E041", "remote_service.W004"}
    warning = found["remote_service.W004"]
    assert (warning.msg, warning.hint, warning.is_serious()) == (
        f'{directory}/sessions.json:1: at "Good" \u203a options \u203a group: found the unknown group "Nobody", which '
        "admits nobody; expected a group of the user database.",
        'Create the group "Nobody" in the admin pages.',
        False,
    )
