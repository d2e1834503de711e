"""Run as a program by a test: forks idle test patterns as a script host does, prints what they cost as JSON.

A process of its own, because a fork of the test runner would inherit its threads' locks.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "example_scripts"))

from test_pattern_board import Board
from test_pattern_rfb import PatternServer

SESSIONS = 50
SECONDS = 1.0


def private_kib(pid: int) -> int:
    """Memory that this process shares with no other."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def ticks(pid: int) -> int:
    """CPU time used so far, in hundredths of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def fork_pattern(path: Path, end: tuple[int, int]) -> int:
    """A child with a test pattern that listens, until the last writer of the pipe `end` has closed it."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(end[1])
        server = PatternServer(Board("pattern", 1600, 1200), "pattern", path, logging.getLogger())
        server.start()
        os.write(writer, b"1")
        os.read(end[0], 1)
        server.stop()
        os._exit(0)
    os.close(writer)
    os.read(reader, 1)
    os.close(reader)
    return pid


def main() -> None:
    """Prints the largest private memory in KiB, and the CPU time of all in hundredths of a second."""
    end = os.pipe()
    with tempfile.TemporaryDirectory(prefix="rs-test-") as folder:
        pids = [fork_pattern(Path(folder, f"{number}.sock"), end) for number in range(SESSIONS)]
        before = sum(map(ticks, pids))
        time.sleep(SECONDS)
        cost = {"private_kib": max(map(private_kib, pids)), "ticks": sum(map(ticks, pids)) - before}
        os.close(end[1])
        for pid in pids:
            os.waitpid(pid, 0)
    print(json.dumps(cost))


if __name__ == "__main__":
    main()
