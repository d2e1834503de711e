"""On what kind of file system a path lies."""

from __future__ import annotations

from pathlib import Path, PurePath

import pytest

from remote_service import filesystems
from remote_service.filesystems import kind_of, network_kind_of

MOUNTS = r"""27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
40 27 0:50 / /home rw,relatime shared:1 - nfs4 server:/home rw,vers=4.2
41 40 0:51 / /home/alice/local rw - xfs /dev/vdb rw
42 27 0:52 / /mnt/two\040words rw - lustre mgs@tcp:/work rw
43 27 0:53 / /covered rw - nfs server:/old rw
44 27 0:54 / /covered rw - ext4 /dev/vdc rw
rubbish
45 27 0:55 /"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/state", "ext4"),
        ("/home/alice/state", "nfs4"),
        ("/homeless", "ext4"),
        ("/home/alice/local/state", "xfs"),
        ("/mnt/two words/state", "lustre"),
        ("/covered/state", "ext4"),
    ],
)
def test_the_innermost_mount_tells(path: str, kind: str) -> None:
    assert kind_of(PurePath(path), MOUNTS) == kind


def test_nothing_is_known_of_a_list_that_tells_nothing() -> None:
    assert kind_of(PurePath("/srv"), "") == ""


def test_only_those_of_networks_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mountinfo"
    monkeypatch.setattr(filesystems, "MOUNTS", mounts)
    assert network_kind_of(Path("/home/state")) == ""
    mounts.write_text(MOUNTS)
    assert network_kind_of(Path("/home/state")) == "nfs4"
    assert network_kind_of(Path("/srv/state")) == ""


def test_this_machine_has_a_kind_for_every_path(tmp_path: Path) -> None:
    assert kind_of(tmp_path.resolve(), filesystems.MOUNTS.read_text())
