"""As whom scripts run, and the allow-list of their environment."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from types import SimpleNamespace

import pytest

from remote_service.hosting import account
from remote_service.hosting.account import DEFAULT_PATH, AccountError, script_environment, session_account, session_uid
from remote_service.hosting.processes import MARKER, NO_SESSION

OURS = {
    "PATH": "/usr/bin", "HOME": "/root", "USER": "root", "SHELL": "/bin/zsh", "LANG": "C.UTF-8", "LC_TIME": "de_DE",
    "TZ": "UTC", "TERM": "xterm", "TMPDIR": "/tmp", "LICENSE_FILE": "27000@licenses", "SECRET_KEY": "secret",
    "DATABASE_URL": "secret", "REMOTE_SERVICE_STATE_DIR": "/state", "PYTHONPATH": "/ours", "LD_PRELOAD": "/x.so",
    "REMOTE_SERVICE_SESSION": "somebody else's", "lc_lower": "no",
}  # fmt: skip


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The accounts of a small machine."""
    known = {
        "remote-session": SimpleNamespace(
            pw_name="remote-session", pw_uid=999, pw_dir="/var/lib/remote-session", pw_shell="/bin/bash"
        ),
        "toor": SimpleNamespace(pw_name="toor", pw_uid=0, pw_dir="/root", pw_shell=""),
        "bare": SimpleNamespace(pw_name="bare", pw_uid=998, pw_dir="/", pw_shell=""),
    }
    monkeypatch.setattr(pwd, "getpwnam", known.__getitem__)


@pytest.mark.usefixtures("accounts")
def test_root_switches_to_the_account() -> None:
    assert session_account("remote-session", uid=0) == "remote-session"


@pytest.mark.usefixtures("accounts")
@pytest.mark.parametrize("wanted", ["remote-session", "no-such-account", "root"])
def test_an_ordinary_user_stays_what_it_is(wanted: str) -> None:
    assert session_account(wanted, uid=1000) is None


def test_root_stays_root_when_that_is_said() -> None:
    assert session_account("root", uid=0) is None


@pytest.mark.usefixtures("accounts")
def test_an_account_that_does_not_exist_is_named_with_the_remedy() -> None:
    with pytest.raises(AccountError) as caught:
        session_account("no-such-account", uid=0)
    assert str(caught.value) == (
        "the account 'no-such-account', as which session scripts are to run, does not exist; expected an account "
        "without rights. Run 'make setup' as root, which makes it, or name another one in "
        "REMOTE_SERVICE_SESSION_USER ('root' keeps root, which lets every script do everything)"
    )


@pytest.mark.usefixtures("accounts")
def test_an_account_that_is_root_by_another_name_is_refused() -> None:
    with pytest.raises(AccountError) as caught:
        session_account("toor", uid=0)
    assert str(caught.value) == (
        "the account 'toor' has uid 0; expected an account without rights. "
        "Set REMOTE_SERVICE_SESSION_USER to one, or to 'root' when that is what you want"
    )


def test_the_uid_is_that_of_the_process_unless_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert session_account("no-such-account") is None


@pytest.mark.usefixtures("accounts")
@pytest.mark.parametrize(
    ("uid", "wanted", "expected"), [(0, "remote-session", 999), (0, "root", 0), (1000, "bare", 1000)]
)
def test_the_uid_of_sessions_is_that_of_their_account_or_else_ours(
    monkeypatch: pytest.MonkeyPatch, uid: int, wanted: str, expected: int
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    assert session_uid(wanted) == expected


def test_the_environment_is_the_allowed_part_of_ours_and_the_place_of_the_marker() -> None:
    assert script_environment(OURS, None, ()) == {
        "PATH": "/usr/bin", "HOME": "/root", "USER": "root", "SHELL": "/bin/zsh", "LANG": "C.UTF-8",
        "LC_TIME": "de_DE", "TZ": "UTC", "TERM": "xterm", "TMPDIR": "/tmp", MARKER: NO_SESSION,
    }  # fmt: skip


def test_further_names_pass_when_they_are_set() -> None:
    found = script_environment(OURS, None, ("LICENSE_FILE", "NOT_SET"))
    assert found["LICENSE_FILE"] == "27000@licenses"
    assert "NOT_SET" not in found


def test_the_marker_s_place_cannot_be_passed() -> None:
    assert script_environment(OURS, None, (MARKER,))[MARKER] == NO_SESSION


def test_there_is_always_a_path() -> None:
    assert script_environment({}, None, ()) == {"PATH": DEFAULT_PATH, MARKER: NO_SESSION}


@pytest.mark.usefixtures("accounts")
@pytest.mark.parametrize(
    ("name", "home", "shell"), [("remote-session", "/var/lib/remote-session", "/bin/bash"), ("bare", "/", "/bin/sh")]
)
def test_home_name_and_shell_are_the_account_s(
    name: str, home: str, shell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "may_enter", lambda _folder, _account: True)
    found = script_environment(OURS, name, ())
    assert (found["HOME"], found["USER"], found["SHELL"]) == (home, name, shell)


def test_directories_that_the_account_cannot_enter_are_not_on_its_path(tmp_path: Path) -> None:
    closed = tmp_path / "closed" / "bin"
    closed.mkdir(parents=True)
    closed.parent.chmod(0o700)
    path = f"{closed}:/usr/bin:/nowhere"
    assert script_environment({"PATH": path}, "nobody", ())["PATH"] == "/usr/bin:/nowhere"
    assert script_environment({"PATH": path}, None, ())["PATH"] == path
