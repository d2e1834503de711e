"""A control group of this machine for a test, in every hierarchy that there is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from remote_service.hosting.cgroups import MOUNTINFO, Hierarchy, hierarchies
from remote_service.hosting.shares import CONTROLLERS
from tests.waiting import eventually


def mounted() -> list[Hierarchy]:
    """All of them."""
    return hierarchies(MOUNTINFO.read_text())


def controllers() -> frozenset[str]:
    """Those of our controllers that the kernel has here, in either version."""
    at_the_root = [each.mount / "cgroup.controllers" for each in mounted() if each.unified]
    unified = {name for file in at_the_root if file.exists() for name in file.read_text().split()}
    return frozenset(CONTROLLERS) & unified.union(*(each.controllers for each in mounted()))


@contextmanager
def control_group(found: list[Hierarchy] | None = None) -> Iterator[str]:
    """Its name, as REMOTE_SERVICE_CGROUP takes it; skips where none can be made."""
    name = f"/remote-session-test-{os.getpid()}"
    folders = [each.folder(name) for each in (mounted() if found is None else found)]
    try:
        try:
            for folder in folders:
                folder.mkdir()
        except OSError as error:
            pytest.skip(f"no control group can be made here: {error}")
        yield name
    finally:
        for folder in folders:
            eventually(lambda folder=folder: emptied(folder))  # type: ignore[misc]


def emptied(folder: Path) -> bool:
    """Removes a group and those below it; False while something in one of them has not ended yet."""
    try:
        for inner, _folders, _files in os.walk(folder, topdown=False):
            Path(inner).rmdir()
    except OSError:
        return False
    return True
