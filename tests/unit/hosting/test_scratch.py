"""A session's private directory and its removal, whatever a script made of it."""

from __future__ import annotations

import os
import socket
import stat
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from remote_service.hosting import scratch
from remote_service.hosting.scratch import make_scratch, remove_tree, scratch_left_by, scratch_prefix

SESSION = "12345678-9abc-4def-8123-456789abcdef"


def test_it_is_private_and_its_path_is_short_and_names_the_session() -> None:
    made = make_scratch(SESSION)
    try:
        assert stat.S_IMODE(made.stat().st_mode) == 0o700
        assert made.name.startswith("rs-123456789abc4def-") and len(made.name) < 40
    finally:
        made.rmdir()


def test_all_of_a_session_are_found_in_our_temporary_directory_and_in_the_common_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = str(uuid.uuid4())
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "ours"))
    monkeypatch.setattr(scratch, "FALLBACK", tmp_path / "common")
    for place in ("ours", "common"):
        (tmp_path / place).mkdir()
        (tmp_path / place / f"{scratch_prefix(session)}x").mkdir()
        (tmp_path / place / f"{scratch_prefix(str(uuid.uuid4()))}x").mkdir()
    assert [path.parent.name for path in scratch_left_by(session)] == ["common", "ours"]


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """Something outside that must survive."""
    outside = tmp_path / "victim"
    outside.mkdir()
    (outside / "precious").write_text("untouched")
    outside.chmod(0o555)
    return outside


def _mode_000(top: Path, _victim: Path) -> None:
    inner = top / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "file").touch()
    for path in (inner, inner.parent, top):
        path.chmod(0)


def _read_only(top: Path, _victim: Path) -> None:
    (top / "a").mkdir()
    (top / "a" / "file").touch(0o400)
    (top / "a").chmod(0o500)


def _links(top: Path, victim: Path) -> None:
    (top / "a").mkdir()
    (top / "to a directory").symlink_to(victim)
    (top / "a" / "to a file").symlink_to(victim / "precious")
    (top / "a" / "dangling").symlink_to("nowhere")
    (top / "a" / "upwards").symlink_to("..")
    os.link(victim / "precious", top / "hard link")


def _deep(top: Path, _victim: Path) -> None:
    here = os.open(top, os.O_RDONLY)
    for _ in range(2000):
        os.mkdir("n", dir_fd=here)
        inner = os.open("n", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)


def _wide(top: Path, _victim: Path) -> None:
    for number in range(50):
        (top / f"d{number}" / "same name").mkdir(parents=True)
        (top / f"d{number}" / "same name" / "file").touch()


def _odd(top: Path, _victim: Path) -> None:
    (top / "new\nline").mkdir()
    os.mkdir(os.fsencode(top) + b"/\xff\xfe")
    os.mkfifo(top / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        held = os.open(top, os.O_PATH)
        listener.bind(f"/proc/self/fd/{held}/sock")
        os.close(held)


@pytest.mark.parametrize("damage", [_mode_000, _read_only, _links, _deep, _wide, _odd], ids=lambda f: f.__name__)
def test_it_is_removed_with_all_it_holds_and_nothing_else_is(
    tmp_path: Path, victim: Path, damage: Callable[[Path, Path], None]
) -> None:
    top = tmp_path / "scratch"
    top.mkdir()
    damage(top, victim)
    assert remove_tree(top)
    assert not os.path.lexists(top)
    assert (victim / "precious").read_text() == "untouched"
    assert stat.S_IMODE(victim.stat().st_mode) == 0o555


def test_a_link_in_its_place_is_removed_and_not_followed(tmp_path: Path, victim: Path) -> None:
    top = tmp_path / "scratch"
    top.symlink_to(victim)
    assert remove_tree(top)
    assert not os.path.lexists(top) and (victim / "precious").exists()


def test_a_file_in_its_place_is_removed(tmp_path: Path) -> None:
    top = tmp_path / "scratch"
    top.touch()
    assert remove_tree(top)


def test_one_that_is_gone_is_gone(tmp_path: Path) -> None:
    assert remove_tree(tmp_path / "nothing")


def test_what_cannot_be_removed_is_said_and_the_rest_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a file system that somebody mounted in it, or files of another account."""
    top = tmp_path / "scratch"
    for name in ("held", "a/held", "a/b", "free"):
        (top / name).mkdir(parents=True)
    (top / "a" / "file").touch()
    rmdir, rename = os.rmdir, os.rename

    def refuse_rmdir(path: str, *, dir_fd: int | None = None) -> None:
        if path == "held":
            raise OSError(16, "Device or resource busy")
        rmdir(path, dir_fd=dir_fd)

    def refuse_rename(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        if source == "held":
            raise OSError(16, "Device or resource busy")
        rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "rmdir", refuse_rmdir)
    monkeypatch.setattr(os, "rename", refuse_rename)
    assert not remove_tree(top)
    left = sorted(path.relative_to(top).as_posix() for path in top.rglob("*"))
    assert left == ["a", "a/held", "held"]


def test_a_directory_that_may_not_even_be_opened_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    top = tmp_path / "scratch"
    (top / "a").mkdir(parents=True)
    really = os.open

    def refuse(path: str, flags: int, *, dir_fd: int | None = None) -> int:
        if path == "a":
            raise PermissionError(13, "Permission denied")
        return really(path, flags, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuse)
    assert not remove_tree(top)
    assert (top / "a").exists()
