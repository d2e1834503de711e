"""As whom scripts run, and what they see of our environment: an allow-list, never a copy."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable, Mapping
from pathlib import Path

from remote_service.hosting.processes import MARKER, NO_SESSION
from remote_service.hosting.readable import ids_of, permits

PASSED = ("PATH", "LANG", "TZ", "TERM", "TMPDIR", "HOME", "USER", "SHELL")
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
KEEP_ROOT = "root"


class AccountError(RuntimeError):
    """Scripts cannot run as they should; the message says what to do about it."""


def session_account(wanted: str, *, uid: int | None = None) -> str | None:
    """The account that scripts switch to, or None when they stay what this process is.

    Args:
        wanted: `REMOTE_SERVICE_SESSION_USER`.
        uid: whose process this is; the real one unless a test says otherwise.

    Raises:
        AccountError: we are root and there is no such account.
    """
    if (os.geteuid() if uid is None else uid) != 0 or wanted == KEEP_ROOT:
        return None
    try:
        entry = pwd.getpwnam(wanted)
    except KeyError:
        raise AccountError(
            f"the account {wanted!r}, as which session scripts are to run, does not exist; expected an account without "
            "rights. Run 'make setup' as root, which makes it, or name another one in REMOTE_SERVICE_SESSION_USER "
            "('root' keeps root, which lets every script do everything)"
        ) from None
    if entry.pw_uid == 0:
        raise AccountError(
            f"the account {wanted!r} has uid 0; expected an account without rights. "
            "Set REMOTE_SERVICE_SESSION_USER to one, or to 'root' when that is what you want"
        )
    return wanted


def session_uid(wanted: str) -> int:
    """The uid that sessions run as; `wanted` as for `session_account`.

    Raises:
        AccountError: as `session_account`.
    """
    account = session_account(wanted)
    return os.geteuid() if account is None else pwd.getpwnam(account).pw_uid


def script_environment(environ: Mapping[str, str], account: str | None, extra_names: Iterable[str]) -> dict[str, str]:
    """The environment of a script host: what design and admin allow, and the place for the session's marker.

    Args:
        environ: our own environment.
        account: as `session_account` gave it; its home, name and shell replace ours.
        extra_names: `REMOTE_SERVICE_SCRIPT_ENV`, names of further variables.
    """
    allowed = {*PASSED, *extra_names}
    chosen = {k: v for k, v in environ.items() if k in allowed or k.startswith("LC_")}
    chosen.setdefault("PATH", DEFAULT_PATH)
    if account is not None:
        entry = pwd.getpwnam(account)
        # Looking for a program, a shell passes over a directory that it may not enter; Python reports it instead.
        chosen["PATH"] = ":".join(folder for folder in chosen["PATH"].split(":") if may_enter(folder, account))
        chosen |= {"HOME": entry.pw_dir, "USER": entry.pw_name, "SHELL": entry.pw_shell or "/bin/sh"}
    chosen[MARKER] = NO_SESSION
    return chosen


def may_enter(folder: str, account: str) -> bool:
    """Whether the account can look for programs in a directory; one that does not exist harms nobody."""
    path = Path(folder).resolve()
    uid, gids = ids_of(account)
    return all(permits(part.stat(), uid, gids, 1) for part in (path, *path.parents) if part.is_dir())
