"""The account that sessions run as when the server is started by root: made, and asked what it can read."""

from __future__ import annotations

import pwd
import re
from collections.abc import Mapping
from pathlib import Path

from tools.shell import SetupError, run, say
from tools.system_packages import find_program

DEFAULT_NAME = "remote-session"
VARIABLE = "REMOTE_SERVICE_SESSION_USER"

_OTHERWISE = f"name another one in {VARIABLE} (root: sessions run as root)"

# What useradd(8) of Debian accepts without --badname.
_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")

# Run by the account: fails unless it can reach and read the file.
_READ = "import sys; open(sys.argv[1], 'rb').close()"


def wanted_name(environ: Mapping[str, str]) -> str | None:
    """The account's name, or None when sessions are to stay root's.

    Raises:
        SetupError: The variable holds what cannot be an account's name.
    """
    name = environ.get(VARIABLE) or DEFAULT_NAME
    if not _NAME.fullmatch(name):
        raise SetupError(
            f"{VARIABLE} is {name!r}; expected an account's name: lower-case letters, digits, - and _, "
            "at most 32, the first a letter or _ (or root: sessions run as root)."
        )
    return None if name == "root" else name


def exists(name: str) -> bool:
    """Whether the system knows the account (from /etc/passwd or a directory service)."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def home_of(name: str) -> Path:
    """The home directory an account gets that we make."""
    return Path("/var/lib") / name


def useradd_command(useradd: str, name: str) -> list[str]:
    """The argument list that makes the account with a group and a private home of its own (useradd(8))."""
    home = str(home_of(name))
    return [
        *(useradd, "--system", "--create-home", "--home-dir", home, "--key", "HOME_MODE=0700"),
        *("--shell", "/bin/bash", "--user-group", name),
    ]


def ensure(name: str) -> None:
    """Make the account unless it exists; one that exists is left as it is.

    Raises:
        SetupError: It could not be made; the text names the reason and the two ways out.
    """
    if exists(name):
        return
    useradd = find_program("useradd")
    if useradd is None:
        raise SetupError(
            f"The account {name}, which sessions run as, does not exist, and there is no useradd to make it. "
            f"Make it with this system's tools, or {_OTHERWISE}."
        )
    say(f"Making the account {name}, which sessions run as (home {home_of(name)})")
    finished = run(useradd_command(useradd, name))
    if finished.status:
        raise SetupError(
            f"useradd could not make the account {name}, which sessions run as: {finished.last_line}. "
            f"Make it yourself, or {_OTHERWISE}."
        )


def obstacle(name: str, path: Path, python: Path) -> str | None:
    """What keeps the account from reading a file with an interpreter; None when it can.

    Args:
        name: The account. We must be root.
        path: The file, absolute.
        python: The interpreter that is to read it.
    """
    finished = run([str(python), "-I", "-c", _READ, str(path)], account=name, cwd="/")
    if finished.status == 0:
        return None
    closed = closed_part(path) or closed_part(python) or closed_part(python.resolve())
    return closed or finished.last_line


def closed_part(path: Path) -> str | None:
    """The first part of an absolute path that others may not enter (or, at its end, read), with its mode."""
    for part in (*reversed(path.parents), path):
        try:
            mode = part.stat().st_mode
        except OSError as error:
            return f"{part}: {error.strerror}"
        if not mode & (0o004 if part == path else 0o001):
            return f"{part} has mode {mode & 0o7777:04o}"
    return None
