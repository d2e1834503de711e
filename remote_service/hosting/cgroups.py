"""A control group for each session (cgroups(7)): it keeps the session's limits, and nothing of the session leaves it.

Below the group that the site has named there is `remote-session/SESSION`. A runner is put there before it is told
anything, and all that it starts stays there. Version 2 has one hierarchy (cgroup-v2.rst in the kernel's documentation);
of version 1 each controller may have its own.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from remote_service.hosting.processes import GROUPS, descendants, in_group
from remote_service.hosting.shares import CONTROLLERS, Share, writes

MOUNTINFO = Path("/proc/self/mountinfo")
END_PATIENCE = 2.0
"""Seconds that killed processes have to leave."""
_PEAK_AND_LIMIT = ("memory.max_usage_in_bytes", "memory.limit_in_bytes")
_CHARGED_AT_ONCE = 1 << 20
_ASIDE = f"{GROUPS}-aside"
"""Where what was in the site's group goes: of version 2, a group whose controllers are passed on holds no process."""


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """A hierarchy that is mounted; of version 2, each of its groups says itself which controllers it has."""

    mount: Path
    root: str
    """The group that is seen at `mount`."""
    controllers: frozenset[str]
    unified: bool

    def folder(self, group: str) -> Path:
        """Where a group is, by its name as `/proc/PID/cgroup` has it."""
        below = group.removeprefix(self.root) if self.root != "/" else group
        return self.mount / below.strip("/")


def hierarchies(mountinfo: str) -> list[Hierarchy]:
    """What of `/proc/self/mountinfo` can hold sessions (proc_pid_mountinfo(5))."""
    found = []
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        root, mount = before.split(" ")[3:5]
        kind, _source, options = after.split(" ")[:3]
        controllers = frozenset(options.split(",")) & CONTROLLERS.keys() if kind == "cgroup" else frozenset()
        if kind == "cgroup2" or controllers:
            found.append(Hierarchy(Path(mount), root, controllers, unified=kind == "cgroup2"))
    return found


@dataclass(frozen=True, slots=True)
class Home:
    """Where the sessions' groups of one hierarchy are."""

    folder: Path
    controllers: frozenset[str]
    unified: bool


class Groups:
    """The sessions' groups below one of the site's."""

    def __init__(self, group: str, mounted: Iterable[Hierarchy]) -> None:
        """Makes what is missing, and finds out what can be had.

        Args:
            group: the site's, as `/proc/PID/cgroup` has it; empty for none.
            mounted: what `hierarchies` found.
        """
        self._reasons: list[str] = []
        self.homes = tuple(home for each in mounted if (home := self._home(each, group))) if group else ()

    @classmethod
    def of_this_system(cls, group: str) -> Groups:
        """Those of the hierarchies that are mounted here."""
        return cls(group, hierarchies(MOUNTINFO.read_text()) if group else ())

    def why_not(self, share: Share) -> str:
        """Why so much and no more cannot be had for a session; empty when it can."""
        missing = share.limited - {name for home in self.homes for name in home.controllers}
        if not missing:
            return ""
        names = " and ".join(sorted(CONTROLLERS[name] for name in missing))
        reasons = "; ".join(self._reasons) or "REMOTE_SERVICE_CGROUP names no control group"
        return f"{names} cannot be limited: {reasons}"

    # ---- what there is ----------------------------------------------------------------------------------

    def _home(self, hierarchy: Hierarchy, group: str) -> Home | None:
        """Prepares one; None where it cannot be had."""
        base = hierarchy.folder(group)
        folder = base / GROUPS
        try:
            folder.mkdir(exist_ok=True)
            controllers = _passed_on(base, folder) if hierarchy.unified else hierarchy.controllers
        except OSError as error:
            self._reasons.append(f"{error.filename or base}: {error.strerror}")
            return None
        if not controllers:
            self._reasons.append(f"{base} has none of the controllers {', '.join(sorted(CONTROLLERS))}")
        return Home(folder, controllers, hierarchy.unified)

    # ---- a session --------------------------------------------------------------------------------------

    def hold(self, session: str, share: Share, runner: int) -> None:
        """Puts a runner that was forked just now, and its worker, into the session's group.

        Raises:
            OSError: a limit could not be set, though the others are; or a process could not be moved.
        """
        failed: list[OSError] = []
        for home in self.homes:
            folder = home.folder / session
            folder.mkdir(exist_ok=True)
            for write in writes(share, unified=home.unified):
                file = folder / write.file
                try:
                    if write.controller in home.controllers and (file.exists() or not write.optional):
                        file.write_text(write.value)
                except OSError as error:
                    failed.append(error)
        self._move(runner, session)
        # What it forks from now on is in the group; what it has forked before can be seen.
        for forked in descendants(runner):
            self._move(forked.pid, session)
        if failed:
            raise failed[0]

    def _move(self, pid: int, session: str) -> None:
        for home in self.homes:
            _move(pid, home.folder / session)

    def ran_out_of_memory(self, session: str) -> bool:
        """Whether a process of the session was killed since the session had reached its limit of memory."""
        for home in self.homes:
            if "memory" in home.controllers:
                folder = home.folder / session
                if home.unified:
                    events = _counts(folder / "memory.events")
                    return events.get("oom_kill", 0) > 0 and events.get("oom", 0) > 0
                killed = _counts(folder / "memory.oom_control").get("oom_kill", 0)
                # Newer kernels count no failures (memory.failcnt). The next helping did not fit in any more.
                most, limit = (int(_read(folder / name) or 0) for name in _PEAK_AND_LIMIT)
                return killed > 0 and most >= limit - _CHARGED_AT_ONCE
        return False

    def was_refused_tasks(self, session: str) -> bool:
        """Whether the session was refused a process or a thread since it had as many as it may."""
        folders = (home.folder / session for home in self.homes if "pids" in home.controllers)
        return any(_counts(folder / "pids.events").get("max", 0) > 0 for folder in folders)

    def sessions(self) -> set[str]:
        """The sessions that have a group."""
        found: set[str] = set()
        for home in self.homes:
            with suppress(OSError):
                found |= {entry.name for entry in os.scandir(home.folder) if entry.is_dir()}
        return found

    def end(self, session: str, *, leave: float = 0.0, patience: float = END_PATIENCE) -> bool:
        """Kills what is left in a session's group, and removes it; whether nothing of it is left.

        Args:
            session: which one.
            leave: seconds in which what is in it may leave by itself.
            patience: further seconds until it is given up.
        """
        folders = [(home, home.folder / session) for home in self.homes if (home.folder / session).exists()]
        begin = time.monotonic()
        while folders := [(home, folder) for home, folder in folders if not _removed(folder)]:
            if (waited := time.monotonic() - begin) >= leave + patience:
                return False
            if waited >= leave:
                for home, folder in folders:
                    _kill(folder, session, home)
            time.sleep(0.01)
        return True


def _passed_on(base: Path, folder: Path) -> frozenset[str]:
    """The controllers that groups below `folder` have; passes on to them all that can be."""
    wanted = [name for name in CONTROLLERS if name in _read(base / "cgroup.controllers").split()]
    # The root of all has no type, and may hold processes.
    if set(wanted) - set(_read(base / "cgroup.subtree_control").split()) and (base / "cgroup.type").exists():
        (base / _ASIDE).mkdir(exist_ok=True)
        for pid in _pids(base):
            _move(pid, base / _ASIDE)
    for place in (base, folder):
        for name in wanted:
            (place / "cgroup.subtree_control").write_text(f"+{name}")
    return frozenset(wanted)


def _move(pid: int, folder: Path) -> None:
    with suppress(ProcessLookupError):
        (folder / "cgroup.procs").write_text(str(pid))


def _kill(folder: Path, session: str, home: Home) -> None:
    """All at once where the kernel does that (Linux 5.14); else one by one, when none can be forked any more."""
    with suppress(OSError):
        if (folder / "cgroup.kill").exists():
            (folder / "cgroup.kill").write_text("1")
            return
        if "pids" in home.controllers:
            (folder / "pids.max").write_text("0")
    for pid in _pids(folder):
        with suppress(OSError):
            held = os.pidfd_open(pid)
            try:
                if in_group(pid, session):
                    signal.pidfd_send_signal(held, signal.SIGKILL)
            finally:
                os.close(held)


def _removed(folder: Path) -> bool:
    with suppress(OSError):
        folder.rmdir()
    return not folder.exists()


def _pids(folder: Path) -> Sequence[int]:
    return [int(pid) for pid in _read(folder / "cgroup.procs").split()]


def _counts(file: Path) -> dict[str, int]:
    pairs = (line.split() for line in _read(file).splitlines())
    return {name: int(value) for name, value in (pair for pair in pairs if len(pair) == 2)}


def _read(file: Path) -> str:
    """What a file of a group says; nothing when it is not there."""
    try:
        return file.read_text()
    except OSError:
        return ""
