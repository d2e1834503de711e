"""What a process for pages and the supervisor's do; the server, the supervisor and the office are played."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from remote_service.conf import Crew, GatewaySettings
from remote_service.crew import work as module
from remote_service.crew.work import LAST_WORDS, serve_pages, supervise
from remote_service.monitoring.siblings import ask
from remote_service.server import Listen
from remote_service.tasks import spawn
from tests.waiting import eventually_async

LOCAL = Listen("127.0.0.1", 8000)


@pytest.fixture
def crew(gateway_settings: GatewaySettings, settings: Any, tmp_path: Path) -> GatewaySettings:
    """The settings of a process of a crew, whose folder is there."""
    (tmp_path / "figures").mkdir()
    found: GatewaySettings = replace(gateway_settings, crew=Crew(1, tmp_path))
    settings.REMOTE_SERVICE = found
    return found


async def told(path: Path) -> str:
    found = await asyncio.to_thread(ask, path)
    assert found is not None
    return found


# ---- pages -----------------------------------------------------------------------------------------------


class Server:
    """uvicorn, played: serves until it should exit."""

    def __init__(self, config: Any, announce: Any) -> None:
        self.config, self.announce = config, announce
        self.listeners: list[socket.socket] = []
        self.should_exit = False

    async def serve(self, listeners: list[socket.socket]) -> None:
        self.listeners = listeners
        self.announce()
        await eventually_async(lambda: self.should_exit)


class Asyncio:
    """The module, whose `sleep` is the test's."""

    def __init__(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        self.sleep = sleep

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)


async def test_pages_are_served_at_the_shared_socket_until_the_process_has_to_end(
    crew: GatewaySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers: list[Server] = []

    def made(config: Any, announce: Any) -> Server:
        servers.append(Server(config, announce))
        return servers[-1]

    monkeypatch.setattr(module, "_Pages", made)
    ending, said = asyncio.Event(), asyncio.Event()
    with socket.socket() as listener:
        serving = spawn(serve_pages(print, LOCAL, listener, "pages-1", ending, said.set), name="pages")
        await asyncio.wait_for(said.wait(), 5)
        (server,) = servers
        assert server.listeners == [listener]
        assert (server.config.app, server.config.port) == (print, 8000)
        figures = await told(tmp_path / "figures" / "pages-1")
        assert "remote_session_viewers 0.0\n" in figures
        # The relay asks here while the supervisor's process is away.
        assert crew.crew is not None
        _reader, writer = await asyncio.open_unix_connection(crew.crew.office("pages-1"))
        writer.close()
        assert not serving.done()
        ending.set()
        await asyncio.wait_for(serving, 5)


async def test_who_has_connected_is_answered_though_the_process_ends(
    crew: GatewaySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience: list[float] = []
    spoken = asyncio.Event()

    async def until_spoken(seconds: float) -> None:
        patience.append(seconds)
        await spoken.wait()

    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    monkeypatch.setattr(module, "asyncio", Asyncio(until_spoken))
    ending, said = asyncio.Event(), asyncio.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        serving = spawn(serve_pages(application, LOCAL, listener, "pages-1", ending, said.set), name="pages")
        await asyncio.wait_for(said.wait(), 5)
        reader, writer = await asyncio.open_connection(*address)
        ending.set()
        await eventually_async(lambda: patience)
        assert patience == [LAST_WORDS]
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*address)

        writer.write(b"GET / HTTP/1.1\r\nHost: desk.example.org\r\n\r\n")
        assert await reader.readline() == b"HTTP/1.1 204 No Content\r\n"
        spoken.set()
        await asyncio.wait_for(serving, 5)
        writer.close()


# ---- the supervisor --------------------------------------------------------------------------------------


class Supervisor:
    """Supervises nothing until it is stopped."""

    def __init__(self, settings: GatewaySettings) -> None:
        self.settings = settings
        self.ready = asyncio.Event()
        self.stopping = asyncio.Event()
        self.reloads = 0
        self.ended = False

    async def run(self) -> None:
        await self.stopping.wait()

    def stop(self) -> None:
        self.stopping.set()

    def end(self) -> None:
        self.ended = True
        self.stop()

    def reload(self) -> None:
        self.reloads += 1


class Supervising:
    """The process that supervises, as far as it has come."""

    def __init__(self, settings: GatewaySettings, monkeypatch: pytest.MonkeyPatch) -> None:
        self.said = asyncio.Event()
        self.supervisor: Any = None
        monkeypatch.setattr(module, "Supervisor", self._made)
        self.settings = settings

    def _made(self, settings: GatewaySettings) -> Supervisor:
        self.supervisor = Supervisor(settings)
        return self.supervisor

    async def begins(self) -> None:
        assert self.settings.crew is not None
        self.running = spawn(supervise(self.settings, self.said.set), name="supervise")
        await eventually_async(lambda: (self.settings.crew.figures / "supervisor").exists())

    async def ends(self) -> None:
        self.supervisor.stop()
        await asyncio.wait_for(self.running, 5)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            asyncio.get_running_loop().remove_signal_handler(number)


@pytest.fixture
def supervising(crew: GatewaySettings, monkeypatch: pytest.MonkeyPatch) -> Supervising:
    return Supervising(crew, monkeypatch)


async def test_it_is_ready_when_sessions_can_be_launched(supervising: Supervising) -> None:
    await supervising.begins()
    assert supervising.supervisor.settings == supervising.settings
    assert not supervising.said.is_set()
    supervising.supervisor.ready.set()
    await asyncio.wait_for(supervising.said.wait(), 5)
    await supervising.ends()


async def test_or_when_scripts_take_their_time(supervising: Supervising, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOAD_PATIENCE", 0.001)
    await supervising.begins()
    await asyncio.wait_for(supervising.said.wait(), 5)
    await supervising.ends()


async def test_one_that_ends_before_says_nothing(supervising: Supervising) -> None:
    await supervising.begins()
    await supervising.ends()
    assert not supervising.said.is_set()


async def test_it_answers_the_relay_and_who_asks_for_its_figures(
    supervising: Supervising,
) -> None:
    await supervising.begins()
    crew = supervising.settings.crew
    assert crew is not None
    _reader, writer = await asyncio.open_unix_connection(crew.office("supervisor"))
    writer.close()
    assert "process_open_fds" in await told(crew.figures / "supervisor")
    await supervising.ends()
    with pytest.raises(OSError):
        await asyncio.open_unix_connection(crew.office("supervisor"))


@pytest.mark.parametrize(("number", "ended"), [(signal.SIGTERM, False), (signal.SIGINT, True)])
async def test_sighup_reloads_sigterm_stops_it_and_ctrl_c_ends_its_sessions_too(
    supervising: Supervising, number: signal.Signals, ended: bool
) -> None:
    await supervising.begins()
    signal.raise_signal(signal.SIGHUP)
    await eventually_async(lambda: supervising.supervisor.reloads == 1)
    signal.raise_signal(number)
    await asyncio.wait_for(supervising.running, 5)
    assert supervising.supervisor.ended is ended
    await supervising.ends()


async def test_a_supervisor_that_cannot_begin_ends_the_process(
    supervising: Supervising, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(_supervisor: Supervisor) -> None:
        raise RuntimeError("the account does not exist")

    monkeypatch.setattr(Supervisor, "run", fails)
    with caplog.at_level(logging.CRITICAL), pytest.raises(RuntimeError) as caught:
        await asyncio.wait_for(supervise(supervising.settings, supervising.said.set), 5)
    assert str(caught.value) == "the account does not exist"
    assert not supervising.said.is_set()
