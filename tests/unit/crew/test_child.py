"""What a process of a crew is told, how it says that it is ready, and how it learns that it has to end."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import signal
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from remote_service.crew.child import Order, needing_the_state_directory, on_orphaned, read_order, stopped


@pytest.fixture
def keeper(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.BufferedWriter]:
    """The keeper's end of this process's standard input."""
    hears, says = os.pipe()
    with os.fdopen(hears, "rb") as standard_input, os.fdopen(says, "wb", 0) as found:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=standard_input, fileno=standard_input.fileno))
        yield found  # type: ignore[misc]


@pytest.fixture
def signals() -> Iterator[None]:
    """Puts the handlers back."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


def test_it_reads_what_it_is_told(keeper: io.BufferedWriter) -> None:
    keeper.write(b'{"name": "pages-1", "ready_at": 7}\n')
    assert read_order() == Order({"name": "pages-1", "ready_at": 7}, 7)


def test_without_an_order_it_says_who_starts_it(keeper: io.BufferedWriter) -> None:
    keeper.close()
    with pytest.raises(ValueError) as caught:
        read_order()
    assert str(caught.value) == ("there is no order on the standard input; this process is started by manage.py serve")


def test_an_order_that_is_none_is_refused(keeper: io.BufferedWriter) -> None:
    keeper.write(b"hello\n")
    with pytest.raises(ValueError):
        read_order()


def test_it_says_once_that_it_is_ready() -> None:
    hears, says = os.pipe()
    Order({}, says).ready()
    with os.fdopen(hears, "rb", 0) as keeper:
        assert keeper.read() == b"\n"


@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EACCES])
def test_a_state_directory_that_cannot_be_written_is_told_in_one_line(
    caplog: pytest.LogCaptureFixture, number: int
) -> None:
    error = OSError(number, os.strerror(number), "/srv/var/crew/handovers.sock")
    with pytest.raises(SystemExit) as caught, needing_the_state_directory():
        raise error
    assert caught.value.code == 1
    assert [(record.getMessage(), record.exc_info) for record in caplog.records] == [
        (
            f"the state directory cannot be written, where this process has its sockets: {error}. See that it is "
            "mounted for writing, has room and belongs to the server's account; then the process starts by itself",
            None,
        )
    ]


def test_of_any_other_error_all_is_told() -> None:
    with pytest.raises(ConnectionRefusedError), needing_the_state_directory():
        raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")


async def test_sigterm_ends_it(keeper: io.BufferedWriter, signals: None) -> None:
    ending = stopped()
    assert not ending.is_set()
    os.kill(os.getpid(), signal.SIGTERM)
    await _is_set(ending)


async def test_so_does_the_death_of_its_keeper(keeper: io.BufferedWriter, signals: None) -> None:
    ending = stopped()
    keeper.close()
    await _is_set(ending)


async def test_ctrl_c_is_its_keepers_to_pass_on(keeper: io.BufferedWriter, signals: None) -> None:
    ending = stopped()
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGTERM)
    await _is_set(ending)


async def test_what_else_its_keeper_says_is_no_death_and_death_is_told_once(keeper: io.BufferedWriter) -> None:
    told: list[str] = []
    heard = asyncio.Event()

    def act() -> None:
        told.append("orphaned")
        heard.set()

    on_orphaned(act)
    keeper.write(b"\n")
    for _ in range(5):
        await asyncio.sleep(0)
    assert told == []
    keeper.close()
    await _is_set(heard)
    for _ in range(5):
        await asyncio.sleep(0)
    assert told == ["orphaned"]


async def _is_set(event: asyncio.Event) -> None:
    async with asyncio.timeout(5.0):
        await event.wait()
    loop = asyncio.get_running_loop()
    loop.remove_signal_handler(signal.SIGTERM)
    loop.remove_reader(sys.stdin.fileno())
