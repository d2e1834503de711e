"""The programs of the distribution that the gateway uses: what is missing, and how it is installed.

What is there already is judged by the program, not by the package manager's list: a TigerVNC that the site
has built itself counts.
"""

from __future__ import annotations

import os
import re
import shutil
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.shell import Finished, SetupError, lock, run, say

# An administrator's PATH holds these; that of an ordinary user, or of root after a plain `su`, may not.
ADMIN_DIRECTORIES = "/usr/local/sbin:/usr/sbin:/sbin"
LIBRARIES = Path("/usr/lib") / (sysconfig.get_config_var("MULTIARCH") or "")
APT_DIRECTORY = Path("/var/lib/apt")

# Another apt may be at work (unattended upgrades): wait up to 300 s for it.
APT_OPTIONS = ("-o", "DPkg::Lock::Timeout=300")
APT_ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1", "LC_ALL": "C.UTF-8"}

# A line of `apt-get --print-uris`: 'address' file size checksum; the size is in bytes (apt-get(8)).
_URI_LINE = re.compile(r"^'[^']*' \S+ (\d+)\b", re.MULTILINE)


@dataclass(frozen=True)
class Need:
    """A package: its Debian name, what shows that it is there, and how that is called on other systems."""

    package: str
    shown_by: str
    """A program's name, or the absolute path of a file."""
    elsewhere: str = ""
    """The other name of the program; "" for none."""

    def is_met(self, find: Callable[[str], bool]) -> bool:
        """Whether its program is found, under Debian's name or the other."""
        return find(self.shown_by) or bool(self.elsewhere and find(self.elsewhere))


RUN_NEEDS = (
    Need("tigervnc-standalone-server", "Xtigervnc", elsewhere="Xvnc"),
    Need("tigervnc-tools", "vncpasswd"),
    Need("openbox", "openbox"),
    Need("xterm", "xterm"),
    Need("xauth", "xauth"),
    Need("x11-xserver-utils", "xrandr"),
)

TEST_NEEDS = (
    *RUN_NEEDS,
    Need("tigervnc-viewer", "xtigervncviewer"),
    Need("x11vnc", "x11vnc"),
    Need("qemu-system-x86", "qemu-system-x86_64"),
    Need("xvfb", "Xvfb"),
    Need("xdotool", "xdotool"),
    Need("x11-utils", "xdpyinfo"),
    Need("chromium-headless-shell", "chromium-headless-shell"),
    Need("fonts-dejavu-core", "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"),
    Need("openssh-server", "sshd"),
    Need("openssh-client", "ssh"),
    Need("nginx-light", "nginx"),
    Need("gettext", "xgettext"),
    Need("postgresql", "pg_ctlcluster", elsewhere="postgres"),
    Need("redis-server", "redis-server"),
    Need("libnss-wrapper", f"{LIBRARIES}/libnss_wrapper.so"),
)


def wanted(environ: Mapping[str, str]) -> bool:
    """Whether `SYSTEM_PACKAGES` lets us install (unset and 1: yes; 0: no).

    Raises:
        SetupError: It holds something else.
    """
    value = environ.get("SYSTEM_PACKAGES", "")
    if value not in ("", "0", "1"):
        raise SetupError(
            f"SYSTEM_PACKAGES is {value!r}; expected 1 (install what is missing, as root) or 0 (leave it so)."
        )
    return value != "0"


def on_this_machine(name: str) -> bool:
    """Whether a program is on PATH or among the administrators' programs, or the file of that path exists."""
    if name.startswith("/"):
        return os.path.exists(name)
    return find_program(name) is not None


def find_program(name: str) -> str | None:
    """The path of a program on PATH, or where administrators' programs are; None when there is none."""
    return shutil.which(name, path=os.environ.get("PATH", os.defpath) + ":" + ADMIN_DIRECTORIES)


def missing(needs: Sequence[Need], find: Callable[[str], bool]) -> tuple[Need, ...]:
    """Those of the needs that are not met, in their order."""
    return tuple(need for need in needs if not need.is_met(find))


def packages(needs: Sequence[Need]) -> list[str]:
    """Their package names."""
    return [need.package for need in needs]


def line_to_type(names: Sequence[str], *, is_root: bool) -> str:
    """The command that installs these packages, as a person would type it."""
    sudo = "" if is_root else "sudo "
    return f"{sudo}apt-get install --no-install-recommends {' '.join(names)}"


def install_command(apt_get: str, names: Sequence[str], *options: str) -> list[str]:
    """The argument list that installs these packages without asking."""
    return [apt_get, "install", "-y", "-qq", "--no-install-recommends", *APT_OPTIONS, *options, *names]


def megabytes_to_download(uris: str) -> int:
    """The download in MB (1e6 bytes, rounded up) that `apt-get --print-uris` announces."""
    return -(-sum(int(size) for size in _URI_LINE.findall(uris)) // 1_000_000)


def reason(finished: Finished) -> str:
    """Why apt-get failed: its first error, for those that follow come of it; without one, its last line."""
    errors = [line for line in finished.output.splitlines() if line.startswith("E: ")]
    return errors[0].removeprefix("E: ") if errors else finished.last_line


def ensure(
    needs: Sequence[Need], *, allowed: bool, is_root: bool, find: Callable[[str], bool] = on_this_machine
) -> bool:
    """Install what is missing where we may, else say in one line what to type.

    Args:
        needs: What ought to be there.
        allowed: Whether `SYSTEM_PACKAGES` lets us install.
        is_root: Whether we run as root.
        find: Tells whether a program is there.

    Returns:
        Whether all of it is there now. When not, one line has said so; the caller goes on unless it cannot.
    """
    absent = missing(needs, find)
    if not absent:
        return True
    apt_get = find_program("apt-get")
    if apt_get is None:
        programs = ", ".join(need.shown_by for need in absent)
        say(f"There is no apt-get here; install these programs with this system's package manager: {programs}")
        return False
    if not is_root or not allowed:
        say(f"Missing system packages; type: {line_to_type(packages(absent), is_root=is_root)}")
        return False
    with lock(APT_DIRECTORY):
        absent = missing(needs, find)
        finished = _apt_install(apt_get, packages(absent)) if absent else Finished(0)
    if finished.status:
        say(
            f"apt-get could not install them ({reason(finished)}); going on without. Later type: "
            f"{line_to_type(packages(absent), is_root=True)} (SYSTEM_PACKAGES=0 stops the attempts)"
        )
        return False
    absent = missing(needs, find)
    if absent:
        programs = ", ".join(need.shown_by for need in absent)
        say(f"Still missing, although apt-get installed {' '.join(packages(absent))}: {programs}")
    return not absent


def _apt_install(apt_get: str, names: Sequence[str]) -> Finished:
    say(f"Refreshing the package lists (apt-get update) for {len(names)} missing system packages")
    updated = run([apt_get, "update", "-qq", *APT_OPTIONS], env=APT_ENVIRONMENT)
    listed = run(install_command(apt_get, names, "--print-uris"), env=APT_ENVIRONMENT)
    if listed.status:
        return updated if updated.status else listed
    size = megabytes_to_download(listed.output)
    say(f"Installing system packages with apt-get (about {size} MB to download): {' '.join(names)}")
    return run(install_command(apt_get, names), env=APT_ENVIRONMENT)
