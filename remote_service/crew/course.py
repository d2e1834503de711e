"""The course of `serve --workers` in the process that keeps the others."""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from remote_service.crew.keeper import Keeper
from remote_service.crew.names import PAGES, SUPERVISOR
from remote_service.server import handle_signals
from remote_service.tasks import spawn


async def keep(keeper: Keeper, announce: Callable[[], None]) -> None:
    """Keeps a crew until SIGTERM, or Ctrl-C, which ends the sessions too.

    SIGHUP reloads the sessions file, SIGUSR2 starts the pages anew.

    Args:
        keeper: of the crew.
        announce: called once all are ready.
    """

    async def say() -> None:
        await keeper.ready()
        announce()

    def end() -> None:
        keeper.send(SUPERVISOR, signal.SIGINT)
        keeper.stop()

    handle_signals(keeper.stop, end, lambda: keeper.send(SUPERVISOR, signal.SIGHUP))
    asyncio.get_running_loop().add_signal_handler(
        signal.SIGUSR2, lambda: spawn(keeper.renew(PAGES), name="pages are started anew")
    )
    saying = spawn(say(), name="says that all are ready")
    await keeper.run()
    saying.cancel()


@contextmanager
def meeting_place(state_dir: Path) -> Iterator[Path]:
    """A fresh folder for the crew's sockets, mode 0700; what a killed crew left there is removed."""
    folder = state_dir / "crew"
    shutil.rmtree(folder, ignore_errors=True)
    for each in (folder, folder / "nudges", folder / "figures"):
        each.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        with suppress(OSError):
            shutil.rmtree(folder)
