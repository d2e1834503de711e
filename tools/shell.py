"""What every step of the set-up needs from the system: saying a line, running a program, holding a lock."""

from __future__ import annotations

import fcntl
import os
import pwd
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


class SetupError(Exception):
    """The set-up cannot go on. The text says what is missing and what to type next."""


@dataclass(frozen=True)
class Finished:
    """A program that has ended: its exit status, and what it wrote ("" when that went to the terminal)."""

    status: int
    output: str = ""

    @property
    def last_line(self) -> str:
        """The last line written that is not empty: where most programs put the reason."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        return lines[-1] if lines else f"exit status {self.status}"


def is_root() -> bool:
    """Whether we run as root."""
    return os.geteuid() == 0


def say(line: str) -> None:
    """Print one line at once: what follows may take a minute."""
    print(line, flush=True)


def run(
    argv: Sequence[str],
    *,
    quiet: bool = True,
    account: str | None = None,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    umask: int = -1,
) -> Finished:
    """Run a program to its end.

    An interruption (Ctrl-C, which reaches the program too, or SIGTERM turned into SystemExit) waits for its
    end: a package manager that is torn out of its work leaves the machine half configured.

    Args:
        argv: The program and its arguments; no shell reads them.
        quiet: Keep what it writes (both streams) for `Finished.output`; else it writes to the terminal.
        account: Run as this account, with its own group only (we must be root). It must exist.
        cwd: The directory to run in.
        env: Variables on top of the environment.
        umask: The file mode mask to run with; -1 keeps ours.

    Returns:
        The status (negative: the signal that ended it) and the output. A program that cannot be started
        counts as status 127, with the reason as its output.
    """
    entry = pwd.getpwnam(account) if account else None
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL if quiet else None,
            stdout=subprocess.PIPE if quiet else None,
            stderr=subprocess.STDOUT if quiet else None,
            text=True,
            errors="replace",
            cwd=cwd,
            env={**os.environ, **(env or {})},
            umask=umask,
            user=entry.pw_uid if entry else None,
            group=entry.pw_gid if entry else None,
            extra_groups=[] if entry else None,
        )
    except OSError as error:
        return Finished(127, str(error))
    with process:
        try:
            output, _ = process.communicate()
        except KeyboardInterrupt:
            process.wait()
            raise
        except SystemExit:
            process.terminate()
            process.wait()
            raise
    return Finished(process.returncode, output or "")


@contextmanager
def lock(directory: Path) -> Iterator[None]:
    """Hold a lock on a directory, so that two set-ups do not build the same thing at once.

    Waits for as long as another holds it, and says so. Where the file system has no locks nothing is locked.
    The lock goes with the process, and with exec.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Waiting for another set-up to finish ({directory} is locked)")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            print(f"{directory} cannot be locked ({error.strerror}): run one set-up at a time", file=sys.stderr)
        yield
    finally:
        os.close(descriptor)
