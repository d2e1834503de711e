"""The pipe into which a session's programs print."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from remote_service.hosting.output import Pipe

WAITS = "import sys; sys.stdin.read(1)"
PRINTS_ALONE = "import sys; sys.stdin.read(1); print('still here', flush=True); sys.stdin.read(1)"


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe.fresh()
    yield made
    made.close()


def prints_into(pipe: Pipe | None, program: str = WAITS) -> subprocess.Popen[bytes]:
    """A program that waits for its standard input; without a pipe it prints nowhere."""
    output = subprocess.DEVNULL if pipe is None else pipe.write
    return subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=output, stderr=output)


def test_reading_never_waits(pipe: Pipe) -> None:
    with pytest.raises(BlockingIOError):
        os.read(pipe.read, 100)
    os.write(pipe.write, b"a line\n")
    assert os.read(pipe.read, 100) == b"a line\n"
    assert os.get_blocking(pipe.write)


def test_nothing_inherits_it_by_itself(pipe: Pipe) -> None:
    assert not os.get_inheritable(pipe.read)
    assert not os.get_inheritable(pipe.write)


def test_a_program_prints_on_when_nobody_reads_and_a_successor_reads_it() -> None:
    runners = Pipe.fresh()
    with prints_into(runners, PRINTS_ALONE) as program:
        assert program.stdin is not None
        runners.close()
        program.stdin.write(b".")
        program.stdin.flush()
        found = Pipe.found([program.pid], [])
        assert found is not None
        os.set_blocking(found.read, True)
        with open(found.read, "rb", closefd=False) as said:
            assert said.readline() == b"still here\n"
        assert program.poll() is None
        found.close()
        program.stdin.close()


def test_of_many_the_one_that_most_print_into_is_taken(pipe: Pipe) -> None:
    rare = Pipe.fresh()
    programs = [prints_into(each) for each in (None, rare, pipe, pipe)]
    try:
        found = Pipe.found([], [program.pid for program in programs])
        assert found is not None
        assert os.readlink(f"/proc/self/fd/{found.read}") == os.readlink(f"/proc/self/fd/{pipe.read}")
        found.close()
        preferred = Pipe.found([programs[0].pid, programs[1].pid], [program.pid for program in programs])
        assert preferred is not None
        assert os.readlink(f"/proc/self/fd/{preferred.read}") == os.readlink(f"/proc/self/fd/{rare.read}")
        preferred.close()
    finally:
        for program in programs:
            program.communicate()
        rare.close()


def test_who_prints_elsewhere_or_is_gone_has_none() -> None:
    with prints_into(None) as program:
        assert Pipe.found([program.pid], [program.pid]) is None
        program.communicate()
    assert Pipe.found([program.pid], [program.pid]) is None
