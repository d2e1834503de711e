"""Connecting to endpoints for real, and every reason not to; who serves them is this process, or played."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from remote_service.endpoints import Endpoint
from remote_service.networks import Networks
from remote_service.relay import dialling
from remote_service.relay.own_services import CHANNEL_LAYER, DATABASE, STATE, OwnService, Rules
from remote_service.relay.proof import Claim, ElsewhereError, EndpointRefusedError, Server
from remote_service.relay.upstream import Upstream

CLAIM = Claim("6f87d37a-41b9-45ee-af26-310d568b1d4d", os.geteuid(), ("n8",))
OTHER = "00000000-41b9-45ee-af26-310d568b1d4d"
Rule = Callable[..., None]
IN_FORCE: list[Rules] = []


async def reach(endpoint: Endpoint, claim: Claim, *, timeout: float) -> Upstream:
    return await dialling.reach(endpoint, claim, IN_FORCE[0], timeout=timeout)


@pytest.fixture(autouse=True)
def rule(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Rule:
    """Sets the site's rules; this process is no gateway."""

    def rules(*words: str, services: tuple[OwnService, ...] = ()) -> None:
        IN_FORCE[:] = [Rules(Networks.read(words or ("loopback", "types")), services, tmp_path)]

    monkeypatch.setattr(dialling, "gateway_pids", lambda _state_dir: frozenset())
    rules()
    return rules


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The names that can be resolved, each with its addresses."""
    known: dict[str, list[str]] = {}

    async def resolve(_loop: object, host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        if host not in known and not host[0].isdigit() and ":" not in host:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(0, 0, 0, "", (address, 0)) for address in known.get(host, [host])]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", resolve)
    return known


@asynccontextmanager
async def listening(path: Path | None = None, host: str = "127.0.0.1") -> AsyncIterator[Endpoint]:
    """A server that sends back what it gets."""
    gone: list[asyncio.Event] = []

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gone.append(asyncio.Event())
        left = gone[-1]
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()
        await writer.wait_closed()
        left.set()

    if path is None:
        server = await asyncio.start_server(echo, host, 0)
        endpoint = Endpoint.tcp(host, server.sockets[0].getsockname()[1])
    else:
        server = await asyncio.start_unix_server(echo, path)
        endpoint = Endpoint.unix(path)
    async with server:
        yield endpoint
        for left in gone:
            await left.wait()


async def echoes(endpoint: Endpoint, claim: Claim = CLAIM) -> bool:
    upstream = await reach(endpoint, claim, timeout=5)
    await upstream.write(b"hello")
    heard = await upstream.read()
    upstream.close()
    assert await upstream.read() == b""
    return heard == b"hello"


async def refusal_of(endpoint: Endpoint, claim: Claim = CLAIM) -> str:
    with pytest.raises(EndpointRefusedError) as caught:
        await reach(endpoint, claim, timeout=5)
    return str(caught.value)


# ---- endpoints that are reached ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["tcp", "unix"])
async def test_it_connects_to_the_endpoints_of_sessions(kind: str, tmp_path: Path) -> None:
    async with listening(tmp_path / "vnc.sock" if kind == "unix" else None) as endpoint:
        assert await echoes(endpoint)


@pytest.mark.parametrize("host", ["localhost", "0.0.0.0", "::ffff:127.0.0.1"])
async def test_this_machine_has_many_names(host: str) -> None:
    async with listening() as endpoint:
        assert await echoes(Endpoint.tcp(host, endpoint.port))


async def test_a_program_of_the_session_may_run_as_another_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialling, "tcp_servers", lambda *_: [Server(os.geteuid() + 1, CLAIM.session)])
    async with listening() as endpoint:
        assert await echoes(endpoint)


async def test_nobody_there_is_an_error(tmp_path: Path) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            await reach(Endpoint.tcp("127.0.0.1", bound.getsockname()[1]), CLAIM, timeout=5)
    with pytest.raises(FileNotFoundError):
        await reach(Endpoint.unix(tmp_path / "none"), CLAIM, timeout=5)


@pytest.mark.parametrize("host", ["a..b", "x" * 64])
async def test_a_name_that_is_none_is_an_error(host: str) -> None:
    with pytest.raises(OSError):
        await reach(Endpoint.tcp(host, 5901), CLAIM, timeout=5)


async def test_an_endpoint_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(*_arguments: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", hang)

    with pytest.raises(TimeoutError) as caught:
        await reach(Endpoint.tcp("127.0.0.1", 5901), CLAIM, timeout=0.01)

    assert str(caught.value) == "tcp:127.0.0.1:5901 did not answer within 0.01 s"


# ---- who serves it ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("server", "why"),
    [
        (Server(4711), f"is served by uid 4711; expected uid {os.geteuid()}, as which the session runs."),
        (Server(os.geteuid(), OTHER), "is served by another session."),
        (Server(os.geteuid(), gateway=True), "is the gateway's own."),
    ],
)
async def test_somebody_elses_server_gets_not_a_byte(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: Server, why: str
) -> None:
    heard: list[bytes] = []
    left: list[asyncio.Event] = [asyncio.Event(), asyncio.Event()]

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"RFB 003.008\n")
            heard.append(await reader.read())
        except ConnectionError:
            heard.append(b"")
        finally:
            writer.transport.abort()
            left[len(heard) - 1].set()

    monkeypatch.setattr(dialling, "tcp_servers", lambda *_: [server])
    monkeypatch.setattr(dialling, "unix_server", lambda *_: server)
    tcp = await asyncio.start_server(listen, "127.0.0.1", 0)
    unix = await asyncio.start_unix_server(listen, tmp_path / "vnc.sock")
    async with tcp, unix:
        at = [Endpoint.tcp("127.0.0.1", tcp.sockets[0].getsockname()[1]), Endpoint.unix(tmp_path / "vnc.sock")]
        for endpoint, gone in zip(at, left, strict=True):
            assert await refusal_of(endpoint) == f"{endpoint} {why}"
            await gone.wait()

    assert heard == [b"", b""]


async def test_one_of_several_who_listen_at_a_port_is_enough_for_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialling, "tcp_servers", lambda *_: [Server(os.geteuid()), Server(os.geteuid(), OTHER)])
    async with listening() as endpoint:
        assert await refusal_of(endpoint) == f"{endpoint} is served by another session."


async def test_a_server_that_went_before_it_was_seen_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialling, "tcp_servers", lambda *_: [])
    async with listening() as endpoint:
        with pytest.raises(ConnectionResetError) as caught:
            await reach(endpoint, CLAIM, timeout=5)

    assert str(caught.value) == "it hung up before it could be seen who it is"


async def test_the_gateways_own_socket_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialling, "gateway_pids", lambda _state_dir: frozenset({os.getpid()}))
    async with listening() as endpoint:
        assert await refusal_of(endpoint) == f"{endpoint} is the gateway's own."


async def test_a_squatter_at_one_address_of_a_name_keeps_nobody_from_the_other(
    monkeypatch: pytest.MonkeyPatch, names: dict[str, list[str]]
) -> None:
    names["localhost"] = ["127.0.0.2", "127.0.0.1"]
    async with listening() as endpoint:
        port = endpoint.port
        squatter = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.2", port)
        monkeypatch.setattr(
            dialling,
            "tcp_servers",
            lambda ours, *_: [Server(4711 if ours.getpeername()[0] == "127.0.0.2" else os.geteuid())],
        )
        async with squatter:
            assert await echoes(Endpoint.tcp("localhost", port))


async def test_a_refusal_says_which_address_of_a_name_it_means(
    monkeypatch: pytest.MonkeyPatch, names: dict[str, list[str]]
) -> None:
    monkeypatch.setattr(dialling, "tcp_servers", lambda *_: [Server(os.geteuid(), OTHER)])
    async with listening() as endpoint:
        names["desk"] = ["127.0.0.3", "127.0.0.1"]
        refusal = await refusal_of(Endpoint.tcp("desk", endpoint.port))

    assert refusal == f"tcp:desk:{endpoint.port} (127.0.0.1) is served by another session."


async def refuse(*_: object) -> None:
    raise ConnectionRefusedError(111, "Connection refused")


# ---- where it may be --------------------------------------------------------------------------------------


async def test_another_machine_is_refused_unless_the_type_names_it(names: dict[str, list[str]]) -> None:
    names["n9"] = ["192.0.2.9"]

    assert await refusal_of(Endpoint.tcp("n9", 5901)) == (
        "tcp:n9:5901 (192.0.2.9) is not in REMOTE_SERVICE_ENDPOINT_NETWORKS."
    )
    assert await refusal_of(Endpoint.tcp("192.0.2.9", 5901)) == (
        "tcp:192.0.2.9:5901 is not in REMOTE_SERVICE_ENDPOINT_NETWORKS."
    )


@pytest.mark.parametrize("host", ["n8", "n8.cluster", "192.0.2.8"])
async def test_a_machine_that_the_type_names_is_dialled_by_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch, names: dict[str, list[str]], host: str
) -> None:
    names.update({"n8": ["192.0.2.8"], "n8.cluster": ["192.0.2.8"]})
    dials: list[object] = []

    async def dial(_made: object, address: object) -> None:
        dials.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", dial)

    with pytest.raises(ConnectionRefusedError):
        await reach(Endpoint.tcp(host, 5901), CLAIM, timeout=5)

    assert dials == [("192.0.2.8", 5901)]


async def test_a_listed_network_is_enough_and_this_machine_may_be_left_out(
    monkeypatch: pytest.MonkeyPatch, rule: Rule
) -> None:
    rule("10.0.1.0/24")
    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", refuse)

    with pytest.raises(ConnectionRefusedError):
        await reach(Endpoint.tcp("10.0.1.7", 5901), CLAIM, timeout=5)
    assert await refusal_of(Endpoint.tcp("127.0.0.1", 5901)) == (
        "tcp:127.0.0.1:5901 is not in REMOTE_SERVICE_ENDPOINT_NETWORKS."
    )


@pytest.mark.parametrize("address", ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1"])
async def test_link_local_addresses_are_refused_whatever_the_site_says(
    names: dict[str, list[str]], rule: Rule, address: str
) -> None:
    rule("loopback", "types", "0.0.0.0/0", "::/0")
    names["n8"] = [address]

    refusal = await refusal_of(Endpoint.tcp("n8", 80))

    assert refusal == f"tcp:n8:80 ({address.removeprefix('::ffff:')}) is link-local, which is never allowed."


# ---- what is the site's own -------------------------------------------------------------------------------


@pytest.mark.parametrize("what", [DATABASE, CHANNEL_LAYER])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
async def test_what_the_site_listens_with_here_is_refused_by_every_address(what: str, host: str, rule: Rule) -> None:
    rule(services=(OwnService(what, "localhost", 5432),))

    refusal = await refusal_of(Endpoint.tcp(host, 5432))

    assert refusal.endswith(f"is {what}.")


ELSEWHERE = replace(CLAIM, elsewhere="n9")
TOLD = "It runs on n9; open it through the gateway there."


@pytest.mark.parametrize("kind", ["tcp", "unix"])
async def test_what_has_the_address_of_a_session_of_another_machine_here_is_not_connected_to(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[object] = []

    async def connect(*arguments: object) -> socket.socket:
        connected.append(arguments)
        raise AssertionError

    async with listening(tmp_path / "vnc.sock" if kind == "unix" else None) as endpoint:
        monkeypatch.setattr(dialling, "_connected", connect)
        with pytest.raises(ElsewhereError) as caught:
            await reach(endpoint, ELSEWHERE, timeout=5.0)
    assert (str(caught.value), connected) == (TOLD, [])


async def test_nor_by_a_name_or_another_address_of_this_machine(
    names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialling, "is_local", lambda address: address == "192.0.2.8")
    names |= {"n9": ["127.0.1.1"], "bridge": ["192.0.2.8"]}
    for host in names:
        with pytest.raises(ElsewhereError):
            await reach(Endpoint.tcp(host, 5901), replace(ELSEWHERE, hosts=("n9",)), timeout=5.0)


async def test_a_session_of_another_machine_is_reached_at_an_address_that_means_the_same_here(
    names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialling, "is_local", lambda _address: False)
    async with listening() as endpoint:
        names["n8"] = ["192.0.2.8"]
        monkeypatch.setattr(dialling, "_connected", lambda family, _to: to_port(family, endpoint.port))
        upstream = await reach(Endpoint.tcp("n8", endpoint.port), ELSEWHERE, timeout=5.0)
        upstream.close()


async def to_port(family: int, port: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setblocking(False)
    await asyncio.get_running_loop().sock_connect(made, ("127.0.0.1", port))
    return made


async def test_what_the_site_listens_with_elsewhere_is_refused_too(names: dict[str, list[str]], rule: Rule) -> None:
    names.update({"n8": ["192.0.2.8"], "db": ["192.0.2.8"]})
    rule(services=(OwnService(DATABASE, "db", 5432), OwnService(CHANNEL_LAYER, "unknown", 5432)))

    assert await refusal_of(Endpoint.tcp("n8", 5432)) == "tcp:n8:5432 (192.0.2.8) is the site's database."


async def test_a_socket_of_the_gateways_directory_is_refused(tmp_path: Path, rule: Rule) -> None:
    rule(services=(OwnService(STATE, path=str(tmp_path)),))
    async with listening(tmp_path / "vnc.sock") as endpoint:
        assert await refusal_of(endpoint) == f"{endpoint} is in the gateway's state directory."


# ---- Unix sockets -----------------------------------------------------------------------------------------


async def test_a_socket_must_belong_to_whom_the_session_runs_as(tmp_path: Path) -> None:
    theirs = Claim(CLAIM.session, os.getuid() + 1)
    async with listening(tmp_path / "vnc.sock") as endpoint:
        assert await refusal_of(endpoint, theirs) == (
            f"{endpoint} belongs to uid {os.getuid()}; expected uid {os.getuid() + 1}, as which the session runs."
        )


async def test_a_link_to_a_socket_is_not_followed(tmp_path: Path) -> None:
    link = tmp_path / "link.sock"
    async with listening(tmp_path / "vnc.sock"):
        link.symlink_to(tmp_path / "vnc.sock")
        with pytest.raises(OSError) as caught:
            await reach(Endpoint.unix(link), CLAIM, timeout=5)

    assert str(caught.value) == "it is no socket; expected one, not a link or a file"


async def test_a_file_is_no_socket(tmp_path: Path) -> None:
    file = tmp_path / "vnc.sock"
    file.touch()

    with pytest.raises(OSError) as caught:
        await reach(Endpoint.unix(file), CLAIM, timeout=5)

    assert str(caught.value) == "it is no socket; expected one, not a link or a file"
