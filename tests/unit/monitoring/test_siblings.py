"""Each process tells its figures at a socket; whoever is asked collects those of all."""

from __future__ import annotations

import asyncio
import socket
import stat
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from remote_service.monitoring import siblings as module
from remote_service.monitoring.exposition import of_process
from remote_service.monitoring.siblings import ask, ask_all, merged, telling
from remote_service.relay.traffic import Traffic


async def test_who_asks_is_told_what_is_so_at_that_moment(tmp_path: Path) -> None:
    viewers = 0
    async with telling(tmp_path / "relay", lambda: f"viewers {viewers}"):
        for viewers in (1, 2):
            assert await asyncio.to_thread(ask, tmp_path / "relay") == f"viewers {viewers}"
        assert stat.S_IMODE((tmp_path / "relay").stat().st_mode) == 0o600
    assert await asyncio.to_thread(ask, tmp_path / "relay") is None


async def test_much_text_arrives_whole(tmp_path: Path) -> None:
    told = "x" * 1_000_000
    async with telling(tmp_path / "supervisor", lambda: told):
        assert await asyncio.to_thread(ask, tmp_path / "supervisor") == told


async def test_those_of_all_are_collected_by_their_names(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as killed:
        killed.bind(str(tmp_path / "pages-2"))
    async with AsyncExitStack() as processes:
        for name in ("relay", "pages-1"):
            await processes.enter_async_context(telling(tmp_path / name, lambda name=name: f"of {name}"))
        assert await asyncio.to_thread(ask_all, tmp_path) == {"pages-1": "of pages-1", "relay": "of relay"}


def test_nobody_there_tells_nothing(tmp_path: Path) -> None:
    assert ask(tmp_path / "none") is None
    assert ask(tmp_path / "none" / "relay") is None


def test_one_that_is_busy_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as busy:
        busy.bind(str(tmp_path / "relay"))
        busy.listen()
        assert ask(tmp_path / "relay") is None


@pytest.mark.parametrize("said", [b"", b"{", b"figures"])
async def test_what_is_no_answer_is_left_out(tmp_path: Path, said: bytes) -> None:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        writer.close()

    server = await asyncio.start_unix_server(answer, tmp_path / "relay")
    assert await asyncio.to_thread(ask, tmp_path / "relay") is None
    server.close()


def test_the_figures_of_all_are_one_text_that_says_whose_each_is() -> None:
    text = merged(
        {
            "relay": of_process(2, Traffic(1000, 20, 5, 4)).decode(),
            "pages-1": of_process(0, Traffic()).decode(),
        }
    ).decode()
    assert text.count("# HELP remote_session_viewers Open viewers of this process.\n") == 1
    assert text.count("# TYPE remote_session_relayed_bytes_total counter\n") == 1
    assert 'remote_session_viewers{process="relay"} 2.0\n' in text
    assert 'remote_session_viewers{process="pages-1"} 0.0\n' in text
    assert 'remote_session_relayed_bytes_total{direction="to_viewers",process="relay"} 1000.0\n' in text
    assert 'remote_session_event_loop_lag_seconds_bucket{le="0.001",process="relay"}' in text
    assert 'process_open_fds{process="pages-1"}' in text


def test_of_nobody_there_are_none() -> None:
    assert merged({}) == b""
