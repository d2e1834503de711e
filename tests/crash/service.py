"""A program that is started again whenever it dies, as systemd does with `Restart=on-failure`."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from remote_service.tasks import spawn
from tests.integration.serving import PROJECT

RESTART = 2.0
"""Seconds until then, as `docs/remote-session.service` has it."""
END_PATIENCE = 20.0


class Service:
    """`manage.py` with some arguments."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], output: Path) -> None:
        self._arguments = arguments
        self._environment = environment
        self._output = output
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.failures: list[int] = []
        """Exit statuses other than those of a kill: it ended by itself."""

    @property
    def pid(self) -> int | None:
        """Its process while it runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    def begin(self) -> None:
        """Starts it, and keeps it running."""
        self._task = spawn(self._keep(), name=f"service {self._arguments[0]}")

    async def stop(self) -> int | None:
        """SIGTERM; returns the exit status, or None when it would not end and was killed."""
        self._stopping.set()
        process = self._process
        if process is None:
            return 0
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(END_PATIENCE):
                return await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
            return None

    async def _keep(self) -> None:
        while not self._stopping.is_set():
            with self._output.open("ab") as output:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable, "manage.py", *self._arguments,
                    cwd=PROJECT, env=dict(self._environment), stdin=asyncio.subprocess.DEVNULL,
                    stdout=output, stderr=output, start_new_session=True,
                )  # fmt: skip
            status = await self._process.wait()
            if status >= 0 and not self._stopping.is_set():
                self.failures.append(status)
            with suppress(TimeoutError):
                async with asyncio.timeout(RESTART):
                    await self._stopping.wait()
