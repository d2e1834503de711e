"""Finds a script's file: beside the sessions file, then in the script directories, never outside them."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Sequence
from pathlib import Path

from remote_service.config.problems import Code, Finding
from remote_service.config.words import as_json, closest, did_you_mean, listed, otherwise, shown
from remote_service.texts import sentence as _

_MAX_NAME = 255
"""Bytes of a file's name on Linux."""

_KEY = ("script",)
_BARE_NAME = _('the bare name of a Python file, such as "desktop_session.py"')


def find_script(name: str, directories: Sequence[Path]) -> Path | Finding:
    """Looks for a script.

    Args:
        name: what the sessions file says.
        directories: absolute, in the order in which they are looked through. The first one that has
            something of this name decides, even when that cannot be used.

    Returns:
        The path in that directory (a link is not followed in it, so that `__file__` is where the admin put
        it), or what is wrong. A link may point to any place inside the directory that it lies in.
    """
    is_bare = _base(name) == name and name.isprintable() and len(os.fsencode(name)) <= _MAX_NAME
    if not is_bare or not name.endswith(".py"):
        return _bad_name(name)
    for directory in directories:
        path = directory / name
        try:
            path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            return _unreadable(path, error)
        return _judge(path)
    return _missing(name, directories)


def _judge(path: Path) -> Path | Finding:
    """The path when it is a readable file with something in it, inside its directory."""
    directory, target = os.path.realpath(path.parent), os.path.realpath(path)
    if os.path.commonpath((directory, target)) != directory:
        return Finding(
            _KEY,
            _("that %(path)s is a link to %(target)s, outside its directory", path=str(path), target=target),
            _("a file in %(directory)s", directory=directory),
            _("copy the script there, or name its own directory in REMOTE_SERVICE_SCRIPT_DIRS"),
            Code.SCRIPT_OUTSIDE,
        )
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = _("a directory") if stat.S_ISDIR(status.st_mode) else _("no regular file")
            found = _("that %(path)s is %(what)s", path=str(path), what=kind)
            fix = _("give the name of the Python file itself")
            return Finding(_KEY, found, _("a Python file"), fix, Code.SCRIPT_IS_NO_FILE)
        if status.st_size == 0:
            found = _("that %(path)s is empty", path=str(path))
            fix = _("write realize_service() into it, or copy one of the example scripts")
            return Finding(_KEY, found, _("a Python script"), fix, Code.SCRIPT_EMPTY)
        with path.open("rb"):
            return path
    except FileNotFoundError:
        found = _("that %(path)s is a link to %(target)s, which does not exist", path=str(path), target=target)
        return Finding(_KEY, found, _("a script"), _("correct the link or remove it"), Code.SCRIPT_MISSING)
    except OSError as error:
        return _unreadable(path, error)


def _bad_name(name: str) -> Finding:
    base = _base(name)
    if base != name and base.endswith(".py"):
        move = _(
            "write %(name)s, and put the file beside the sessions file or name its directory in "
            "REMOTE_SERVICE_SCRIPT_DIRS",
            name=as_json(base),
        )
        return Finding(_KEY, _("the path %(path)s", path=as_json(name)), _BARE_NAME, move, Code.SCRIPT_NAME)
    fix = did_you_mean(f"{name}.py") if name.isidentifier() else _("write the name of a file that ends in .py")
    return Finding(_KEY, shown(name), _BARE_NAME, fix, Code.SCRIPT_NAME)


def _base(name: str) -> str:
    """The last part of a path, also of one in Windows notation."""
    return os.path.basename(name.replace("\\", "/"))


def _missing(name: str, directories: Sequence[Path]) -> Finding:
    looked = [str(path) if path.is_dir() else _("%(path)s (no such directory)", path=str(path)) for path in directories]
    near = closest(name, [script for path in directories for script in _scripts_in(path)])
    fix = _(
        "put it into %(directory)s, or name its directory in REMOTE_SERVICE_SCRIPT_DIRS", directory=str(directories[0])
    )
    return Finding(
        _KEY,
        _("no file %(name)s in %(directories)s", name=as_json(name), directories=listed(looked)),
        _("a script in one of these"),
        otherwise(near, fix),
        Code.SCRIPT_MISSING,
    )


def _scripts_in(directory: Path) -> list[str]:
    try:
        return sorted(path.name for path in directory.glob("*.py") if _may_be_script(path))
    except OSError:
        return []


def _may_be_script(path: Path) -> bool:
    """Whether it names what every script has: other Python files may lie beside the sessions file."""
    try:
        return path.is_file() and b"realize_service" in path.read_bytes()
    except OSError:
        return False


def _unreadable(path: Path, error: OSError) -> Finding:
    return Finding(
        _KEY,
        _("that %(path)s cannot be read (%(reason)s)", path=str(path), reason=error.strerror),
        _("a file that the server's account may read"),
        _("as its owner or root run: %(command)s", command=f"chmod a+r {shlex.quote(str(path))}"),
        Code.SCRIPT_UNREADABLE,
    )
