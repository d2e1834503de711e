"""The relay goes from one office to the next, and back to the first when that lives; the test is the offices."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from remote_service.hosting.wire import encode
from remote_service.relay_process import offices as module
from remote_service.relay_process.offices import Offices, messages
from remote_service.tasks import spawn

LIFE = encode({"alive": True})


def test_they_take_turns() -> None:
    offices = Offices([Path("supervisor"), Path("pages-1")])
    assert [offices.next().name for _ in range(3)] == ["supervisor", "pages-1", "supervisor"]


async def test_signs_of_life_are_no_messages() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(LIFE + encode({"id": 1}) + LIFE + encode({"id": 2}))
    reader.feed_eof()
    assert [message async for message in messages(reader)] == [{"id": 1}, {"id": 2}]


async def test_who_gives_none_is_paused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SILENCE", 0.001)
    with pytest.raises(TimeoutError):
        await anext(messages(asyncio.StreamReader()))


async def test_the_first_is_back_when_it_gives_a_sign_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SILENCE", 0.001)
    monkeypatch.setattr(module, "BACK", 0.001)
    first = tmp_path / "supervisor"
    asked = asyncio.Event()

    async def lives(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        writer.write(LIFE)
        writer.close()

    offices = Offices([first, tmp_path / "pages-1"])
    offices.next()
    waiting = spawn(offices.first_is_back(), name="first")
    with socket.socket(socket.AF_UNIX) as paused:
        paused.bind(str(first))
        paused.listen()
        offices.next()
        # It is asked more than once, for it can be connected to.
        for _ in range(2):
            connection, _address = await asyncio.to_thread(paused.accept)
            connection.close()
        assert not waiting.done()
    first.unlink()
    monkeypatch.setattr(module, "SILENCE", 5.0)
    server = await asyncio.start_unix_server(lives, first)
    await asyncio.wait_for(waiting, 5)
    assert asked.is_set()
    assert offices.next() == first
    server.close()


async def test_while_the_first_is_asked_nobody_looks_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []
    rested = asyncio.Event()

    async def nap(seconds: float) -> None:
        naps.append(seconds)
        rested.set()
        await asyncio.Event().wait()

    offices = Offices([tmp_path / "nobody"])
    offices.next()
    monkeypatch.setattr(module.asyncio, "sleep", nap)
    waiting = spawn(offices.first_is_back(), name="first")
    await asyncio.wait_for(rested.wait(), 5)
    assert naps == [module.BACK]
    waiting.cancel()
