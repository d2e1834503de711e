"""The state directory: ours alone, or no start."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from remote_service.state_dir import StateDirError, close_to_others, open_state_dir, private_file, secret_key


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def generous_umask() -> Iterator[None]:
    """An umask that forbids nothing: what is private here is so by our own doing."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_it_is_made_with_all_that_belongs_into_it(tmp_path: Path) -> None:
    made = open_state_dir(tmp_path / "deep" / "var")
    assert made == tmp_path / "deep" / "var"
    directories = [made, *(path for path in made.rglob("*") if path.is_dir())]
    assert {str(path.relative_to(made)): oct(mode(path)) for path in directories} == {
        ".": "0o700",
        "run": "0o700",
        "logs": "0o700",
        "logs/sessions": "0o700",
        "logs/types": "0o700",
    }


def test_it_is_opened_again_with_what_it_holds(tmp_path: Path) -> None:
    state = open_state_dir(tmp_path / "var")
    (state / "gateway.sqlite3").write_text("rows")
    assert open_state_dir(tmp_path / "var") == state
    assert (state / "gateway.sqlite3").read_text() == "rows"


def test_its_path_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_state_dir(Path("var")) == tmp_path / "var"


def test_somebody_elses_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = open_state_dir(tmp_path / "var")
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    with pytest.raises(StateDirError) as caught:
        open_state_dir(state)
    assert str(caught.value) == (
        f"the state directory {state} belongs to uid {owner}; expected uid 4242, who starts the server. "
        f"Type 'chown -R 4242 {state}', or set REMOTE_SERVICE_STATE_DIR to another one"
    )


@pytest.mark.parametrize(("found", "too_much"), [(0o750, "0050"), (0o701, "0001"), (0o777, "0077")])
def test_one_that_is_open_to_others_is_refused(tmp_path: Path, found: int, too_much: str) -> None:
    state = open_state_dir(tmp_path / "var")
    state.chmod(found)
    with pytest.raises(StateDirError) as caught:
        open_state_dir(state)
    assert str(caught.value) == (
        f"the state directory {state} is open to others (mode {found:04o}, of which {too_much} is too much); "
        f"expected 0700, since secrets lie in it. Type 'chmod 700 {state}'"
    )


def test_a_place_where_none_can_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "var"
    with pytest.raises(StateDirError) as caught:
        open_state_dir(path)
    assert str(caught.value) == (
        f"the state directory {path} cannot be made: Not a directory; expected a directory that this account may make "
        "and own. Set REMOTE_SERVICE_STATE_DIR to one"
    )


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")
    with pytest.raises(StateDirError) as caught:
        open_state_dir(tmp_path / "var")
    assert str(caught.value) == (
        f"the state directory {tmp_path / 'var'} cannot be made: File exists; expected a directory that this account "
        "may make and own. Set REMOTE_SERVICE_STATE_DIR to one"
    )


def test_the_secret_key_is_made_once(tmp_path: Path) -> None:
    key = secret_key(tmp_path)
    assert re.fullmatch(r"[A-Za-z0-9_-]{86}", key)
    assert secret_key(tmp_path) == key
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]
    assert mode(tmp_path / "secret_key") == 0o600


def test_two_directories_have_two_secret_keys(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert secret_key(tmp_path / "a") != secret_key(tmp_path / "b")


def test_of_two_starts_at_once_one_makes_the_key_and_both_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def too_late(source: str, target: Path) -> None:
        target.write_text("the other's key\n")
        target.chmod(0o600)
        link(source, target)

    monkeypatch.setattr(os, "link", too_late)
    assert secret_key(tmp_path) == "the other's key"
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_a_secret_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    secret_key(tmp_path)
    path = tmp_path / "secret_key"
    path.chmod(0o640)
    with pytest.raises(StateDirError) as caught:
        secret_key(tmp_path)
    assert str(caught.value) == (
        f"the secret key {path} is open to others (mode 0640); expected 0600. Type 'chmod 600 {path}', and if others "
        "may have read it, delete it: users then log in anew"
    )


def test_a_file_is_closed_to_others_and_none_is_made(tmp_path: Path) -> None:
    path = tmp_path / "gateway.sqlite3"
    assert close_to_others(path) == path
    assert not path.exists()
    path.write_text("rows")
    path.chmod(0o644)
    assert close_to_others(path) == path
    assert (path.read_text(), mode(path)) == ("rows", 0o600)


def test_a_private_file_is_made_empty_and_ours_alone(tmp_path: Path) -> None:
    path = private_file(tmp_path / "gateway.sqlite3")
    assert path == tmp_path / "gateway.sqlite3"
    assert (path.read_bytes(), mode(path)) == (b"", 0o600)


def test_a_private_file_keeps_what_it_holds_and_is_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "gateway.sqlite3"
    path.write_text("rows")
    path.chmod(0o644)
    private_file(path)
    assert (path.read_text(), mode(path)) == ("rows", 0o600)
