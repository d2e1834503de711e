"""Which files an account may read, and copies of those that it may not."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from remote_service.hosting import readable
from remote_service.hosting.readable import CopyError, ids_of, may_read, permits, readable_script

NOBODY = "an-account"


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> str:
    """An account with our own group: whoever runs the tests may give it files."""
    entry = SimpleNamespace(pw_uid=65533, pw_gid=os.getegid())
    groups = [
        SimpleNamespace(gr_gid=4242, gr_mem=["somebody", NOBODY]),
        SimpleNamespace(gr_gid=4243, gr_mem=["somebody"]),
    ]
    monkeypatch.setattr(pwd, "getpwnam", {NOBODY: entry}.__getitem__)
    monkeypatch.setattr(grp, "getgrall", lambda: groups)
    if os.geteuid() != 0:
        # Only root may give files away; the rest is the same for everybody.
        monkeypatch.setattr(os, "chown", lambda path, uid, gid: None)
    return NOBODY


@pytest.fixture
def hidden(tmp_path: Path) -> Path:
    """A script with company, in a directory that only its owner can enter."""
    source = tmp_path / "home" / "scripts"
    for name, mode in {
        "script.py": 0o644, "lib/inner.py": 0o600, "run.sh": 0o755, ".git/config": 0o644, "var/db": 0o600,
        "__pycache__/script.pyc": 0o644, ".venv/bin/python": 0o755,
    }.items():  # fmt: skip
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"of {name}")
        path.chmod(mode)
    source.parent.chmod(0o700)
    return source / "script.py"


def found(path: Path) -> dict[str, str]:
    """Files below a directory, with their modes."""
    return {
        file.relative_to(path).as_posix(): oct(stat.S_IMODE(file.stat().st_mode))
        for file in sorted(path.rglob("*"))
        if file.is_file()
    }


# ---- who may read ---------------------------------------------------------------------------------------


def status(mode: int, uid: int = 1, gid: int = 1) -> os.stat_result:
    return os.stat_result((stat.S_IFREG | mode, 0, 0, 1, uid, gid, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("result", "wanted", "answer"),
    [
        (status(0o400, uid=7), 4, True),
        (status(0o044, uid=7), 4, False),
        (status(0o040, gid=8), 4, True),
        (status(0o404, gid=9), 4, False),
        (status(0o004), 4, True),
        (status(0o440), 4, False),
        (status(0o005), 5, True),
        (status(0o004), 5, False),
        (status(0o001), 1, True),
    ],
)
def test_the_first_class_that_fits_decides(result: os.stat_result, wanted: int, answer: bool) -> None:
    assert permits(result, 7, frozenset({8, 9}), wanted) is answer


def test_an_account_has_its_own_group_and_those_that_list_it(account: str) -> None:
    assert ids_of(account) == (65533, frozenset({os.getegid(), 4242}))


@pytest.mark.parametrize(
    ("changed", "readable_then"),
    [
        ({}, True),
        ({"site": 0o700}, False),
        ({"scripts": 0o711}, False),
        ({"scripts": 0o744}, False),
        ({"script.py": 0o640}, False),
    ],
)
def test_a_file_is_readable_through_directories_that_can_be_entered(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, int], readable_then: bool
) -> None:
    modes = {"site": 0o711, "scripts": 0o755, "script.py": 0o644, **changed}
    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", lambda path: status(modes.get(path.name, 0o711)))
        answer = may_read(Path("/no-such/site/scripts/script.py"), 7, frozenset())
    assert answer is readable_then


# ---- copies ---------------------------------------------------------------------------------------------


def test_without_another_account_the_script_serves_from_its_place(hidden: Path) -> None:
    assert readable_script(hidden, None) == hidden


def test_a_script_that_can_be_read_serves_from_its_place(
    hidden: Path, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readable, "may_read", lambda path, uid, gids: (path, uid) == (hidden, 65533))
    assert readable_script(hidden, account) == hidden


def test_one_that_cannot_is_copied_with_its_company_for_the_account_s_group_alone(
    hidden: Path, account: str, tmp_path: Path
) -> None:
    copies = tmp_path / "lib" / "copies"
    copy = readable_script(hidden, account, copies)
    assert copy.name == "script.py" and copy.parent.parent == copies
    assert found(copy.parent) == {"script.py": "0o640", "lib/inner.py": "0o640", "run.sh": "0o750"}
    assert (copy.parent / "lib" / "inner.py").read_text() == "of lib/inner.py"
    for folder in (copy.parent, copy.parent / "lib"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o750
    assert stat.S_IMODE(copies.stat().st_mode) == stat.S_IMODE(copies.parent.stat().st_mode) == 0o755
    if os.geteuid() == 0:
        assert (copy.stat().st_uid, copy.stat().st_gid) == (0, os.getegid())


def test_a_copy_is_made_once_for_a_content_and_anew_for_another(hidden: Path, account: str, tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    first = readable_script(hidden, account, copies)
    os.utime(first.parent, (0, 0))
    assert readable_script(hidden, account, copies) == first
    assert first.parent.stat().st_mtime > 0  # it is in use, and so not old
    (hidden.parent / "lib" / "inner.py").write_text("changed")
    second = readable_script(hidden, account, copies)
    assert second != first and first.exists()
    assert len(list(copies.iterdir())) == 2


def test_a_directory_of_an_ignored_name_above_the_script_ignores_nothing(
    hidden: Path, account: str, tmp_path: Path
) -> None:
    """Sites keep their scripts below /var."""
    below_var = tmp_path / "var" / "scripts"
    shutil.copytree(hidden.parent, below_var)
    copy = readable_script(below_var / "script.py", account, tmp_path / "copies")
    assert copy.exists() and "lib/inner.py" in found(copy.parent)


def test_links_within_are_copied_as_files_and_links_out_are_left_out(
    hidden: Path, account: str, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("of root")
    (hidden.parent / "inside.py").symlink_to("script.py")
    (hidden.parent / "outside.py").symlink_to(tmp_path / "secret")
    (hidden.parent / "dangling.py").symlink_to("nowhere")
    os.mkfifo(hidden.parent / "fifo")
    copy = readable_script(hidden, account, tmp_path / "copies")
    assert set(found(copy.parent)) == {"script.py", "lib/inner.py", "run.sh", "inside.py"}
    assert not (copy.parent / "inside.py").is_symlink()


def test_names_of_any_bytes_are_copied(hidden: Path, account: str, tmp_path: Path) -> None:
    odd = os.fsencode(hidden.parent) + b"/\xff\xfe.txt"
    with open(odd, "w") as file:
        file.write("odd")
    copy = readable_script(hidden, account, tmp_path / "copies")
    assert os.path.exists(os.fsencode(copy.parent) + b"/\xff\xfe.txt")


def test_too_much_is_not_copied(hidden: Path, account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readable, "MOST_BYTES", 3 * 2**20)
    (hidden.parent / "large").write_bytes(b"x" * (4 * 2**20))
    with pytest.raises(CopyError) as caught:
        readable_script(hidden, account, tmp_path / "copies")
    assert str(caught.value) == f"{hidden.parent} is too large to serve a copy of it (4 MiB; at most 3)"


def test_a_place_that_cannot_be_written_is_named(hidden: Path, account: str, tmp_path: Path) -> None:
    (tmp_path / "lib").write_text("a file in the way")
    with pytest.raises(CopyError) as caught:
        readable_script(hidden, account, tmp_path / "lib" / "copies")
    assert str(caught.value).startswith("it cannot be copied either: [Errno ")
    assert str(tmp_path / "lib") in str(caught.value)


def test_a_copy_that_fails_halfway_leaves_nothing(
    hidden: Path, account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(CopyError, match="No space left on device"):
        readable_script(hidden, account, tmp_path / "copies")
    assert list((tmp_path / "copies").iterdir()) == []


def test_another_server_that_makes_the_same_copy_meanwhile_is_no_error(
    hidden: Path, account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = tmp_path / "copies"
    fill = readable._fill

    def fill_and_lose_the_race(target: Path, *rest: object) -> None:
        fill(target, *rest)  # type: ignore[arg-type]  # passed on as they came
        monkeypatch.setattr(readable, "_fill", fill)
        assert readable_script(hidden, account, copies).exists()

    monkeypatch.setattr(readable, "_fill", fill_and_lose_the_race)
    copy = readable_script(hidden, account, copies)
    assert copy.exists() and [path.name for path in copies.iterdir()] == [copy.parent.name]
