"""The framework's settings: one frozen record, made in the Django settings, read from here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from remote_service.networks import USUAL, Networks


@dataclass(frozen=True, slots=True)
class Crew:
    """What the processes of `serve --workers` share."""

    main_pid: int
    """Of the process that started them, whose end is the server's."""
    folder: Path
    """Where their sockets are."""
    nudges: Path | None = None
    """Where each listens for nudges, at a socket of its own; None where a channel layer reaches them all."""

    @property
    def handovers(self) -> Path:
        """Where the relay's process takes websockets."""
        return self.folder / "handovers.sock"

    def office(self, name: str) -> Path:
        """Where the process of this name answers the relay's."""
        return self.folder / f"office-{name}.sock"

    @property
    def pages(self) -> Path:
        """Where page processes accept tunnels of the relay's, which has the clients when it does TLS."""
        return self.folder / "pages.sock"

    @property
    def figures(self) -> Path:
        """Where each process tells its figures, at a socket of its own."""
        return self.folder / "figures"


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """What the framework needs to know of its site. Paths are absolute."""

    state_dir: Path
    """Database, logs, sockets, `server.pid`; mode 0700, ours."""
    sessions_file: Path
    script_dirs: tuple[Path, ...]
    """Where scripts are looked for after the sessions file's own directory."""
    script_env: tuple[str, ...] = ()
    """Names of further environment variables that scripts may see."""
    session_user: str = "remote-session"
    """The account that scripts run as when the server is started by root; "root" keeps root."""
    security_token: str = field(default="", repr=False)
    """The secret of the stand-alone REST; empty closes it."""
    rest_stop: bool | None = None
    """Whether the stand-alone REST may end the server; None: where one process does everything."""
    endpoint_networks: Networks = USUAL
    """Where the endpoints of sessions may be."""
    per_user_total: int = 5
    """How many live sessions one user may have, over all types."""
    handshakes_per_minute: int = 600
    """How many websockets that are refused one address may ask for."""
    log_ins_per_minute: int = 30
    """How many log-ins that fail one address may try."""
    guests: bool = False
    """Whether sessions may be shared with people who have no account."""
    lease_time: float = 5.0
    """Seconds without a sign of life after which another supervisor takes over."""
    unknown_alarm: float = 3600.0
    """Seconds after which a session of which nobody can tell whether it lives is one that somebody should look at."""
    cgroup: str = ""
    """The control group below which each session gets its own, as `/proc/PID/cgroup` names it; empty for none."""
    metrics_token: str = field(default="", repr=False)
    """The secret of `/metrics`; empty leaves them to this machine."""
    history_days: int = 180
    """How long sessions that are over stay as history; 0: for ever."""
    log_days: int = 14
    """How long the logs of sessions that are over stay; 0: for ever."""

    crew: Crew | None = None
    """None where one process does everything."""

    @property
    def run_dir(self) -> Path:
        """The runners' sockets."""
        return self.state_dir / "run"

    @property
    def session_logs(self) -> Path:
        """The sessions' logs, one file each."""
        return self.state_dir / "logs" / "sessions"

    @property
    def type_logs(self) -> Path:
        """What scripts print while they are loaded, one file a type."""
        return self.state_dir / "logs" / "types"

    @property
    def used_copies(self) -> Path:
        """Which copies of scripts this server has used, an empty file each; see `script_copies`."""
        return self.state_dir / "copies"


def current() -> GatewaySettings:
    """The settings in force."""
    found = settings.REMOTE_SERVICE
    assert isinstance(found, GatewaySettings)
    return found
