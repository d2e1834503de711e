"""The environment variables of a site: how each is read, what is refused, and that all are documented."""

from __future__ import annotations

import ast
import inspect
import traceback
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sessions_config.environment import BASE_DIR, Environment, EnvironmentVariableError, read_environment

FIELDS = Environment.model_fields
VARIABLES = {name: str(field.validation_alias) for name, field in FIELDS.items()}
DEFAULTS = {
    "state_dir": BASE_DIR / "var",
    "database_url": "",
    "channel_layer_url": "",
    "sessions_file": BASE_DIR / "sessions_config" / "sessions.json",
    "script_dirs": (BASE_DIR / "example_scripts",),
    "script_env": (),
    "session_user": "remote-session",
    "admin_password": "",
    "security_token": "",
    "rest_stop": None,
    "lease_time": 5.0,
    "unknown_alarm": 3600.0,
    "endpoint_networks": ("loopback", "types"),
    "per_user_total": 5,
    "handshakes_per_minute": 600,
    "log_ins_per_minute": 30,
    "cgroup": "",
    "guests": False,
    "metrics_token": "",
    "history_days": 180,
    "log_days": 14,
    "audit": "",
    "debug": False,
    "allowed_hosts": (),
    "host": "127.0.0.1",
    "port": 8000,
    "trusted_proxies": (),
    "tls": False,
    "path_prefix": "",
}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Reads an environment in which these variables alone are set."""

    def with_variables(**variables: str) -> Environment:
        for name in VARIABLES.values():
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return Environment()  # type: ignore[call-arg]  # the fields come from the environment

    return with_variables


def test_an_empty_environment_gives_the_defaults(read: Any) -> None:
    assert read().model_dump() == DEFAULTS


def test_an_empty_variable_is_as_good_as_none(read: Any) -> None:
    assert read(**dict.fromkeys(VARIABLES.values(), "")) == read()


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("REMOTE_SERVICE_STATE_DIR", "/srv/state", "state_dir", Path("/srv/state")),
        ("DATABASE_URL", "postgres://u:p@db/x", "database_url", "postgres://u:p@db/x"),
        ("CHANNEL_LAYER_URL", "redis://cache:6379/0", "channel_layer_url", "redis://cache:6379/0"),
        ("REMOTE_SERVICE_CONFIG", "/etc/sessions.json", "sessions_file", Path("/etc/sessions.json")),
        ("REMOTE_SERVICE_SCRIPT_DIRS", "/a:/b b::/c", "script_dirs", (Path("/a"), Path("/b b"), Path("/c"))),
        ("REMOTE_SERVICE_SCRIPT_ENV", "MODULEPATH, LICENSE_FILE  X", "script_env", ("MODULEPATH", "LICENSE_FILE", "X")),
        ("REMOTE_SERVICE_SESSION_USER", "root", "session_user", "root"),
        ("REMOTE_SERVICE_ADMIN_PASSWORD", "hush", "admin_password", "hush"),
        ("WEBSOCKETSERVER_SECURITY_TOKEN", "hush", "security_token", "hush"),
        ("REMOTE_SERVICE_REST_STOP", "1", "rest_stop", True),
        ("REMOTE_SERVICE_REST_STOP", "0", "rest_stop", False),
        ("REMOTE_SERVICE_LEASE_TIME", "2.5", "lease_time", 2.5),
        ("REMOTE_SERVICE_UNKNOWN_ALARM", "0", "unknown_alarm", 0.0),
        ("REMOTE_SERVICE_ENDPOINT_NETWORKS", "loopback, 10.0.1.0/24", "endpoint_networks", ("loopback", "10.0.1.0/24")),
        ("REMOTE_SERVICE_PER_USER_TOTAL", "12", "per_user_total", 12),
        ("REMOTE_SERVICE_HANDSHAKES_PER_MINUTE", "60", "handshakes_per_minute", 60),
        ("REMOTE_SERVICE_LOGINS_PER_MINUTE", "3", "log_ins_per_minute", 3),
        ("REMOTE_SERVICE_CGROUP", "/system.slice/a.service", "cgroup", "/system.slice/a.service"),
        ("REMOTE_SERVICE_GUESTS", "1", "guests", True),
        ("REMOTE_SERVICE_GUESTS", "no", "guests", False),
        ("REMOTE_SERVICE_METRICS_TOKEN", "hush", "metrics_token", "hush"),
        ("REMOTE_SERVICE_HISTORY_DAYS", "365", "history_days", 365),
        ("REMOTE_SERVICE_HISTORY_DAYS", "forever", "history_days", 0),
        ("REMOTE_SERVICE_LOG_DAYS", "0", "log_days", 0),
        ("REMOTE_SERVICE_AUDIT", "/var/log/remote-session.jsonl", "audit", "/var/log/remote-session.jsonl"),
        ("REMOTE_SERVICE_AUDIT", "syslog", "audit", "syslog"),
        ("REMOTE_SERVICE_DEBUG", "1", "debug", True),
        ("REMOTE_SERVICE_DEBUG", "false", "debug", False),
        (
            "REMOTE_SERVICE_ALLOWED_HOSTS",
            "desk.example.org,192.0.2.7",
            "allowed_hosts",
            ("desk.example.org", "192.0.2.7"),
        ),
        ("HOST", "0.0.0.0", "host", "0.0.0.0"),
        ("PORT", "8443", "port", 8443),
        ("REMOTE_SERVICE_TRUSTED_PROXIES", "10.0.0.5 fd00::/8", "trusted_proxies", ("10.0.0.5", "fd00::/8")),
        ("REMOTE_SERVICE_TLS", "yes", "tls", True),
        ("REMOTE_SERVICE_PATH_PREFIX", "/desktops", "path_prefix", "/desktops"),
        ("REMOTE_SERVICE_PATH_PREFIX", "desktops/", "path_prefix", "/desktops"),
        ("REMOTE_SERVICE_PATH_PREFIX", "/a/b/", "path_prefix", "/a/b"),
        ("REMOTE_SERVICE_PATH_PREFIX", "/", "path_prefix", ""),
    ],
)
def test_a_variable_is_read(read: Any, variable: str, text: str, field: str, value: object) -> None:
    assert VARIABLES[field] == variable
    assert read(**{variable: text}).model_dump() == {**DEFAULTS, field: value}


def test_every_variable_has_been_read_above() -> None:
    (mark,) = test_a_variable_is_read.pytestmark  # type: ignore[attr-defined]  # pytest puts it there
    assert {row[0] for row in mark.args[1]} == set(VARIABLES.values())


@pytest.mark.parametrize(
    ("variable", "text", "says"),
    [
        ("PORT", "http", "Input should be a valid integer, unable to parse string as an integer"),
        ("PORT", "65536", "Input should be less than or equal to 65535"),
        ("PORT", "-1", "Input should be greater than or equal to 0"),
        ("REMOTE_SERVICE_PER_USER_TOTAL", "0", "Input should be greater than or equal to 1"),
        (
            "REMOTE_SERVICE_PER_USER_TOTAL",
            "all",
            "Input should be a valid integer, unable to parse string as an integer",
        ),
        ("REMOTE_SERVICE_REST_STOP", "maybe", "Input should be a valid boolean, unable to interpret input"),
        ("REMOTE_SERVICE_LEASE_TIME", "0.5", "Input should be greater than or equal to 1"),
        ("REMOTE_SERVICE_LEASE_TIME", "inf", "Input should be a finite number"),
        ("REMOTE_SERVICE_UNKNOWN_ALARM", "-1", "Input should be greater than or equal to 0"),
        ("REMOTE_SERVICE_HANDSHAKES_PER_MINUTE", "0", "Input should be greater than or equal to 1"),
        ("REMOTE_SERVICE_LOGINS_PER_MINUTE", "0", "Input should be greater than or equal to 1"),
        ("REMOTE_SERVICE_GUESTS", "some", "Input should be a valid boolean, unable to interpret input"),
        ("REMOTE_SERVICE_HISTORY_DAYS", "-1", "Input should be greater than or equal to 0"),
        (
            "REMOTE_SERVICE_LOG_DAYS",
            "always",
            "Input should be a valid integer, unable to parse string as an integer",
        ),
        ("REMOTE_SERVICE_AUDIT", "audit.log", "Value error, expected the absolute path of a file, or syslog"),
        ("REMOTE_SERVICE_DEBUG", "perhaps", "Input should be a valid boolean, unable to interpret input"),
        ("REMOTE_SERVICE_TLS", "2", "Input should be a valid boolean, unable to interpret input"),
    ],
)
def test_a_value_that_cannot_be_read_is_refused_with_its_name_and_what_was_expected(
    read: Any, variable: str, text: str, says: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        read(**{variable: text})
    (error,) = caught.value.errors(include_url=False, include_context=False)
    assert (error["loc"], error["msg"], error["input"]) == ((variable,), says, text)
    head, name, message = str(caught.value).splitlines()[:3]
    assert (head, name) == ("1 validation error for Environment", variable)
    assert message.startswith(f"  {says} [type=") and f"input_value='{text}'" in message


def test_all_values_that_cannot_be_read_are_told_at_once(read: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        read(PORT="http", REMOTE_SERVICE_TLS="perhaps")
    assert [error["loc"] for error in caught.value.errors()] == [("PORT",), ("REMOTE_SERVICE_TLS",)]


def test_no_secret_is_shown_by_accident(read: Any) -> None:
    secrets = {"REMOTE_SERVICE_ADMIN_PASSWORD", "WEBSOCKETSERVER_SECURITY_TOKEN", "REMOTE_SERVICE_METRICS_TOKEN"}
    addresses = {"DATABASE_URL": "postgres://u:hush@h/n", "CHANNEL_LAYER_URL": "redis://:hush@h/0"}
    assert "hush" not in repr(read(**dict.fromkeys(secrets, "hush"), **addresses))


@pytest.mark.parametrize(
    ("variable", "text", "shown", "says", "example"),
    [
        ("DATABASE_URL", "postgres://u:hush@h", "postgres://u:***@h", "it names no database", "postgres://gateway:"),
        ("CHANNEL_LAYER_URL", "http://:hush@h/0", "http://:***@h/0", "its scheme is none of", "redis://:secret@cache"),
    ],
)
def test_an_address_that_is_none_is_named_without_its_password_with_what_was_expected_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, shown: str, says: str, example: str
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(EnvironmentVariableError) as caught:
        read_environment()
    said = str(caught.value)
    assert said.startswith(f"{variable} is '{shown}': value error, {says}")
    assert f"such as {example}" in said
    assert said.endswith("Correct the environment; docs/admins.md lists every variable with what it may hold")
    # Not even where a server of somebody else prints the whole traceback.
    assert "hush" not in "".join(traceback.format_exception(caught.value))


def docstrings() -> dict[str, str]:
    """The text below each field in the source."""
    (found,) = ast.parse(inspect.getsource(Environment)).body
    assert isinstance(found, ast.ClassDef)
    texts = {}
    for field, below in zip(found.body, found.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            assert isinstance(field.target, ast.Name)
            texts[field.target.id] = str(below.value.value)
    return texts


def test_every_field_says_what_it_is() -> None:
    assert set(docstrings()) == set(FIELDS)
    assert all(len(text.split()) >= 3 for text in docstrings().values())


def test_every_variable_is_documented() -> None:
    pages = [BASE_DIR / "README.md", *sorted((BASE_DIR / "docs").glob("*.md"))]
    text = "\n".join(page.read_text() for page in pages)
    assert [name for name in VARIABLES.values() if f"`{name}`" not in text] == []


def test_the_environment_is_read_nowhere_else() -> None:
    product = [BASE_DIR / "manage.py"]
    for package in ("remote_service", "sessions_config", "webui"):
        product += (BASE_DIR / package).rglob("*.py")
    readers = set()
    for path in product:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb"):
                readers.add(str(path.relative_to(BASE_DIR)))
    # They pass it on, mark processes in it, keep its secrets out of what they write, say who types, or name the
    # settings module; none of them reads a setting of ours.
    assert readers == {
        "manage.py",
        "remote_service/actors.py",
        "remote_service/catalogue.py",
        "remote_service/crew/parts.py",
        "remote_service/hosting/processes.py",
        "remote_service/hosting/script_context.py",
        "remote_service/hosting/script_host.py",
        "remote_service/management/commands/backup.py",
        "remote_service/support_bundle.py",
        "sessions_config/asgi.py",
        "webui/management/commands/prepare.py",
    }


def test_a_network_that_is_none_is_named_with_what_was_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMOTE_SERVICE_ENDPOINT_NETWORKS", "loopback 10.0.1.x")
    with pytest.raises(EnvironmentVariableError) as caught:
        read_environment()
    assert str(caught.value) == (
        "REMOTE_SERVICE_ENDPOINT_NETWORKS is 'loopback 10.0.1.x': value error, '10.0.1.x' is no network ('10.0.1.x' "
        "does not appear to be an IPv4 or IPv6 network); expected 'loopback', 'types', an address or a network, such "
        "as 10.0.1.0/24. Correct the environment; docs/admins.md lists every variable with what it may hold"
    )


@pytest.mark.parametrize("group", ["system.slice", "/a/../../b"])
def test_what_is_no_control_group_is_refused(monkeypatch: pytest.MonkeyPatch, group: str) -> None:
    monkeypatch.setenv("REMOTE_SERVICE_CGROUP", group)
    with pytest.raises(EnvironmentVariableError) as caught:
        read_environment()
    assert str(caught.value) == (
        f"REMOTE_SERVICE_CGROUP is '{group}': value error, expected a control group as /proc/PID/cgroup names it, such "
        "as /system.slice/a.service. Correct the environment; docs/admins.md lists every variable with what it may hold"
    )


def test_every_variable_that_cannot_be_read_is_named_with_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "abc")
    monkeypatch.setenv("REMOTE_SERVICE_PER_USER_TOTAL", "0")
    with pytest.raises(EnvironmentVariableError) as caught:
        read_environment()
    assert str(caught.value) == (
        "REMOTE_SERVICE_PER_USER_TOTAL is '0': input should be greater than or equal to 1; "
        "PORT is 'abc': input should be a valid integer, unable to parse string as an integer. "
        "Correct the environment; docs/admins.md lists every variable with what it may hold"
    )
