"""The environment variables of a site: the only place where they are read. Each has a type and a default."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from remote_service.networks import DEFAULT, Networks
from sessions_config.addresses import check_channel_layer, check_database, without_password

BASE_DIR = Path(__file__).resolve().parent.parent
FOREVER = "forever"
SYSLOG = "syslog"

Names = Annotated[tuple[str, ...], NoDecode]
"""A list of names separated by commas or spaces."""

Paths = Annotated[tuple[Path, ...], NoDecode]
"""A list of paths separated by colons, as in PATH."""

Days = Annotated[int, BeforeValidator(lambda value: 0 if value == FOREVER else value)]
"""A number of days; 0, which may be written as `forever`, is no end."""


class Environment(BaseSettings):
    """What the environment says; a value that cannot be read stops the start with pydantic's message."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", frozen=True)

    state_dir: Path = Field(BASE_DIR / "var", validation_alias="REMOTE_SERVICE_STATE_DIR")
    """Database, logs, sockets, keys; made with mode 0700."""
    database_url: str = Field("", validation_alias="DATABASE_URL", repr=False)
    """`postgres://user:password@host/name`; empty: SQLite in the state directory."""
    channel_layer_url: str = Field("", validation_alias="CHANNEL_LAYER_URL", repr=False)
    """`redis://host:port/0`; empty: in memory, enough for one process."""
    sessions_file: Path = Field(
        BASE_DIR / "sessions_config" / "sessions.json", validation_alias="REMOTE_SERVICE_CONFIG"
    )
    """The session types."""
    script_dirs: Paths = Field((BASE_DIR / "example_scripts",), validation_alias="REMOTE_SERVICE_SCRIPT_DIRS")
    """Where scripts are looked for after the sessions file's own directory."""
    script_env: Names = Field((), validation_alias="REMOTE_SERVICE_SCRIPT_ENV")
    """Further variables that scripts may see."""
    session_user: str = Field("remote-session", validation_alias="REMOTE_SERVICE_SESSION_USER")
    """The account that scripts run as when root starts the server; `root` keeps root."""
    admin_password: str = Field("", validation_alias="REMOTE_SERVICE_ADMIN_PASSWORD", repr=False)
    """The first admin's password; empty: a random one, printed once."""
    security_token: str = Field("", validation_alias="WEBSOCKETSERVER_SECURITY_TOKEN", repr=False)
    """The secret of the stand-alone REST; empty closes it."""
    rest_stop: bool | None = Field(None, validation_alias="REMOTE_SERVICE_REST_STOP")
    """Whether `/v1/stop` ends the server; empty: where one process does everything."""
    lease_time: float = Field(5.0, ge=1, allow_inf_nan=False, validation_alias="REMOTE_SERVICE_LEASE_TIME")
    """Seconds without a sign of life of the supervisor after which one that stands by takes over."""
    unknown_alarm: float = Field(3600.0, ge=0, allow_inf_nan=False, validation_alias="REMOTE_SERVICE_UNKNOWN_ALARM")
    """Seconds after which a session of which nobody knows whether it lives is counted for alarms."""
    endpoint_networks: Names = Field(DEFAULT, validation_alias="REMOTE_SERVICE_ENDPOINT_NETWORKS")
    """Where the endpoints of sessions may be: `loopback`, `types` (the host that a type names), and networks."""
    per_user_total: int = Field(5, ge=1, validation_alias="REMOTE_SERVICE_PER_USER_TOTAL")
    """How many live sessions one user may have."""
    handshakes_per_minute: int = Field(600, ge=1, validation_alias="REMOTE_SERVICE_HANDSHAKES_PER_MINUTE")
    """How many websockets one address may ask for that are refused."""
    log_ins_per_minute: int = Field(30, ge=1, validation_alias="REMOTE_SERVICE_LOGINS_PER_MINUTE")
    """How many log-ins one address may try that fail."""
    cgroup: str = Field("", validation_alias="REMOTE_SERVICE_CGROUP")
    """The control group below which each session gets its own; empty: they get none, and cannot be limited."""
    guests: bool = Field(False, validation_alias="REMOTE_SERVICE_GUESTS")
    """Whether users may share sessions with people who have no account."""
    metrics_token: str = Field("", validation_alias="REMOTE_SERVICE_METRICS_TOKEN", repr=False)
    """The secret of `/metrics`; empty leaves the figures to this machine."""
    history_days: Days = Field(180, ge=0, validation_alias="REMOTE_SERVICE_HISTORY_DAYS")
    """How long sessions that are over stay as history; 0: for ever."""
    log_days: Days = Field(14, ge=0, validation_alias="REMOTE_SERVICE_LOG_DAYS")
    """How long the logs of sessions that are over stay; 0: for ever."""
    audit: str = Field("", validation_alias="REMOTE_SERVICE_AUDIT")
    """Where every event is written as a line of JSON: the path of a file, or `syslog`; empty: nowhere."""
    debug: bool = Field(False, validation_alias="REMOTE_SERVICE_DEBUG")
    """Django's DEBUG: only on a developer's own machine."""
    allowed_hosts: Names = Field((), validation_alias="REMOTE_SERVICE_ALLOWED_HOSTS")
    """The names under which users reach the site; loopback names are always allowed."""
    host: str = Field("127.0.0.1", validation_alias="HOST")
    """The address that `serve` listens on unless --host says otherwise."""
    port: int = Field(8000, ge=0, le=65535, validation_alias="PORT")
    """The port, likewise."""
    trusted_proxies: Names = Field((), validation_alias="REMOTE_SERVICE_TRUSTED_PROXIES")
    """Addresses of front proxies whose X-Forwarded-For and X-Forwarded-Proto are believed."""
    tls: bool = Field(False, validation_alias="REMOTE_SERVICE_TLS")
    """Users reach the site by https: cookies are marked secure. Set by `serve --cert`; set it behind a TLS proxy."""
    path_prefix: str = Field("", validation_alias="REMOTE_SERVICE_PATH_PREFIX")
    """The path below which a front proxy serves the site, such as `/desktops`."""

    @field_validator("script_env", "allowed_hosts", "trusted_proxies", "endpoint_networks", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        return check_database(value) if value else value

    @field_validator("channel_layer_url")
    @classmethod
    def _channel_layer(cls, value: str) -> str:
        return check_channel_layer(value) if value else value

    @field_validator("script_dirs", mode="before")
    @classmethod
    def _paths(cls, value: object) -> object:
        return tuple(Path(part) for part in value.split(":") if part) if isinstance(value, str) else value

    @field_validator("endpoint_networks")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        Networks.read(value)
        return value

    @field_validator("cgroup")
    @classmethod
    def _cgroup(cls, value: str) -> str:
        if value and (not value.startswith("/") or ".." in value.split("/")):
            raise ValueError("expected a control group as /proc/PID/cgroup names it, such as /system.slice/a.service")
        return value

    @field_validator("audit")
    @classmethod
    def _audit(cls, value: str) -> str:
        if value not in ("", SYSLOG) and not value.startswith("/"):
            raise ValueError(f"expected the absolute path of a file, or {SYSLOG}")
        return value

    @field_validator("path_prefix")
    @classmethod
    def _prefix(cls, value: str) -> str:
        stripped = value.strip("/")
        return f"/{stripped}" if stripped else ""


class EnvironmentVariableError(ValueError):
    """A variable holds what it cannot; the message names each, with its value and what was expected."""


def read_environment() -> Environment:
    """Reads all variables.

    Raises:
        EnvironmentVariableError: lists every one that cannot be read. Secrets are not shown.
    """
    try:
        return Environment()  # type: ignore[call-arg]  # pydantic-settings fills the fields from the environment
    except ValidationError as error:
        wrong = [
            f"{found['loc'][0]} is {_shown(found['loc'][0], found['input'])!r}: "
            f"{found['msg'][:1].lower()}{found['msg'][1:]}"
            for found in error.errors()
        ]
    # Not within the block above: what pydantic says shows passwords, also at the head of a traceback.
    raise EnvironmentVariableError(
        f"{'; '.join(wrong)}. Correct the environment; docs/admins.md lists every variable with what it may hold"
    )


def _shown(variable: object, value: object) -> object:
    return without_password(str(value)) if variable in ("DATABASE_URL", "CHANNEL_LAYER_URL") else value
