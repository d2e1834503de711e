"""System checks: each with its number, its sentence and the mend."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage, Error, Tags, Warning, run_checks
from django.db import OperationalError

from remote_service import catalogue, checks
from remote_service.config.problems import Code, Problem, Severity
from remote_service.hosting.account import AccountError
from sessions_config.environment import Environment

MISSING = Problem(
    "/srv/sessions.json",
    "Desktop",
    ("script",),
    '"desktop.py", which is in none of the script directories',
    "a file beside the sessions file or in a script directory",
    "put it there",
    Code.SCRIPT_MISSING,
    line=2,
)
NO_ACCOUNT = "the account 'nobody-here', as which session scripts are to run, does not exist"


@pytest.fixture
def environment(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets variables of the environment that the site's settings hold."""

    def use(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        settings.ENVIRONMENT = Environment()  # type: ignore[call-arg]  # the fields come from the environment

    for name in ("HOST", "PORT"):
        monkeypatch.delenv(name, raising=False)
    use()
    return use


@pytest.fixture
def sessions_file(gateway_settings: Any, settings: Any, tmp_path: Path) -> Path:
    """The site's own sessions file, which holds no types."""
    tmp_path.chmod(0o755)
    path = tmp_path / "sessions.json"
    path.write_text("{}")
    path.chmod(0o644)
    settings.REMOTE_SERVICE = replace(gateway_settings, sessions_file=path, script_dirs=(), session_user="root")
    return path


# ---- the sessions file ------------------------------------------------------------------------------------


def test_a_sound_sessions_file_has_no_messages(sessions_file: Path, db: None) -> None:
    assert checks.check_sessions_file() == []


def test_every_problem_of_the_sessions_file_is_a_message_with_its_remedy(sessions_file: Path, db: None) -> None:
    sessions_file.write_text(
        json.dumps({"A": {"script": "a.py", "count": 0, "options": {}}, "B": {"script": "b.py", "count": 1}}, indent=1)
    )
    found = checks.check_sessions_file()
    put = f"Put it into {sessions_file.parent}, or name its directory in REMOTE_SERVICE_SCRIPT_DIRS."
    assert [(message.id, message.hint) for message in found] == [
        ("remote_service.E031", put),
        ("remote_service.E023", 'Write for example "count": 1.'),
        ("remote_service.E021", 'Add for example "options": {}.'),
        ("remote_service.E031", put),
    ]
    assert all(message.is_serious() for message in found)


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (
            MISSING,
            Error(
                '/srv/sessions.json:2: at "Desktop" \u203a script: found "desktop.py", which is in none of the script '
                "directories; expected a file beside the sessions file or in a script directory.",
                hint="Put it there.",
                id="remote_service.E031",
            ),
        ),
        (
            replace(MISSING, severity=Severity.WARNING, code=Code.GROUP_UNKNOWN, fix='did you mean "a"?', line=None),
            Warning(
                '/srv/sessions.json: at "Desktop" \u203a script: found "desktop.py", which is in none of the script '
                "directories; expected a file beside the sessions file or in a script directory.",
                hint='Did you mean "a"?',
                id="remote_service.W004",
            ),
        ),
        (
            replace(MISSING, entry=None, detail="Traceback:\n  line 1\n"),
            Error(
                '/srv/sessions.json:2: found "desktop.py", which is in none of the script directories; expected a file '
                "beside the sessions file or in a script directory.\n    Traceback:\n      line 1",
                hint="Put it there.",
                id="remote_service.E031",
            ),
        ),
    ],
)
def test_a_problem_is_shown_with_its_remedy_as_hint(problem: Problem, expected: CheckMessage) -> None:
    assert checks.as_message(problem) == expected


def test_a_database_that_is_not_migrated_is_not_asked_for_groups(
    sessions_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_such_table() -> frozenset[str]:
        raise OperationalError("no such table: auth_group")

    monkeypatch.setattr(checks, "missing_file", lambda: None)
    monkeypatch.setattr(catalogue, "known_groups", no_such_table)
    sessions_file.write_text('{"A": 1}')
    (message,) = checks.check_sessions_file()
    assert message.id == "remote_service.E023"


def test_a_database_that_is_not_there_is_not_asked_and_so_not_made(
    sessions_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Without the fixture `db` pytest-django refuses every question.
    monkeypatch.setattr(checks, "missing_file", lambda: tmp_path / "gateway.sqlite3")
    sessions_file.write_text('{"A": 1}')
    (message,) = checks.check_sessions_file()
    assert message.id == "remote_service.E023"


def test_the_account_is_told_of_by_its_own_check_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_wanted: str) -> None:
        raise AccountError(NO_ACCOUNT)

    monkeypatch.setattr(catalogue, "session_account", refuse)
    monkeypatch.setattr(checks, "session_account", refuse)
    assert checks.check_sessions_file() == []
    assert checks.check_account() == [
        Error(NO_ACCOUNT, hint="Run 'make setup' as root.", id="remote_service.E101"),
    ]


# ---- the account ------------------------------------------------------------------------------------------


def test_scripts_that_run_as_root_are_warned_of(settings: Any) -> None:
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, session_user="root")
    assert checks.check_account() == [
        Warning(
            "REMOTE_SERVICE_SESSION_USER is 'root': every session script runs as root.",
            hint="Unset REMOTE_SERVICE_SESSION_USER and run 'make setup' as root.",
            id="remote_service.W101",
        )
    ]


def test_an_account_that_is_there_is_no_message(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(checks, "session_account", asked.append)
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, session_user="remote-session")
    assert checks.check_account() == []
    assert asked == ["remote-session"]


# ---- what a deployment must say ---------------------------------------------------------------------------


def test_debug_is_warned_of(settings: Any) -> None:
    assert checks.check_debug() == []
    settings.DEBUG = True
    assert checks.check_debug() == [
        Warning(
            "DEBUG is on; expected off where others can reach it.",
            hint="Unset REMOTE_SERVICE_DEBUG.",
            id="remote_service.W102",
        )
    ]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.8.9.1"])
def test_a_server_for_this_machine_alone_needs_neither_names_nor_tls(environment: Any, host: str) -> None:
    environment(HOST=host)
    assert checks.check_hosts() == []
    assert checks.check_tls() == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "desk.example.org", "localhost.example.org"])
def test_a_server_for_others_must_know_its_names(environment: Any, host: str) -> None:
    environment(HOST=host)
    assert checks.check_hosts() == [
        Error(
            f"HOST is {host!r}, which is not loopback, and the site's names are not set.",
            hint="Set REMOTE_SERVICE_ALLOWED_HOSTS to the names in users' address bars, such as desk.example.org.",
            id="remote_service.E103",
        )
    ]
    environment(REMOTE_SERVICE_ALLOWED_HOSTS="desk.example.org")
    assert checks.check_hosts() == []


def test_a_server_for_others_is_warned_of_missing_tls(environment: Any) -> None:
    environment(HOST="0.0.0.0")
    assert checks.check_tls() == [
        Warning(
            "HOST is '0.0.0.0' and TLS is not on: passwords and screens travel readable.",
            hint="Start with serve --cert and --key, or set REMOTE_SERVICE_TLS=1 behind a proxy that does TLS.",
            id="remote_service.W104",
        )
    ]
    environment(REMOTE_SERVICE_TLS="1")
    assert checks.check_tls() == []


PROXY_HINT = "Set it to the proxies' own addresses or networks, such as 10.0.0.5 or 10.0.1.0/24."


@pytest.mark.parametrize("proxies", ["", "10.0.0.5", "10.0.1.0/24, fd00::/8 ::1"])
def test_proxies_are_addresses_or_networks(environment: Any, proxies: str) -> None:
    environment(REMOTE_SERVICE_TRUSTED_PROXIES=proxies)
    assert checks.check_proxies() == []


@pytest.mark.parametrize("wrong", ["proxy.example.org", "10.0.0.5/24", "10.0.0"])
def test_what_is_no_proxys_address_is_an_error(environment: Any, wrong: str) -> None:
    environment(REMOTE_SERVICE_TRUSTED_PROXIES=f"10.0.0.5 {wrong}")
    assert checks.check_proxies() == [
        Error(
            f"REMOTE_SERVICE_TRUSTED_PROXIES holds {wrong!r}; expected an address or a network.",
            hint=PROXY_HINT,
            id="remote_service.E105",
        )
    ]


def test_taking_everybody_for_a_proxy_is_warned_of(environment: Any) -> None:
    environment(REMOTE_SERVICE_TRUSTED_PROXIES="*")
    assert checks.check_proxies() == [
        Warning(
            "REMOTE_SERVICE_TRUSTED_PROXIES holds '*', so everybody can claim any address.",
            hint=PROXY_HINT,
            id="remote_service.W105",
        )
    ]


# ---- all of them ------------------------------------------------------------------------------------------


def test_django_runs_them_under_their_tags(environment: Any, sessions_file: Path, settings: Any, db: None) -> None:
    environment(HOST="0.0.0.0", REMOTE_SERVICE_TRUSTED_PROXIES="*")
    settings.DEBUG = True
    sessions_file.write_text("[]")
    found = [message.id for message in run_checks(tags=["sessions", Tags.security])]
    ours = [number.removeprefix("remote_service.") for number in found if number.startswith("remote_service.")]
    # Django keeps checks in a set, so their order is no one's.
    assert sorted(ours) == ["E010", "E103", "W101", "W102", "W104", "W105"]
