"""The units for systemd are sound, fit together, and what they type is what the checkout has."""

from __future__ import annotations

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

from remote_service.hosting.shares import CONTROLLERS
from remote_service.supervisor import SHUTDOWN_PATIENCE
from sessions_config.environment import Environment
from tests.unit.docs.pages import PLACE, ROOT

GATEWAY, SESSIONS, SUPERVISOR, PAGES = UNITS = tuple(
    ROOT / "docs" / f"{name}.service"
    for name in ("remote-session", "remote-session-sessions", "remote-session-supervisor", "remote-session-gateway")
)
SERVERS = (GATEWAY, SUPERVISOR, PAGES)


def unit(path: Path) -> dict[str, dict[str, list[str]]]:
    """Sections, keys, and the values of each: keys may come again."""
    found: dict[str, dict[str, list[str]]] = {}
    for line in path.read_text().splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            section.setdefault(key, []).append(value)
    return found


def service(path: Path, key: str) -> str:
    (value,) = unit(path)["Service"][key]
    return value


def test_they_are_all_there_are() -> None:
    assert set(UNITS) == set((ROOT / "docs").glob("*.service"))


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_every_line_is_a_key_with_a_value(path: Path) -> None:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's keys have capitals
    parser.read_string(path.read_text())
    assert parser.sections() == ["Unit", "Service", "Install"]
    assert parser["Install"]["WantedBy"] == "multi-user.target"


@pytest.mark.parametrize("path", [GATEWAY, SUPERVISOR], ids=lambda path: path.stem)
def test_sessions_outlive_what_supervises_them(path: Path) -> None:
    assert (service(path, "Type"), service(path, "KillMode")) == ("simple", "process")
    assert service(path, "OOMPolicy") == "continue"
    assert int(service(path, "TimeoutStopSec")) > SHUTDOWN_PATIENCE
    # It would be another /tmp for the next start than sessions have that stay.
    assert not {key for key in unit(path)["Service"] if key.startswith(("Private", "Protect"))}


@pytest.mark.parametrize("path", SERVERS, ids=lambda path: path.stem)
def test_systemd_never_gives_up_starting_it(path: Path) -> None:
    assert service(path, "Restart") == "always"
    assert unit(path)["Unit"]["StartLimitIntervalSec"] == ["0"]
    assert int(service(path, "LimitNOFILE")) == 65536


@pytest.mark.parametrize("path", [GATEWAY, SUPERVISOR], ids=lambda path: path.stem)
def test_its_sessions_have_their_groups_in_the_unit_of_the_sessions(path: Path) -> None:
    variables = dict(each.split("=", 1) for each in unit(path)["Service"]["Environment"])
    name = Environment.model_fields["cgroup"].validation_alias
    assert variables[str(name)] == f"/system.slice/{SESSIONS.name}"
    assert unit(path)["Unit"]["Wants"] == [SESSIONS.name]
    assert SESSIONS.name in unit(path)["Unit"]["After"][0].split()


def test_the_unit_of_the_sessions_passes_on_what_limits_them() -> None:
    assert set(service(SESSIONS, "Delegate").split()) == CONTROLLERS.keys()
    assert (service(SESSIONS, "OOMPolicy"), service(SESSIONS, "TasksMax")) == ("continue", "infinity")
    # Its end is the end of all of them.
    assert service(SESSIONS, "KillMode") == "control-group"
    # Nothing starts it again by itself, which would be the same.
    assert "Restart" not in unit(SESSIONS)["Service"]


@pytest.mark.parametrize("path", SERVERS, ids=lambda path: path.stem)
def test_its_directories_are_those_that_it_uses(path: Path) -> None:
    variables = dict(each.split("=", 1) for each in unit(path)["Service"]["Environment"])
    assert variables["REMOTE_SERVICE_STATE_DIR"] == f"/var/lib/{service(path, 'StateDirectory')}"
    assert service(path, "StateDirectoryMode") == "0700"


@pytest.mark.parametrize("path", [GATEWAY, PAGES], ids=lambda path: path.stem)
def test_its_socket_is_where_nginx_looks_for_it(path: Path) -> None:
    socket = f"/run/{service(path, 'RuntimeDirectory')}/gateway.sock"
    assert f"--uds {socket}" in service(path, "ExecStart")
    assert f"server unix:{socket};" in (ROOT / "docs" / "nginx.conf").read_text()
    assert (service(path, "RuntimeDirectoryMode"), service(path, "Group")) == ("0750", "www-data")
    assert service(path, "RuntimeDirectoryPreserve") == "restart"


@pytest.mark.parametrize("path", SERVERS, ids=lambda path: path.stem)
def test_it_starts_programs_of_the_checkout(path: Path) -> None:
    assert service(path, "WorkingDirectory") == PLACE
    for key in {"ExecStartPre", "ExecStart"} & unit(path)["Service"].keys():
        assert service(path, key).startswith(f"{PLACE}/.venv/bin/python ")


def test_systemd_finds_nothing_wrong_with_them(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed; the tests above read the files without it")
    here = [tmp_path / path.name for path in UNITS]
    for path, copy in zip(UNITS, here, strict=True):
        copy.write_text(path.read_text().replace(PLACE, str(ROOT)))
    verified = subprocess.run(
        ["systemd-analyze", "verify", *map(str, here)], capture_output=True, text=True, timeout=60, check=False
    )
    # What it says of other units of the machine is not about ours.
    assert [line for line in verified.stderr.splitlines() if "remote-session" in line] == []
    assert verified.returncode == 0, verified.stderr
