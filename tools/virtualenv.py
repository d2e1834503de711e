"""The virtual environment `.venv` and what is installed in it: both are remade only when they must be."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.shell import SetupError, run, say
from tools.system_packages import Need, ensure, find_program, line_to_type


def ensure_venv(venv: Path, *, allowed: bool, is_root: bool) -> None:
    """Make the virtual environment unless it is there and complete.

    Args:
        venv: Its directory. Whatever is there and does not work is replaced.
        allowed: Whether we may install Python's venv module with apt-get, as root.
        is_root: Whether we run as root.

    Raises:
        SetupError: Python's venv module is missing, or the environment could not be made.
    """
    if _is_sound(venv):
        return
    base = os.path.realpath(sys.executable)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    ensurepip = f"{sys.base_prefix}/lib/python{version}/ensurepip/__init__.py"
    if not os.path.exists(ensurepip):
        # Debian keeps half of the venv module in a package of its own.
        package = f"python{version}-venv"
        may_install = is_root and allowed and find_program("apt-get") is not None
        if not (may_install and ensure((Need(package, ensurepip),), allowed=allowed, is_root=is_root)):
            raise SetupError(
                f"{base} cannot make a virtual environment, because its venv module is not complete. "
                f"On Debian type: {line_to_type([package], is_root=is_root)}"
            )
    say(f"Making the virtual environment {venv.name} with {base} (Python {version})")
    finished = run([base, "-m", "venv", "--clear", str(venv)], umask=_umask(is_root))
    if finished.status:
        raise SetupError(f"{base} -m venv {venv} failed: {finished.last_line}")


def ensure_requirements(venv: Path, requirements: Sequence[Path], *, is_root: bool) -> None:
    """Install the requirements files that have changed since they were last installed here.

    Raises:
        SetupError: pip failed; what it said is in the text.
    """
    changed = {path: digest(path) for path in requirements if not is_installed(venv, path)}
    if not changed:
        return
    names = " and ".join(str(path.relative_to(venv.parent)) for path in changed)
    say(f"Installing the Python packages of {names} (a minute or two)")
    options = [option for path in changed for option in ("-r", str(path))]
    pip = [str(venv / "bin/python"), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    finished = run([*pip, "install", "--quiet", *options], umask=_umask(is_root))
    if finished.status:
        raise SetupError(
            f"{finished.output.strip()}\npip could not install {names}: its reason stands above. "
            "Mend it and run make again: what is installed already is kept."
        )
    for path, hexadecimal in changed.items():
        stamp_of(venv, path).write_text(hexadecimal + "\n", encoding="ascii")


def is_installed(venv: Path, requirements: Path) -> bool:
    """Whether the stamp in the virtual environment says that this file, as it is now, was installed."""
    try:
        return stamp_of(venv, requirements).read_text(encoding="ascii").strip() == digest(requirements)
    except FileNotFoundError:
        return False


def stamp_of(venv: Path, requirements: Path) -> Path:
    """The file that holds the hash of a requirements file as it was installed."""
    name = "-".join(requirements.relative_to(venv.parent).with_suffix("").parts)
    return venv / f"{name}.sha256"


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _is_sound(venv: Path) -> bool:
    # venv puts pip in last; and after the system went on to another Python version, the environment's Python
    # still runs but finds no package.
    if venv.is_dir() and venv.samefile(sys.prefix):
        return importlib.util.find_spec("pip") is not None
    # Not ours (yet): tools/setup.sh found none that works, or another set-up made it while we waited.
    check = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    return run([str(venv / "bin/python"), "-c", check]).status == 0


def _umask(is_root: bool) -> int:
    # What root installs is read by the session account, whatever root's own mask is.
    return 0o022 if is_root else -1
