"""The sample unit of systemd is sound, and what it types is what `manage.py` takes."""

from __future__ import annotations

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.docs.pages import PLACE, ROOT

UNIT = ROOT / "docs" / "remote-session.service"


def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's keys have capitals
    parser.read_string(UNIT.read_text())
    return parser


def test_it_ends_the_server_as_the_server_wants_to_be_ended() -> None:
    service = unit()["Service"]
    assert (service["Type"], service["KillMode"]) == ("simple", "process")
    assert int(service["TimeoutStopSec"]) > 5


def test_its_directories_are_those_that_it_uses() -> None:
    service = unit()["Service"]
    assert service["Environment"] == f"REMOTE_SERVICE_STATE_DIR=/var/lib/{service['StateDirectory']}"
    assert service["StateDirectoryMode"] == "0700"
    assert service["ExecStart"].endswith(f"serve --uds /run/{service['RuntimeDirectory']}/gateway.sock")
    assert service["RuntimeDirectoryMode"] == "0750"
    assert f"server unix:/run/{service['RuntimeDirectory']}/gateway.sock;" in (ROOT / "docs" / "nginx.conf").read_text()


def test_it_starts_programs_of_the_checkout() -> None:
    service = unit()["Service"]
    assert service["WorkingDirectory"] == PLACE
    for key in ("ExecStartPre", "ExecStart"):
        assert service[key].startswith(f"{PLACE}/.venv/bin/python manage.py ")


def test_systemd_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed; the tests above read the file without it")
    here = tmp_path / UNIT.name
    here.write_text(UNIT.read_text().replace(PLACE, str(ROOT)))
    verified = subprocess.run(
        ["systemd-analyze", "verify", str(here)], capture_output=True, text=True, timeout=60, check=False
    )
    # What it says of other units of the machine is not about ours.
    assert [line for line in verified.stderr.splitlines() if UNIT.name in line] == []
    assert verified.returncode == 0, verified.stderr
