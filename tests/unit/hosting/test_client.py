"""The supervisor's side without other processes; script hosts and runners are in tests/integration/hosting."""

from __future__ import annotations

import asyncio
import logging
import socket
from pathlib import Path
from typing import Any, cast

import pytest

from remote_service.config.script_report import ScriptReport
from remote_service.hosting.client import PROJECT, HostError, HostOrder, Loaded, RunnerLink, ScriptHost
from remote_service.hosting.status import Phase, Status
from remote_service.hosting.type_log import TypeLog
from remote_service.hosting.wire import Decoder, Message, encode


class Writer:
    """The writing half of a connection."""

    def __init__(self, *, error: OSError | None = None) -> None:
        self.data = b""
        self.closed = False
        self.error = error

    def write(self, data: bytes) -> None:
        self.data += data

    async def drain(self) -> None:
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        self.closed = True

    async def wait_closed(self) -> None:
        if self.error is not None:
            raise self.error

    def sent(self) -> list[Message]:
        return Decoder().feed(self.data)


def link(data: bytes = b"", *, error: OSError | None = None) -> tuple[RunnerLink, Writer]:
    """A link whose runner has said this and hung up."""
    reader, writer = asyncio.StreamReader(), Writer(error=error)
    reader.feed_data(data)
    reader.feed_eof()
    return RunnerLink("a-session", 7, reader, cast(asyncio.StreamWriter, writer)), writer


def said(*statuses: Status) -> bytes:
    return b"".join(encode({"status": status.as_dict()}) for status in statuses)


async def test_every_status_is_handed_on_until_the_runner_hangs_up() -> None:
    one, other = Status("a-session", Phase.STARTING), Status("a-session", Phase.READY)
    connection, _writer = link(said(one, other))
    assert connection.status is None
    heard: list[Status] = []
    await connection.follow(heard.append)
    assert heard == [one, other] and connection.status == other


async def test_a_runner_that_sends_rubbish_has_hung_up() -> None:
    connection, _writer = link(b"rubbish\n" + said(Status("a-session")))
    await connection.follow(lambda status: pytest.fail("nothing after it counts"))


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (
            {"status": Status("another").as_dict()},
            "WireError(\"a status of the session 'another'; expected 'a-session'\")",
        ),
        ({"no status": 1}, "KeyError('status')"),
        ({"status": 5}, "TypeError(\"'int' object is not subscriptable\")"),
        (
            {"status": Status("a-session").as_dict() | {"phase": "rubbish"}},
            "ValueError(\"'rubbish' is not a valid Phase\")",
        ),
    ],
)
async def test_a_runner_that_was_tampered_with_is_not_listened_to(
    message: Message, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    connection, _writer = link(encode(message) + said(Status("a-session")))
    with caplog.at_level(logging.DEBUG):
        await connection.follow(lambda status: pytest.fail("nothing of it counts"))
    assert connection.status is None
    assert why in caplog.text


async def test_a_connection_that_was_reset_has_hung_up() -> None:
    reader = asyncio.StreamReader()
    reader.set_exception(ConnectionResetError())
    connection = RunnerLink("a-session", 7, reader, cast(asyncio.StreamWriter, Writer()))
    await connection.follow(lambda status: pytest.fail("there was none"))


async def test_an_order_is_one_message_that_says_of_which_epoch_it_is() -> None:
    connection, writer = link()
    await connection.order("stop", timeout=3.5)
    await connection.order("dismiss")
    assert writer.sent() == [{"order": "stop", "epoch": 7, "timeout": 3.5}, {"order": "dismiss", "epoch": 7}]


async def test_an_order_to_a_runner_that_has_gone_is_an_error() -> None:
    connection, _writer = link(error=BrokenPipeError())
    with pytest.raises(OSError):
        await connection.order("stop", timeout=1)


@pytest.mark.parametrize("error", [None, ConnectionResetError()])
async def test_hanging_up_never_fails(error: OSError | None) -> None:
    connection, writer = link(error=error)
    await connection.close()
    assert writer.closed


async def test_where_no_runner_listens_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        await RunnerLink.connect("a-session", tmp_path / "sock", 7)
    with pytest.raises(OSError):
        await RunnerLink.connect("a-session", tmp_path / "nowhere" / "sock", 7)


async def test_an_answer_that_came_just_before_its_host_ended_counts() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    host = ScriptHost(cast(asyncio.subprocess.Process, None), ours, cast(TypeLog, None))
    loop = asyncio.get_running_loop()
    answered, waiting = loop.create_future(), loop.create_future()
    answered.set_result(4711)
    host._answers |= {"one": answered, "other": waiting}
    theirs.close()
    await host._listen()
    ours.close()
    assert answered.result() == 4711
    assert isinstance(waiting.exception(), HostError) and str(waiting.exception()) == "The script host has ended."


def test_hosts_run_from_the_project_so_that_they_find_our_modules() -> None:
    assert (PROJECT / "remote_service" / "hosting" / "script_host.py").is_file()


def test_a_sound_script_stops_its_sessions_unless_it_says_otherwise() -> None:
    assert Loaded(ScriptReport(None)).on_last_disconnect == "stop"


def test_an_order_for_a_host_does_not_change() -> None:
    fields: dict[str, Any] = {
        "name": "A type", "script": Path("/s.py"), "count": 1, "options": {}, "account": None,
        "environment": {}, "log_path": Path("/log"),
    }  # fmt: skip
    with pytest.raises(AttributeError):
        HostOrder(**fields).count = 2  # type: ignore[misc]  # that is the point
