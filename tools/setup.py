"""Makes a checkout ready to run or to be tested, and hands over: `tools/setup.sh setup|run|test|lint|fuzz|crash-test`.

It runs before anything is installed, so it knows the standard library only. Each step looks first, says one
line when it has something to do, and is silent when it has not.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from tools import session_account, system_packages, virtualenv
from tools.shell import SetupError, is_root, lock, run, say

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin/python"
COMMANDS = ("setup", "run", "test", "lint", "fuzz", "crash-test")
INSIDE = ("lint", "fuzz")
"""Commands that need nothing outside the checkout."""
TESTS = ("test", "crash-test")
"""Commands that start sessions from the checkout, as tests do."""
REQUIREMENTS = {
    "test": "tests/requirements.txt",
    "crash-test": "tests/requirements.txt",
    "lint": "tests/requirements.txt",
    "fuzz": "tests/fuzz/requirements.txt",
}
"""What a command needs on top of requirements.txt."""

# Not part of a copy that is tested: made anew there, or none of its business.
NOT_COPIED = (".venv", "var", "static-root", "node_modules", "__pycache__", ".*_cache", ".hypothesis")


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Do the set-up that a command needs, then become what the command starts.

    Args:
        arguments: One of `COMMANDS`.
        environ: The environment: `SYSTEM_PACKAGES`, `REMOTE_SERVICE_SESSION_USER`, `HOST`, `PORT`,
            `FUZZ_SECONDS`, `KILLS`, `USERS`, `SEED`.

    Returns:
        The exit status of a command that ends with the set-up, or of one that failed. The others never
        return: the process becomes the server or the tests, so that signals reach them.
    """
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        got = " ".join(arguments) or "nothing"
        print(f"tools/setup.sh takes one of {', '.join(COMMANDS)}; got {got}", file=sys.stderr)
        return 2
    (command,) = arguments
    # Without this a SIGTERM, which make passes on, would leave pip or apt-get running on their own.
    signal.signal(signal.SIGTERM, _leave)
    try:
        with lock(ROOT):
            status = prepare(command, environ)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    if status is not None:
        return status
    argv = successor(command, environ)
    os.execv(argv[0], argv)


def prepare(command: str, environ: Mapping[str, str]) -> int | None:
    """Do the steps of a command in their order.

    Returns:
        None when all is ready for the command's successor, else the status to exit with.

    Raises:
        SetupError: A step failed and nothing can be done without it.
    """
    root = is_root()
    allowed = system_packages.wanted(environ)
    account = session_account.wanted_name(environ) if root and command not in INSIDE else None
    if command not in INSIDE:
        needs = system_packages.TEST_NEEDS if command in TESTS else system_packages.RUN_NEEDS
        system_packages.ensure(needs, allowed=allowed, is_root=root)
    if account:
        session_account.ensure(account)
    if account and command in TESTS:
        closed = session_account.obstacle(account, ROOT / "manage.py", Path(sys.executable))
        if closed:
            return test_in_a_copy(account, closed, command)
    virtualenv.ensure_venv(VENV, allowed=allowed, is_root=root)
    requirements = [ROOT / "requirements.txt"]
    if command in REQUIREMENTS:
        requirements.append(ROOT / REQUIREMENTS[command])
    virtualenv.ensure_requirements(VENV, requirements, is_root=root)
    if command in REQUIREMENTS:
        return None
    if account:
        warn_of_obstacle(account)
    status = run([str(PYTHON), "manage.py", "prepare"], quiet=False, cwd=ROOT).status
    return status if status or command == "setup" else None


def successor(command: str, environ: Mapping[str, str]) -> list[str]:
    """The argument list of what a command becomes after its set-up; its first item is a path."""
    if command == "run":
        host, port = environ.get("HOST") or "127.0.0.1", environ.get("PORT") or "8000"
        return [str(PYTHON), "manage.py", "serve", "--host", host, "--port", port]
    if command == "crash-test":
        numbers = {"kills": environ.get("KILLS") or "200", "users": environ.get("USERS") or "30"}
        chosen = {**numbers, "seed": environ.get("SEED") or "1"}
        return [str(PYTHON), "-m", "tests.crash", *(part for name in chosen for part in (f"--{name}", chosen[name]))]
    if command == "fuzz":
        return [str(PYTHON), "-m", "tests.fuzz", environ.get("FUZZ_SECONDS") or "60"]
    return ["/bin/bash", "tools/run_tests.sh", *(["--lint"] if command == "lint" else [])]


def warn_of_obstacle(account: str) -> None:
    """Say so when the session account cannot read this checkout: copies of the scripts will serve."""
    closed = session_account.obstacle(account, ROOT / "manage.py", PYTHON)
    if closed:
        say(
            f"The account {account} cannot read {ROOT} ({closed}), so copies of the scripts will serve. "
            "Move the checkout to where others may enter, such as /srv, to serve the scripts themselves."
        )


def test_in_a_copy(account: str, closed: str, command: str = "test") -> int:
    """Run the tests in a copy that the session account can read, and remove it.

    Returns:
        The exit status of the tests.
    """
    place = Path(tempfile.mkdtemp(prefix="remote-session-checkout-", dir="/tmp"))
    say(f"Testing a copy in {place}: the account {account} cannot read {ROOT} ({closed})")
    try:
        copy = place / "checkout"
        shutil.copytree(ROOT, copy, symlinks=True, ignore=shutil.ignore_patterns(*NOT_COPIED))
        for path in (place, copy, *copy.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | (0o055 if mode & 0o100 else 0o044))
        return run(["/bin/sh", "tools/setup.sh", command], quiet=False, cwd=copy).status
    finally:
        shutil.rmtree(place)


def _leave(signal_number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + signal_number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
