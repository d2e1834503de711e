"""The state directory: made with mode 0700, and refused when it is not ours alone."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

SECRET_KEY_FILE = "secret_key"


class StateDirError(RuntimeError):
    """The state directory cannot be trusted; the message says what to type."""


def open_state_dir(path: Path) -> Path:
    """Makes the directory when it is missing, and checks it.

    Returns:
        Its absolute path.

    Raises:
        StateDirError: it is no directory, somebody else's, or open to others.
    """
    path = Path(os.path.abspath(path))
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.stat()
    except OSError as error:
        raise StateDirError(
            f"the state directory {path} cannot be made: {error.strerror}; expected a directory that this account may "
            "make and own. Set REMOTE_SERVICE_STATE_DIR to one"
        ) from error
    if found.st_uid != os.geteuid():
        raise StateDirError(
            f"the state directory {path} belongs to uid {found.st_uid}; expected uid {os.geteuid()}, who starts the "
            f"server. Type 'chown -R {os.geteuid()} {path}', or set REMOTE_SERVICE_STATE_DIR to another one"
        )
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        raise StateDirError(
            f"the state directory {path} is open to others (mode {mode:04o}, of which {mode & 0o077:04o} "
            f"is too much); expected 0700, since secrets lie in it. Type 'chmod 700 {path}'"
        )
    for inner in ("run", "logs", "logs/sessions", "logs/types"):
        (path / inner).mkdir(mode=0o700, exist_ok=True)
    return path


def secret_key(state_dir: Path) -> str:
    """The site's secret key, made at the first start (mode 0600).

    Raises:
        StateDirError: the file is open to others.
    """
    path = state_dir / SECRET_KEY_FILE
    if not path.exists():
        _make_secret_key(path)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise StateDirError(
            f"the secret key {path} is open to others (mode {mode:04o}); expected 0600. "
            f"Type 'chmod 600 {path}', and if others may have read it, delete it: users then log in anew"
        )
    return path.read_text().strip()


def _make_secret_key(path: Path) -> None:
    """Writes a key under another name and links it: of several starts at once one wins, and none sees half a key."""
    descriptor, fresh = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(64))
        with suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        os.unlink(fresh)


def close_to_others(path: Path) -> Path:
    """Gives a file the mode 0600 if it is there.

    Returns:
        The path.
    """
    with suppress(FileNotFoundError):
        path.chmod(0o600)
    return path


def private_file(path: Path) -> Path:
    """Makes a file of mode 0600, empty unless it is there: for programs that would let others read theirs.

    Returns:
        The path.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.fchmod(descriptor, 0o600)
    os.close(descriptor)
    return path
