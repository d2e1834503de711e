"""Starts the processes of a crew, starts anew what dies, and ends them together."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from remote_service.tasks import spawn

log = logging.getLogger(__name__)

FIRST_WAIT = 0.2
MOST_WAIT = 3.0
"""Seconds before a process that died is started anew: doubled each time, until one has lived for as long."""
END_PATIENCE = 7.0
"""Seconds that the supervisor has to end by itself: it takes five for all sessions."""
PART_PATIENCE = 3.0
"""Seconds that every other process has."""


@dataclass(frozen=True, slots=True)
class Part:
    """One process of a crew."""

    name: str
    argv: Sequence[str]
    told: Mapping[str, Any]
    """What it is told on its standard input; secrets may be in it."""
    folder: Path
    """Its working directory: never that of whoever typed the command, from which Python might import."""
    descriptors: Sequence[int] = ()
    """What it inherits, under the same numbers."""
    patience: float = PART_PATIENCE
    """Seconds that it has to end by itself."""
    environment: Mapping[str, str] | None = field(default=None, repr=False)
    """What it has for its environment; None: ours."""


@dataclass(eq=False, slots=True)
class _Place:
    """Where one process of the crew is, or will be again."""

    part: Part
    process: asyncio.subprocess.Process | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    renewing: bool = False
    """It was asked to end, so that another one takes its place."""


class Keeper:
    """Keeps a crew until `stop`."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._places = [_Place(part) for part in parts]
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Keeps all of them alive until `stop`, and returns when all have ended."""
        keeping = [spawn(self._keep(place), name=f"keeps {place.part.name}") for place in self._places]
        await asyncio.gather(*keeping)

    async def ready(self) -> None:
        """Returns once each has said that it is ready."""
        for place in self._places:
            await place.ready.wait()

    def stop(self) -> None:
        """Ends all of them."""
        self._stopping.set()

    def send(self, name: str, number: signal.Signals) -> None:
        """Sends a signal to the process of that name, if it is there and knows by now what to do with it."""
        for place in self._places:
            if place.part.name == name and place.ready.is_set():
                _send(place.process, number)

    async def renew(self, prefix: str) -> None:
        """Starts the processes of which the names begin so anew, one after the other: the others serve meanwhile."""
        for place in self._places:
            if place.part.name.startswith(prefix) and not self._stopping.is_set():
                if (process := place.process) is not None:
                    place.ready.clear()
                    place.renewing = True
                    await _end(place.part, process)
                await place.ready.wait()

    # ---- one of them ------------------------------------------------------------------------------------

    async def _keep(self, place: _Place) -> None:
        wait = FIRST_WAIT
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            began = loop.time()
            try:
                how = _how(await self._live(place))
            except OSError as error:
                how = f"it cannot be started: {error.strerror}"
            place.ready.clear()
            if self._stopping.is_set():
                return
            if place.renewing:
                place.renewing = False
                log.info("the %s process is started anew", place.part.name)
                continue
            if loop.time() - began > MOST_WAIT:
                wait = FIRST_WAIT
            log.error("the %s process has died (%s); it is started again in %g s", place.part.name, how, wait)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._stopping.wait()
            wait = min(2 * wait, MOST_WAIT)

    async def _live(self, place: _Place) -> int:
        """Has it live once; returns its exit status, negative for a signal."""
        part = place.part
        hears, says = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *part.argv,
                stdin=asyncio.subprocess.PIPE,
                pass_fds=[says, *part.descriptors],
                cwd=part.folder,
                env=part.environment,
                start_new_session=True,
            )
        except OSError:
            os.close(hears)
            raise
        finally:
            os.close(says)
        place.process = process
        listening = spawn(_hear_ready(hears, place.ready), name=f"waits for {part.name}")
        ended: asyncio.Task[int] = spawn(process.wait(), name=f"end of {part.name}")
        stopping = spawn(self._stopping.wait(), name=f"stop of {part.name}")
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps({**part.told, "ready_at": says}).encode() + b"\n")
            await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                await _end(part, process)
            return await ended
        finally:
            place.process = None
            listening.cancel()
            stopping.cancel()


def _send(process: asyncio.subprocess.Process | None, number: signal.Signals) -> None:
    if process is not None:
        with suppress(ProcessLookupError):
            process.send_signal(number)


async def _end(part: Part, process: asyncio.subprocess.Process) -> None:
    """Has a process end by itself, and kills it when it does not."""
    _send(process, signal.SIGTERM)
    try:
        async with asyncio.timeout(part.patience):
            await process.wait()
    except TimeoutError:
        log.warning("the %s process has not ended within %g s; killed", part.name, part.patience)
        _send(process, signal.SIGKILL)


def _how(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"exit status {status}"


async def _hear_ready(descriptor: int, ready: asyncio.Event) -> None:
    """Waits for a byte; without one, when the process has died before, nothing is ready."""
    reader = asyncio.StreamReader()
    transport, _protocol = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", 0)
    )
    try:
        if await reader.read(1):
            ready.set()
    finally:
        transport.close()
