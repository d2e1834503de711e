"""Django's settings as they come out of an environment; each test runs the settings file afresh."""

from __future__ import annotations

import runpy
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from remote_service import nudges
from remote_service.conf import GatewaySettings
from remote_service.networks import Networks
from sessions_config.addresses import REDIS_OPTIONS
from sessions_config.environment import BASE_DIR, Environment

Load = Callable[..., dict[str, Any]]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Load:
    """Runs the settings file with these variables alone, on a state directory of the test's own."""

    def run(**variables: str) -> dict[str, Any]:
        for field in Environment.model_fields.values():
            monkeypatch.delenv(str(field.validation_alias), raising=False)
        for name, value in {"REMOTE_SERVICE_STATE_DIR": str(tmp_path / "state"), **variables}.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(BASE_DIR / "sessions_config" / "settings.py"))

    return run


def test_without_variables_the_site_is_closed_and_complete(load: Load, tmp_path: Path) -> None:
    site = load()
    assert site["REMOTE_SERVICE"] == GatewaySettings(
        state_dir=tmp_path / "state",
        sessions_file=BASE_DIR / "sessions_config" / "sessions.json",
        script_dirs=(BASE_DIR / "example_scripts",),
    )
    assert site["DEBUG"] is False
    assert site["ALLOWED_HOSTS"] == ["127.0.0.1", "localhost", "[::1]"]
    assert (site["FORCE_SCRIPT_NAME"], site["STATIC_URL"]) == (None, "/static/")
    assert (site["SESSION_COOKIE_SECURE"], site["CSRF_COOKIE_SECURE"]) == (False, False)
    assert site["CHANNEL_LAYERS"]["default"]["BACKEND"] == "channels.layers.InMemoryChannelLayer"


def test_what_the_environment_says_reaches_the_framework(load: Load, tmp_path: Path) -> None:
    site = load(
        REMOTE_SERVICE_CONFIG="/etc/sessions.json",
        REMOTE_SERVICE_SCRIPT_DIRS="/srv/a:/srv/b",
        REMOTE_SERVICE_SCRIPT_ENV="MODULEPATH",
        REMOTE_SERVICE_SESSION_USER="root",
        WEBSOCKETSERVER_SECURITY_TOKEN="hush",
        REMOTE_SERVICE_ENDPOINT_NETWORKS="types,10.0.1.0/24",
        REMOTE_SERVICE_PER_USER_TOTAL="9",
        REMOTE_SERVICE_HANDSHAKES_PER_MINUTE="60",
        REMOTE_SERVICE_LOGINS_PER_MINUTE="3",
        REMOTE_SERVICE_METRICS_TOKEN="hush too",
        REMOTE_SERVICE_CGROUP="/sessions",
        REMOTE_SERVICE_UNKNOWN_ALARM="60",
    )
    assert site["REMOTE_SERVICE"] == GatewaySettings(
        state_dir=tmp_path / "state",
        sessions_file=Path("/etc/sessions.json"),
        script_dirs=(Path("/srv/a"), Path("/srv/b")),
        script_env=("MODULEPATH",),
        session_user="root",
        security_token="hush",
        endpoint_networks=Networks.read(["types", "10.0.1.0/24"]),
        per_user_total=9,
        handshakes_per_minute=60,
        log_ins_per_minute=3,
        metrics_token="hush too",
        cgroup="/sessions",
        unknown_alarm=60.0,
    )


def test_relative_paths_are_meant_from_the_current_directory(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    site = load(REMOTE_SERVICE_CONFIG="my.json", REMOTE_SERVICE_SCRIPT_DIRS="scripts", REMOTE_SERVICE_STATE_DIR="var")[
        "REMOTE_SERVICE"
    ]
    assert (site.sessions_file, site.script_dirs) == (tmp_path / "my.json", (tmp_path / "scripts",))
    assert site.state_dir == tmp_path / "var"


def test_the_secret_key_is_that_of_the_state_directory(load: Load, tmp_path: Path) -> None:
    key = load()["SECRET_KEY"]
    assert key == (tmp_path / "state" / "secret_key").read_text()
    assert load()["SECRET_KEY"] == key


def test_a_state_directory_that_cannot_be_trusted_stops_the_start(load: Load, tmp_path: Path) -> None:
    load()
    (tmp_path / "state").chmod(0o755)
    with pytest.raises(ImproperlyConfigured) as caught:
        load()
    assert str(caught.value) == (
        f"the state directory {tmp_path / 'state'} is open to others (mode 0755, of which 0055 is too much); "
        f"expected 0700, since secrets lie in it. Type 'chmod 700 {tmp_path / 'state'}'"
    )


def test_the_database_is_sqlite_in_the_state_directory_and_ours_alone(load: Load, tmp_path: Path) -> None:
    load()
    assert not (tmp_path / "state" / "gateway.sqlite3").exists()
    (tmp_path / "state" / "gateway.sqlite3").touch(0o644)
    database = load()["DATABASES"]["default"]
    assert database["ENGINE"] == "django.db.backends.sqlite3"
    assert database["NAME"] == tmp_path / "state" / "gateway.sqlite3"
    assert stat.S_IMODE(database["NAME"].stat().st_mode) == 0o600
    assert database["OPTIONS"] == {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }


def test_another_database_and_channel_layer_are_named_by_their_addresses(load: Load, tmp_path: Path) -> None:
    site = load(DATABASE_URL="postgres://u:p@db.example.org/gateway", CHANNEL_LAYER_URL="redis://cache:6379/0")
    database = site["DATABASES"]["default"]
    assert (database["ENGINE"], database["HOST"], database["NAME"]) == (
        "remote_service.postgresql",
        "db.example.org",
        "gateway",
    )
    assert not (tmp_path / "state" / "gateway.sqlite3").exists()
    assert site["CHANNEL_LAYERS"]["default"] == {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {
            "hosts": [{"address": "redis://cache:6379/0", **REDIS_OPTIONS}],
            "symmetric_encryption_keys": [site["SECRET_KEY"]],
            "group_expiry": 2 * nudges.RENEWAL,
        },
    }


def test_names_are_allowed_beside_those_of_this_machine(load: Load) -> None:
    assert load(REMOTE_SERVICE_ALLOWED_HOSTS="desk.example.org")["ALLOWED_HOSTS"] == [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "desk.example.org",
    ]


def test_with_tls_cookies_are_secure(load: Load) -> None:
    site = load(REMOTE_SERVICE_TLS="1")
    assert (site["SESSION_COOKIE_SECURE"], site["CSRF_COOKIE_SECURE"]) == (True, True)


@pytest.mark.parametrize(("prefix", "path"), [("", "/"), ("/desktops", "/desktops")])
def test_cookies_are_for_the_sites_own_path(load: Load, prefix: str, path: str) -> None:
    site = load(REMOTE_SERVICE_PATH_PREFIX=prefix)
    assert {site[f"{name}_COOKIE_PATH"] for name in ("SESSION", "CSRF", "LANGUAGE")} == {path}


def test_below_a_prefix_static_files_are_there_too(load: Load) -> None:
    site = load(REMOTE_SERVICE_PATH_PREFIX="/desktops")
    assert (site["FORCE_SCRIPT_NAME"], site["STATIC_URL"]) == ("/desktops", "/desktops/static/")


def test_in_debug_static_files_need_not_be_collected(load: Load) -> None:
    site = load(REMOTE_SERVICE_DEBUG="1")
    assert site["DEBUG"] is True
    assert (site["SERVESTATIC_USE_MANIFEST"], site["SERVESTATIC_USE_FINDERS"]) == (False, True)


def test_pages_may_load_nothing_from_elsewhere_and_nothing_unsafe(load: Load) -> None:
    directives = load()["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]
    assert directives["default-src"] == ["'none'"]
    sources = {source for allowed in directives.values() for source in allowed}
    assert sources == {"'none'", "'self'", "data:"}
    assert [name for name, allowed in directives.items() if "data:" in allowed] == ["img-src"]


def test_ten_wrong_passwords_lock_name_and_address_for_five_minutes(load: Load) -> None:
    site = load()
    assert site["AXES_FAILURE_LIMIT"] == 10
    assert site["AXES_COOLOFF_TIME"] == timedelta(minutes=5)
    assert site["AXES_LOCKOUT_PARAMETERS"] == [["username", "ip_address"]]


def test_what_is_logged_goes_to_standard_error_without_queries(load: Load) -> None:
    logging = load()["LOGGING"]
    assert list(logging["handlers"]) == ["console"]
    assert logging["handlers"]["console"]["filters"] == ["no_queries"]
    assert logging["root"] == {"handlers": ["console"], "level": "INFO"}
    assert logging["loggers"]["remote_service.audit"] == {"handlers": [], "level": "CRITICAL", "propagate": False}


def test_audit_lines_go_where_the_environment_says_and_nowhere_else(load: Load) -> None:
    logging = load(REMOTE_SERVICE_AUDIT="syslog")["LOGGING"]
    assert logging["loggers"]["remote_service.audit"] == {"handlers": ["audit"], "level": "INFO", "propagate": False}
    assert logging["handlers"]["audit"] == {"()": "remote_service.audit_handlers.audit_handler", "where": "syslog"}


def test_how_long_things_are_kept_is_told_to_the_framework(load: Load) -> None:
    found = load(REMOTE_SERVICE_HISTORY_DAYS="forever", REMOTE_SERVICE_LOG_DAYS="3")["REMOTE_SERVICE"]
    assert (found.history_days, found.log_days) == (0, 3)
