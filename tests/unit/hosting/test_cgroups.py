"""Groups on a tree of plain files; tests/integration/hosting/test_cgroups.py has the kernel's own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from remote_service.hosting import cgroups
from remote_service.hosting.cgroups import Groups, Hierarchy, Home, hierarchies
from remote_service.hosting.processes import Process
from remote_service.hosting.shares import Share

SESSION = "6f87d37a-41b9-45ee-af26-310d568b1d4d"
ALL = Share(memory=2**30, cpus=1.5, tasks=200)
RUNNER, WORKER = 4711, 4712

MOUNTED = """\
22 1 0:5 / /proc rw,nosuid - proc proc rw
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
33 31 0:32 /docker/12 /sys/fs/cgroup/memory rw,relatime master:4 - cgroup cgroup rw,memory
34 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
35 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""


@pytest.fixture(autouse=True)
def family(monkeypatch: pytest.MonkeyPatch) -> None:
    """A runner has forked its worker already."""
    monkeypatch.setattr(cgroups, "descendants", lambda pid: [Process(WORKER, pid, "S", 1)] if pid == RUNNER else [])


def unified(base: Path, controllers: str = "cpuset cpu io memory pids", passed_on: str = "") -> Groups:
    """A group of version 2 at `base/site`."""
    site = base / "site"
    for folder in (site, site / "remote-session", site / "remote-session-aside"):
        folder.mkdir()
        # The kernel makes these with each group.
        (folder / "cgroup.subtree_control").write_text("")
        (folder / "cgroup.procs").write_text("")
    (site / "cgroup.controllers").write_text(f"{controllers}\n")
    (site / "cgroup.subtree_control").write_text(passed_on)
    (site / "cgroup.type").write_text("domain\n")
    (site / "cgroup.procs").write_text("99\n")
    return Groups("/site", [Hierarchy(base, "/", frozenset(), unified=True)])


def apart(base: Path) -> Groups:
    """Groups of version 1, a hierarchy for each controller."""
    for name in ("memory", "cpu", "pids"):
        (base / name / "site").mkdir(parents=True)
    return Groups(
        "/site", [Hierarchy(base / name, "/", frozenset({name}), unified=False) for name in ("memory", "cpu", "pids")]
    )


def read(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir() if file.is_file()}


# ---- where they are ------------------------------------------------------------------------------------------


def test_it_finds_the_hierarchies_that_have_a_controller_of_ours() -> None:
    assert hierarchies(MOUNTED) == [
        Hierarchy(Path("/sys/fs/cgroup/cpu,cpuacct"), "/", frozenset({"cpu"}), unified=False),
        Hierarchy(Path("/sys/fs/cgroup/memory"), "/docker/12", frozenset({"memory"}), unified=False),
        Hierarchy(Path("/sys/fs/cgroup/unified"), "/", frozenset(), unified=True),
    ]


def test_a_group_is_below_what_is_mounted() -> None:
    _cpu, memory, everything = hierarchies(MOUNTED)
    assert memory.folder("/docker/12/site") == Path("/sys/fs/cgroup/memory/site")
    assert everything.folder("/system.slice/a.service") == Path("/sys/fs/cgroup/unified/system.slice/a.service")
    assert everything.folder("/") == Path("/sys/fs/cgroup/unified")


# ---- what can be had -----------------------------------------------------------------------------------------


def test_without_a_group_of_the_site_there_are_none(tmp_path: Path) -> None:
    groups = Groups("", [Hierarchy(tmp_path, "/", frozenset({"memory"}), unified=False)])
    assert groups.homes == ()
    assert groups.why_not(Share()) == ""
    assert groups.why_not(Share(memory=2**30, tasks=9)) == (
        "memory and tasks cannot be limited: REMOTE_SERVICE_CGROUP names no control group"
    )
    groups.hold(SESSION, ALL, RUNNER)
    assert (groups.ran_out_of_memory(SESSION), groups.sessions(), groups.end(SESSION)) == (False, set(), True)


def test_version_2_passes_the_controllers_on_and_leaves_the_site_s_group_empty(tmp_path: Path) -> None:
    groups = unified(tmp_path)
    site = tmp_path / "site"
    assert groups.homes == (Home(site / "remote-session", frozenset({"memory", "cpu", "pids"}), unified=True),)
    # Each is a write of its own; a file keeps the last one.
    assert (site / "cgroup.subtree_control").read_text() == "+pids"
    assert (site / "remote-session" / "cgroup.subtree_control").read_text() == "+pids"
    assert (site / "remote-session-aside" / "cgroup.procs").read_text() == "99"
    assert groups.why_not(ALL) == ""


def test_what_is_passed_on_already_moves_nobody(tmp_path: Path) -> None:
    unified(tmp_path, passed_on="cpu memory pids")
    assert (tmp_path / "site" / "remote-session-aside" / "cgroup.procs").read_text() == ""


def test_a_controller_that_is_missing_is_named(tmp_path: Path) -> None:
    groups = unified(tmp_path, controllers="cpu io")
    assert groups.why_not(Share(cpus=1)) == ""
    assert groups.why_not(ALL).startswith("memory and tasks cannot be limited: ")
    assert unified_without_any(tmp_path / "other").why_not(Share(cpus=1)) == (
        f"cpus cannot be limited: {tmp_path}/other/site has none of the controllers cpu, memory, pids"
    )


def unified_without_any(base: Path) -> Groups:
    base.mkdir()
    return unified(base, controllers="io")


def test_a_group_that_does_not_exist_is_named(tmp_path: Path) -> None:
    groups = Groups("/nowhere", [Hierarchy(tmp_path, "/", frozenset({"memory"}), unified=False)])
    assert groups.homes == ()
    assert groups.why_not(Share(memory=2**30)) == (
        f"memory cannot be limited: {tmp_path}/nowhere/remote-session: No such file or directory"
    )


# ---- a session -----------------------------------------------------------------------------------------------


def test_version_2_holds_a_runner_and_its_worker_within_the_limits(tmp_path: Path) -> None:
    groups = unified(tmp_path)
    group = tmp_path / "site" / "remote-session" / SESSION
    group.mkdir()
    (group / "memory.oom.group").write_text("0")
    groups.hold(SESSION, ALL, RUNNER)
    assert read(group) == {
        "memory.max": "1073741824",
        "memory.oom.group": "1",
        "cpu.max": "150000 100000",
        "pids.max": "200",
        "cgroup.procs": str(WORKER),
    }
    assert groups.sessions() == {SESSION}


def test_version_1_holds_them_in_every_hierarchy(tmp_path: Path) -> None:
    groups = apart(tmp_path)
    groups.hold(SESSION, ALL, RUNNER)
    found = {name: read(tmp_path / name / "site" / "remote-session" / SESSION) for name in ("memory", "cpu", "pids")}
    assert found == {
        "memory": {"memory.limit_in_bytes": "1073741824", "cgroup.procs": str(WORKER)},
        "cpu": {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "150000", "cgroup.procs": str(WORKER)},
        "pids": {"pids.max": "200", "cgroup.procs": str(WORKER)},
    }


def test_a_limit_that_cannot_be_set_keeps_nobody_out_of_the_group(tmp_path: Path) -> None:
    groups = apart(tmp_path)
    (tmp_path / "memory" / "site" / "remote-session" / SESSION / "memory.limit_in_bytes").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        groups.hold(SESSION, ALL, RUNNER)
    for name in ("memory", "cpu", "pids"):
        procs = tmp_path / name / "site" / "remote-session" / SESSION / "cgroup.procs"
        assert procs.read_text() == str(WORKER)


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ("low 0\nhigh 0\nmax 7\noom 1\noom_kill 1\noom_group_kill 1\n", True),
        ("low 0\nhigh 0\nmax 7\noom 1\noom_kill 0\n", False),
        # The machine had no memory left, and the session had not used up its own.
        ("low 0\nhigh 0\nmax 0\noom 0\noom_kill 1\n", False),
        ("", False),
    ],
)
def test_version_2_tells_that_it_took_more_memory(tmp_path: Path, events: str, said: bool) -> None:
    groups = unified(tmp_path)
    group = tmp_path / "site" / "remote-session" / SESSION
    group.mkdir()
    (group / "memory.events").write_text(events)
    assert groups.ran_out_of_memory(SESSION) is said


@pytest.mark.parametrize(
    ("killed", "most", "said"), [(1, 2**30, True), (1, 2**30 - 4096, True), (0, 2**30, False), (1, 2**29, False)]
)
def test_version_1_tells_it_too(tmp_path: Path, killed: int, most: int, said: bool) -> None:
    groups = apart(tmp_path)
    groups.hold(SESSION, ALL, RUNNER)
    group = tmp_path / "memory" / "site" / "remote-session" / SESSION
    (group / "memory.oom_control").write_text(f"oom_kill_disable 0\nunder_oom 0\noom_kill {killed}\n")
    (group / "memory.max_usage_in_bytes").write_text(f"{most}\n")
    assert groups.ran_out_of_memory(SESSION) is said


def test_a_group_that_is_not_there_any_more_tells_nothing(tmp_path: Path) -> None:
    assert apart(tmp_path).ran_out_of_memory(SESSION) is False


def test_an_empty_group_is_removed(tmp_path: Path) -> None:
    groups = apart(tmp_path)
    for name in ("memory", "cpu", "pids"):
        (tmp_path / name / "site" / "remote-session" / SESSION).mkdir()
    assert groups.end(SESSION)
    assert groups.sessions() == set()
    assert groups.end(SESSION)


def test_one_that_does_not_empty_is_given_up(tmp_path: Path) -> None:
    groups = apart(tmp_path)
    # That process is not in this group, whatever the file says: it is not killed.
    (tmp_path / "pids" / "site" / "remote-session" / SESSION).mkdir()
    procs = tmp_path / "pids" / "site" / "remote-session" / SESSION / "cgroup.procs"
    procs.write_text(str(os.getpid()))
    assert not groups.end(SESSION, patience=0.05)
    assert (procs.parent / "pids.max").read_text() == "0"


def test_where_all_can_be_killed_at_once_that_is_done(tmp_path: Path) -> None:
    groups = unified(tmp_path)
    group = tmp_path / "site" / "remote-session" / SESSION
    group.mkdir()
    (group / "cgroup.kill").write_text("")
    assert not groups.end(SESSION, patience=0.05)
    assert read(group) == {"cgroup.kill": "1"}
