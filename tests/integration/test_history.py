"""What a real server keeps of its sessions, tells of them, and throws away: rows, audit lines, logs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.environment import folder
from tests.integration.conftest import SESSIONS, OwnServer
from tests.integration.live import LiveServer
from tests.integration.serving import PROJECT, with_dashes
from tests.waiting import eventually

PATTERN = {"Pattern": SESSIONS["Pattern"]}
_EVENTS = (
    "SELECT session_id, type_name, what, from_state, to_state, why, who, address, door FROM remote_service_sessionevent"
)


@pytest.fixture
def audit() -> Iterator[Path]:
    """Where audit lines go."""
    with folder("audit") as place:
        yield place / "audit.jsonl"


def told(*files: Path) -> Counter[tuple[str, ...]]:
    """What audit lines say but for when; each is whole."""
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line.pop("time")) for line in lines)
    return Counter(tuple(str(value) for value in line.values()) for line in lines)


def written(site: LiveServer) -> Counter[tuple[str, ...]]:
    """What the rows of all events say, likewise."""
    rows = site.query(_EVENTS)
    return Counter((with_dashes(key) if key else "None", *map(str, rest)) for key, *rest in rows)


# ---- audit lines --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["--workers", "2"]], ids=["one-process", "several"])
def test_every_event_is_an_audit_line_whichever_process_wrote_it(
    own_server: OwnServer, audit: Path, arguments: list[str]
) -> None:
    site = own_server(PATTERN, *arguments, REMOTE_SERVICE_AUDIT=str(audit))
    session = site.launch("alice", "Pattern")
    with site.open_page("alice", session) as viewer:
        assert viewer.recv(20) == b"RFB 003.008\n"
        rotated = audit.rename(audit.with_suffix(".1"))
        site.login("bob")
        assert site.get("bob", f"/sessions/{session}/").status == 404
        assert site.rest("/v1/reserve/Nothing").status == 404
        stopped = site.manage("sessions", "stop", session[:8], "--reason", "Enough.", "--wait", "20")
        assert stopped.returncode == 0, stopped.stderr
    eventually(lambda: told(rotated, audit) == written(site))
    whats = {line[2] for line in told(rotated, audit)}
    assert whats >= {"reserved", "launch", "reach", "viewer opened", "stop asked", "finish", "refused"}
    assert {audit.stat().st_mode & 0o777, rotated.stat().st_mode & 0o777} == {0o600}


def test_a_full_disk_costs_the_lines_and_nothing_else(own_server: OwnServer) -> None:
    site = own_server(PATTERN, REMOTE_SERVICE_AUDIT="/dev/full")
    session = site.launch("alice", "Pattern")
    with site.open_page("alice", session) as viewer:
        assert viewer.recv(20) == b"RFB 003.008\n"
    stopped = site.manage("sessions", "stop", session[:8], "--reason", "Enough.", "--wait", "20")
    assert stopped.returncode == 0, stopped.stderr
    assert "audit lines cannot be written to /dev/full and are lost: No space left on device" in site.output
    assert site.output.count("audit lines") == 1
    assert "Traceback" not in site.output


# ---- retention ----------------------------------------------------------------------------------------------

DAY = 86400
AGE = """
from datetime import timedelta
from django.utils import timezone
from remote_service.models import Session, SessionEvent
long_ago = timezone.now() - timedelta(days=181)
Session.objects.filter(pk__in=["{old}", "{kept}"]).update(ended_at=long_ago)
Session.objects.filter(pk="{kept}").update(quarantined=True)
SessionEvent.objects.create(what="long ago", at=long_ago)
"""


def test_a_start_removes_what_is_old_and_leaves_what_is_kept(own_server: OwnServer) -> None:
    site = own_server(PATTERN)
    sessions = {}
    for name in ("old", "young", "kept"):
        sessions[name] = session = site.launch("alice", "Pattern")
        with site.open_page("alice", session) as viewer:
            viewer.recv(20)
        assert site.manage("sessions", "stop", session, "--reason", "Enough.", "--wait", "20").returncode == 0
    assert site.stop().status == 0

    aged = site.manage("shell", "--no-imports", "-c", AGE.format(old=sessions["old"], kept=sessions["kept"]))
    assert aged.returncode == 0, aged.stderr
    log = site.state / "logs" / "sessions" / f"{sessions['old']}.log"
    os.utime(log, (log.stat().st_atime - 181 * DAY, log.stat().st_mtime - 181 * DAY))
    site.start()

    eventually(lambda: "what was old is removed: 1 session that had ended, " in site.output)
    assert site.ids() == [sessions["young"], sessions["kept"]]
    eventually(lambda: ", 1 viewer, 1 log, 0 old copies of scripts\n" in site.output)
    logs = {path.stem for path in (site.state / "logs" / "sessions").iterdir()}
    assert logs == {sessions["young"], sessions["kept"]}
    assert site.query("SELECT 1 FROM remote_service_sessionevent WHERE what = 'long ago'") == []


# ---- the log at a terminal ----------------------------------------------------------------------------------


def test_a_log_is_followed_to_the_end_of_its_session_for_next_to_no_processor_time(own_server: OwnServer) -> None:
    site = own_server(PATTERN)
    session = site.launch("alice", "Pattern")
    log = site.state / "logs" / "sessions" / f"{session}.log"
    with site.open_page("alice", session) as viewer:
        viewer.recv(20)
        add(log, "one\n")
        follower = subprocess.Popen(
            [sys.executable, "manage.py", "sessions", "log", session[:8], "--follow"],
            cwd=PROJECT, env=site.environment, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert follower.stdout is not None
        assert follower.stdout.readline() == "one\n"
        before = psutil.Process(follower.pid).cpu_times()
        time.sleep(2)
        after = psutil.Process(follower.pid).cpu_times()
        assert after.user + after.system - before.user - before.system < 0.2
        add(log, "two\n")
        assert follower.stdout.readline() == "two\n"
        assert site.manage("sessions", "stop", session, "--reason", "Enough.", "--wait", "20").returncode == 0
    follower.communicate(timeout=20)
    assert follower.returncode == 0


def add(log: Path, line: str) -> None:
    """Writes to a log as a session's program would."""
    with log.open("a") as file:
        file.write(line)


def test_who_has_read_enough_hangs_up(own_server: OwnServer) -> None:
    site = own_server(PATTERN)
    for _ in range(3):
        site.reserve("Pattern")
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} manage.py sessions list --json | head -c 1; exit ${{PIPESTATUS[0]}}"],
        cwd=PROJECT, env=site.environment, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "[", "")
