"""What limits a group, as the files of both versions have it."""

from __future__ import annotations

from remote_service.hosting.shares import Share, Write, writes

ALL = Share(memory=2**30, cpus=1.5, tasks=200)


def test_no_limits_write_nothing() -> None:
    assert writes(Share(), unified=True) == []
    assert writes(Share(), unified=False) == []
    assert Share().limited == frozenset()


def test_version_2_has_them_so() -> None:
    assert writes(ALL, unified=True) == [
        Write("memory", "memory.max", "1073741824"),
        Write("memory", "memory.swap.max", "0", optional=True),
        Write("memory", "memory.oom.group", "1", optional=True),
        Write("cpu", "cpu.max", "150000 100000"),
        Write("pids", "pids.max", "200"),
    ]


def test_version_1_has_them_so() -> None:
    assert writes(ALL, unified=False) == [
        Write("memory", "memory.limit_in_bytes", "1073741824"),
        Write("memory", "memory.memsw.limit_in_bytes", "1073741824", optional=True),
        Write("cpu", "cpu.cfs_period_us", "100000"),
        Write("cpu", "cpu.cfs_quota_us", "150000"),
        Write("pids", "pids.max", "200"),
    ]


def test_each_limit_needs_its_controller() -> None:
    assert ALL.limited == {"memory", "cpu", "pids"}
    assert Share(cpus=0.5).limited == {"cpu"}
    assert Share(tasks=9).limited == {"pids"}
