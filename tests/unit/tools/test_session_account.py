"""The session account: its name, how it is made, and what keeps it out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tools import session_account
from tools.session_account import closed_part, ensure, obstacle, useradd_command, wanted_name
from tools.shell import Finished, SetupError

VARIABLE = "REMOTE_SERVICE_SESSION_USER"


@pytest.fixture
def no_parents(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge the last part of a path only: the folders above belong to pytest, which closes them."""
    monkeypatch.setattr(Path, "parents", property(lambda path: ()))


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({}, "remote-session"),
        ({VARIABLE: ""}, "remote-session"),
        ({VARIABLE: "desk_2"}, "desk_2"),
        ({VARIABLE: "root"}, None),
    ],
)
def test_the_name_comes_from_the_environment(environ: dict[str, str], name: str | None) -> None:
    assert wanted_name(environ) == name


@pytest.mark.parametrize("name", ["-x", "a b", "a/b", "Desk", "2desk", "a" * 33, "desk\n"])
def test_it_refuses_what_cannot_be_a_name(name: str) -> None:
    with pytest.raises(SetupError) as refusal:
        wanted_name({VARIABLE: name})
    assert str(refusal.value) == (
        f"REMOTE_SERVICE_SESSION_USER is {name!r}; expected an account's name: lower-case letters, digits, "
        "- and _, at most 32, the first a letter or _ (or root: sessions run as root)."
    )


def test_the_account_gets_a_private_home_and_a_group_of_its_own() -> None:
    assert useradd_command("/usr/sbin/useradd", "desk") == [
        *("/usr/sbin/useradd", "--system", "--create-home", "--home-dir", "/var/lib/desk"),
        *("--key", "HOME_MODE=0700", "--shell", "/bin/bash", "--user-group", "desk"),
    ]


def test_an_account_that_exists_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[Sequence[str]] = []
    monkeypatch.setattr(session_account, "run", ran.append)
    ensure("root")
    assert ran == []
    assert capsys.readouterr().out == ""


def test_an_account_that_is_missing_is_made_and_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[Sequence[str]] = []

    def succeed(argv: Sequence[str]) -> Finished:
        ran.append(argv)
        return Finished(0)

    monkeypatch.setattr(session_account, "run", succeed)
    monkeypatch.setattr(session_account, "find_program", lambda name: f"/usr/sbin/{name}")
    ensure("no-such-account")
    assert ran == [useradd_command("/usr/sbin/useradd", "no-such-account")]
    assert capsys.readouterr().out == (
        "Making the account no-such-account, which sessions run as (home /var/lib/no-such-account)\n"
    )


def test_it_says_what_to_do_without_useradd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_account, "find_program", lambda name: None)
    with pytest.raises(SetupError) as refusal:
        ensure("no-such-account")
    assert str(refusal.value) == (
        "The account no-such-account, which sessions run as, does not exist, and there is no useradd "
        "to make it. Make it with this system's tools, or name another one in REMOTE_SERVICE_SESSION_USER "
        "(root: sessions run as root)."
    )


def test_it_says_why_useradd_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_account, "find_program", lambda name: f"/usr/sbin/{name}")
    monkeypatch.setattr(session_account, "run", lambda argv: Finished(1, "useradd: cannot lock /etc/passwd\n"))
    with pytest.raises(SetupError) as refusal:
        ensure("no-such-account")
    assert str(refusal.value) == (
        "useradd could not make the account no-such-account, which sessions run as: useradd: cannot lock "
        "/etc/passwd. Make it yourself, or name another one in REMOTE_SERVICE_SESSION_USER "
        "(root: sessions run as root)."
    )


def test_the_account_itself_is_asked_whether_it_can_read(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Sequence[str], str, str]] = []

    def succeed(argv: Sequence[str], *, account: str, cwd: str) -> Finished:
        asked.append((argv, account, cwd))
        return Finished(0)

    monkeypatch.setattr(session_account, "run", succeed)
    assert obstacle("desk", Path("/srv/gateway/manage.py"), Path("/usr/bin/python3")) is None
    ((argv, account, cwd),) = asked
    assert (argv[0], argv[-1], account, cwd) == ("/usr/bin/python3", "/srv/gateway/manage.py", "desk", "/")


@pytest.mark.parametrize("closed", ["/srv/gateway/manage.py", "/usr/bin/python3"])
def test_what_is_closed_is_named(closed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_account, "run", lambda argv, **options: Finished(1, "Permission denied\n"))
    monkeypatch.setattr(session_account, "closed_part", {Path(closed): "it has mode 0700"}.get)
    found = obstacle("desk", Path("/srv/gateway/manage.py"), Path("/usr/bin/python3"))
    assert found == "it has mode 0700"


def test_a_reason_that_no_mode_explains_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_account, "run", lambda argv, **options: Finished(1, "Not a Python\n"))
    monkeypatch.setattr(session_account, "closed_part", lambda path: None)
    assert obstacle("desk", Path("/a"), Path("/b")) == "Not a Python"


def test_a_file_must_be_readable(tmp_path: Path, no_parents: None) -> None:
    file = tmp_path / "file"
    file.touch(mode=0o600)
    assert closed_part(file) == f"{file} has mode 0600"
    file.chmod(0o644)
    assert closed_part(file) is None


def test_a_folder_on_the_way_must_be_enterable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "folder/file"
    file.parent.mkdir(mode=0o711)
    file.touch(mode=0o644)
    monkeypatch.setattr(Path, "parents", property(lambda path: (file.parent,)))
    assert closed_part(file) is None
    file.parent.chmod(0o2744)
    assert closed_part(file) == f"{file.parent} has mode 2744"


def test_a_file_that_is_not_there_is_named(tmp_path: Path, no_parents: None) -> None:
    assert closed_part(tmp_path / "absent") == f"{tmp_path / 'absent'}: No such file or directory"
