"""`manage.py serve`: its options, what it refuses before anything is started, and what it hands to the server."""

from __future__ import annotations

import io
import os
import socket
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from remote_service import pid_file
from remote_service.conf import Crew, GatewaySettings
from remote_service.crew.keeper import Part
from remote_service.crew.parts import crew_of, listen_of
from remote_service.hosting.account import AccountError
from remote_service.management.commands import serve as command
from remote_service.management.commands.serve import address, apply_options, check_listen, layer_is_local, log_to_file
from remote_service.server import Listen, ListenError
from sessions_config.environment import Environment
from tests.integration.certificates import self_signed

LOCAL = Listen("127.0.0.1", 8000)
NO_OPTIONS = {"config": None, "security_token": None, "cert": None}


@pytest.fixture(autouse=True)
def environment(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets variables of the environment that the site's settings hold."""

    def use(**variables: str) -> None:
        for field in Environment.model_fields.values():
            monkeypatch.delenv(str(field.validation_alias), raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        settings.ENVIRONMENT = Environment()  # type: ignore[call-arg]  # the fields come from the environment

    use()
    return use


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    """A certificate with its key."""
    path = tmp_path / "some.pem"
    path.write_text("".join(part.read_text() for part in self_signed(tmp_path)))
    return path


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, session_account: Any) -> list[tuple[Any, Listen, GatewaySettings]]:
    """What the server was started with, instead of starting it."""
    calls: list[tuple[Any, Listen, GatewaySettings]] = []

    async def serve(
        application: Any, listen: Listen, settings: GatewaySettings, listeners: object, announce: Callable[[], None]
    ) -> None:
        assert (settings.state_dir / "server.pid").read_text() == f"{os.getpid()}\n"
        assert listeners == f"listeners at {listen.port}"
        announce()
        calls.append((application, listen, settings))

    monkeypatch.setattr(command, "serve", serve)
    monkeypatch.setattr(command, "open_listeners", lambda listen: f"listeners at {listen.port}")
    monkeypatch.setattr(command, "require_prepared_database", lambda: None)
    monkeypatch.setattr(command, "say_what_is_later", lambda: None)
    monkeypatch.setattr(command, "get_default_application", lambda: "the application")
    return calls


def run(*arguments: str) -> str:
    printed = io.StringIO()
    call_command("serve", *arguments, stdout=printed)
    return printed.getvalue()


# ---- the whole --------------------------------------------------------------------------------------------


def test_without_options_it_serves_what_the_environment_says(served: Any, environment: Any) -> None:
    environment(PORT="8123", REMOTE_SERVICE_TRUSTED_PROXIES="10.0.0.5")
    assert run() == "Serving on http://127.0.0.1:8123/ (Ctrl-C ends the server and its sessions)\n"
    ((application, listen, settings),) = served
    assert application == "the application"
    assert listen == Listen("127.0.0.1", 8123, trusted_proxies=("10.0.0.5",))
    assert settings.security_token == "rest secret"


def test_options_overrule_the_environment(
    served: Any, environment: Any, settings: Any, pem: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment(HOST="0.0.0.0", PORT="8123")
    monkeypatch.chdir(tmp_path)
    printed = run(
        *("--host", "::1", "--port", "8443", "--cert", str(pem), "--key", str(pem)),
        *("--config", "my.json", "--security-token", "another", "--workers", "1"),
    )
    assert printed == "Serving on https://[::1]:8443/ (Ctrl-C ends the server and its sessions)\n"
    ((_application, listen, framework),) = served
    assert listen == Listen("::1", 8443, cert=pem, key=pem)
    assert (framework.sessions_file, framework.security_token) == (tmp_path / "my.json", "another")
    assert framework == settings.REMOTE_SERVICE
    assert (settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE) == (True, True)


def test_a_front_proxy_finds_it_at_a_unix_socket(served: Any) -> None:
    printed = run("--uds", "/run/gateway.sock")
    assert printed == "Serving on the Unix socket /run/gateway.sock (Ctrl-C ends the server and its sessions)\n"
    assert served[0][1].uds == "/run/gateway.sock"


def test_a_second_server_on_the_state_directory_is_refused(served: Any, session_account: GatewaySettings) -> None:
    state = session_account.state_dir
    with pid_file.hold(state), pytest.raises(CommandError) as caught:
        run()
    assert str(caught.value) == (
        f"a server (process {os.getpid()}) already runs with the state directory {state}; expected none. "
        "Stop it, or set REMOTE_SERVICE_STATE_DIR to another directory to run a second one"
    )
    assert served == []


def test_without_an_account_for_scripts_it_does_not_start(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_wanted: str) -> None:
        raise AccountError("the account 'nobody-here' does not exist")

    monkeypatch.setattr(command, "session_account", refuse)
    with pytest.raises(CommandError) as caught:
        run()
    assert str(caught.value) == "the account 'nobody-here' does not exist"
    assert served == []


def test_a_port_that_is_taken_is_said_before_anything_starts(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_listen: Listen) -> None:
        raise ListenError("127.0.0.1 port 8000 cannot be listened on")

    monkeypatch.setattr(command, "open_listeners", refuse)
    with pytest.raises(CommandError) as caught:
        run()
    assert str(caught.value) == "127.0.0.1 port 8000 cannot be listened on"
    assert served == []


def test_there_is_no_server_without_a_process() -> None:
    with pytest.raises(CommandError) as caught:
        run("--workers", "0")
    assert str(caught.value) == "--workers is 0; expected at least 1."


def test_its_log_goes_into_a_file_when_one_is_named(
    served: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = []
    monkeypatch.setattr(command, "log_to_file", named.append)
    run("--log-file", str(tmp_path / "server.log"))
    assert named == [tmp_path / "server.log"]


# ---- several processes ------------------------------------------------------------------------------------


class Kept:
    """The crew that would have been kept."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, state: Path) -> None:
        self.parts: list[Part] = []
        self.listener, self.tunnels = socket.socket(), socket.socket()
        self.descriptors = self.listener.fileno(), self.tunnels.fileno()
        self.modes: list[int] = []
        self._state = state
        monkeypatch.setattr(command, "Keeper", list)
        monkeypatch.setattr(command, "keep", self._keep)
        monkeypatch.setattr(command, "open_listeners", lambda _listen: [self.listener])
        monkeypatch.setattr(command, "open_unix_listener", self._open_unix_listener)

    def _open_unix_listener(self, path: Path, mode: int = 0o600) -> socket.socket:
        self.modes.append(mode)
        return self.tunnels if path == self._state / "crew" / "pages.sock" else self.listener

    async def _keep(self, parts: list[Part], announce: Callable[[], None]) -> None:
        assert (self._state / "server.pid").read_text() == f"{os.getpid()}\n"
        assert (self._state / "crew" / "nudges").is_dir()
        self.parts = parts
        announce()


@pytest.fixture
def kept(served: Any, session_account: GatewaySettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    found = Kept(monkeypatch, session_account.state_dir)
    yield found
    found.listener.close()
    found.tunnels.close()
    assert served == [], "one process does not serve beside its crew"


def test_with_several_workers_a_crew_is_kept(kept: Kept, session_account: GatewaySettings, settings: Any) -> None:
    assert run("--workers", "3") == "Serving on http://127.0.0.1:8000/ (Ctrl-C ends the server and its sessions)\n"
    assert [part.name for part in kept.parts] == ["supervisor", "relay", "pages-1", "pages-2", "pages-3"]
    crew = session_account.state_dir / "crew"
    for part in kept.parts:
        if part.name != "relay":
            assert crew_of(dict(part.told)) == Crew(os.getpid(), crew, crew / "nudges")
    assert kept.parts[-1].descriptors == [kept.descriptors[0]]
    assert kept.modes == [0o600], "tunnels come from our own processes only"
    assert kept.parts[1].told["logging"] == settings.LOGGING
    assert Path(kept.parts[0].argv[1]).is_file()
    assert not crew.exists(), "its folder goes with it"


def test_a_crew_is_told_what_the_command_line_says(kept: Kept, tmp_path: Path) -> None:
    run("--workers", "2", "--config", str(tmp_path / "my.json"), "--security-token", "another")
    for part in kept.parts:
        if part.name != "relay":
            assert part.told["settings"] == {"sessions_file": str(tmp_path / "my.json"), "security_token": "another"}


def test_behind_a_proxy_its_pages_share_a_unix_socket(kept: Kept, tmp_path: Path) -> None:
    printed = run("--workers", "2", "--uds", f"{tmp_path}/g.sock")
    assert printed == f"Serving on the Unix socket {tmp_path}/g.sock (Ctrl-C ends the server and its sessions)\n"
    assert listen_of(dict(kept.parts[-1].told)).uds == f"{tmp_path}/g.sock"
    assert kept.parts[-1].descriptors == [kept.descriptors[0]]


def test_a_channel_layer_that_reaches_all_carries_their_nudges(kept: Kept, settings: Any) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer"}}
    run("--workers", "2")
    assert crew_of(dict(kept.parts[0].told)).nudges is None


@pytest.mark.parametrize(
    ("layers", "local"),
    [
        ({"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}, True),
        ({"default": {"BACKEND": "channels_redis.core.RedisChannelLayer"}}, False),
    ],
)
def test_only_a_layer_in_memory_reaches_no_other_process(layers: Any, local: bool) -> None:
    assert layer_is_local(layers) is local


@pytest.mark.parametrize("workers", ["0", "-1"])
def test_fewer_than_one_process_is_refused(served: Any, workers: str) -> None:
    with pytest.raises(CommandError) as caught:
        run(f"--workers={workers}")
    assert str(caught.value) == f"--workers is {workers}; expected at least 1."
    assert served == []


def test_with_a_certificate_the_relay_has_the_clients(kept: Kept, session_account: GatewaySettings, pem: Path) -> None:
    printed = run("--workers", "2", "--cert", str(pem), "--key", str(pem))
    assert printed == "Serving on https://127.0.0.1:8000/ (Ctrl-C ends the server and its sessions)\n"
    _supervisor, relay, *pages = kept.parts
    for_clients, for_tunnels = kept.descriptors
    assert relay.descriptors == [for_clients]
    assert [part.descriptors for part in pages] == [[for_tunnels]] * 2
    assert relay.told["tls"] == {
        "descriptor": for_clients,
        "cert": str(pem),
        "key": str(pem),
        "pages": str(session_account.state_dir / "crew" / "pages.sock"),
    }
    assert kept.tunnels.fileno() == -1, "closed with its folder"


# ---- its parts --------------------------------------------------------------------------------------------


def test_options_that_are_not_given_change_nothing(settings: Any) -> None:
    before = settings.REMOTE_SERVICE
    apply_options(NO_OPTIONS)
    assert before == settings.REMOTE_SERVICE
    assert (settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE) == (False, False)


def test_a_relative_sessions_file_is_meant_from_the_current_directory(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    apply_options({**NO_OPTIONS, "config": Path("my.json")})
    assert settings.REMOTE_SERVICE.sessions_file == tmp_path / "my.json"


@pytest.mark.parametrize(
    ("listen", "expected"),
    [
        (LOCAL, "http://127.0.0.1:8000/"),
        (Listen("desk.example.org", 443, cert=Path("c"), key=Path("k")), "https://desk.example.org:443/"),
        (Listen("::1", 8000), "http://[::1]:8000/"),
        (Listen("127.0.0.1", 8000, uds="/run/g.sock"), "the Unix socket /run/g.sock"),
    ],
)
def test_it_says_where_users_find_the_site(listen: Listen, expected: str) -> None:
    assert address(listen) == expected


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_alone_is_served_without_more_ado(host: str) -> None:
    check_listen(Listen(host, 8000))


def test_others_are_served_once_the_sites_names_are_known(environment: Any) -> None:
    with pytest.raises(CommandError) as caught:
        check_listen(Listen("0.0.0.0", 8000))
    assert str(caught.value) == (
        "HOST is '0.0.0.0', which others can reach, and the site's names are not set. Set REMOTE_SERVICE_ALLOWED_HOSTS "
        "to the names in users' address bars, such as desk.example.org."
    )
    environment(REMOTE_SERVICE_ALLOWED_HOSTS="desk.example.org")
    check_listen(Listen("0.0.0.0", 8000))


def test_behind_a_unix_socket_the_host_does_not_matter() -> None:
    check_listen(Listen("0.0.0.0", 8000, uds="/run/g.sock"))


@pytest.mark.parametrize("given", ["cert", "key"])
def test_a_certificate_and_its_key_belong_together(pem: Path, given: str) -> None:
    with pytest.raises(CommandError) as caught:
        check_listen(replace(LOCAL, **{given: pem}))
    assert str(caught.value) == "--cert and --key belong together: give both for TLS, or none."


@pytest.mark.parametrize("missing", ["cert", "key"])
def test_a_certificate_and_its_key_must_be_there(pem: Path, missing: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError) as caught:
        check_listen(replace(LOCAL, **{"cert": pem, "key": pem, missing: tmp_path / "none.pem"}))
    assert str(caught.value) == f"{tmp_path / 'none.pem'} cannot be read; expected a PEM file for TLS."


def test_one_that_cannot_be_used_is_refused_before_anything_is_started(pem: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    _certificate, key = self_signed(other)
    with pytest.raises(CommandError) as caught:
        check_listen(replace(LOCAL, cert=pem, key=key))
    assert str(caught.value) == (
        f"{pem} and {key} cannot be used for TLS: KEY_VALUES_MISMATCH; expected a certificate chain and the private "
        "key that belongs to it, both PEM."
    )


def test_a_certificate_with_its_key_is_accepted(pem: Path) -> None:
    check_listen(replace(LOCAL, cert=pem, key=pem))


@pytest.fixture
def standard_error() -> Any:
    """Puts the descriptor 2 back."""
    kept = os.dup(2)
    yield
    os.dup2(kept, 2)
    os.close(kept)


def test_standard_error_goes_to_the_end_of_the_log_file(standard_error: None, tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    for line in (b"one\n", b"two\n"):
        log_to_file(path)
        os.write(2, line)
    assert path.read_text() == "one\ntwo\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_log_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "none" / "server.log"
    with pytest.raises(CommandError) as caught:
        log_to_file(path)
    assert str(caught.value) == (
        f"--log-file {path} cannot be written: No such file or directory; expected a file of ours."
    )
