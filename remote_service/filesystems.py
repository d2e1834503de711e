"""On what kind of file system a path lies, as the kernel's list of mounts tells it (proc_pid_mountinfo(5))."""

from __future__ import annotations

import re
from pathlib import Path, PurePath

MOUNTS = Path("/proc/self/mountinfo")
OF_NETWORKS = frozenset(
    {
        "9p", "afs", "beegfs", "ceph", "cifs", "fuse.ceph", "fuse.glusterfs", "fuse.sshfs", "gfs2", "glusterfs", "gpfs",
        "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "panfs", "smb3", "wekafs",
    }
)  # fmt: skip
"""Several machines see these at once; locks of one machine are not those of another, or not soon enough."""
_ESCAPED = re.compile(r"\\([0-7]{3})")


def kind_of(path: PurePath, mounts: str) -> str:
    """The file system's type, such as "ext4"; empty when the list does not tell.

    Args:
        path: absolute, without links.
        mounts: the text of `MOUNTS`.
    """
    best, kind = -1, ""
    for line in mounts.splitlines():
        before, separator, after = line.partition(" - ")
        fields = before.split()
        if not separator or len(fields) < 5 or not after:
            continue
        point = PurePath(_ESCAPED.sub(lambda found: chr(int(found[1], 8)), fields[4]))
        # Of two mounts at the same place the later one covers the other.
        if path.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), after.split()[0]
    return kind


def network_kind_of(path: Path) -> str:
    """The type of a file system of a network on which the path lies; empty when it lies on none, or nobody can tell."""
    try:
        kind = kind_of(path.resolve(), MOUNTS.read_text())
    except OSError:
        return ""
    return kind if kind in OF_NETWORKS else ""
