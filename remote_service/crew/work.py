"""What two kinds of processes of `serve --workers` do: serve pages, and supervise. The relay's is `relay_process`."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import closing
from typing import Any

from remote_service import conf
from remote_service.conf import GatewaySettings
from remote_service.crew import names
from remote_service.monitoring import event_loop
from remote_service.monitoring.exposition import of_process
from remote_service.monitoring.siblings import telling
from remote_service.postgresql.patience import PATIENCE
from remote_service.relay.traffic import Traffic
from remote_service.relay_process.office import Office
from remote_service.server import LOAD_PATIENCE, Listen, Server, handle_signals, uvicorn_config
from remote_service.supervisor import Supervisor
from remote_service.tasks import spawn

LAST_WORDS = 0.3
"""Seconds in which clients that have connected say what they want, once nobody else can connect: it is answered."""


class _Pages(Server):
    """One that may end while others go on: nobody who has reached it is sent away."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends."""
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        # There is nothing to wait for but that they stay silent.
        await asyncio.sleep(LAST_WORDS)
        await super().shutdown(sockets)


async def serve_pages(
    application: Any,
    listen: Listen,
    listener: socket.socket,
    name: str,
    ending: asyncio.Event,
    announce: Callable[[], None],
) -> None:
    """Serves pages and lets viewers in, as one of several processes, until `ending` is set.

    It answers the relay's process while the supervisor's does not.

    Args:
        application: the ASGI application.
        listen: where.
        listener: what listens there, shared with the others.
        name: this process's.
        ending: set when it has to end.
        announce: called once requests are answered.
    """
    server = _Pages(uvicorn_config(application, listen), announce)

    async def end() -> None:
        await ending.wait()
        PATIENCE.hurry()
        server.should_exit = True

    spawn(event_loop.measure_lag(), name="event loop's lag")
    spawn(end(), name="end of the pages")
    crew = conf.current().crew
    assert crew is not None
    with closing(await Office(crew.office(name)).open()):
        async with telling(crew.figures / name, lambda: of_process(0, Traffic()).decode()):
            await server.serve([listener])


async def supervise(settings: GatewaySettings, announce: Callable[[], None]) -> None:
    """Supervises beside the other processes of `serve --workers`, and answers the relay's, until SIGTERM.

    Args:
        settings: the framework's, with its crew.
        announce: called once sessions can be launched, or scripts take their time at import.
    """
    assert settings.crew is not None
    supervisor = Supervisor(settings)
    handle_signals(supervisor.stop, supervisor.end, supervisor.reload)
    figures = settings.crew.figures / names.SUPERVISOR
    with closing(await Office(settings.crew.office(names.SUPERVISOR)).open()):
        async with telling(figures, lambda: of_process(0, Traffic()).decode()):
            spawn(event_loop.measure_lag(), name="event loop's lag")
            supervising = spawn(supervisor.run(), name="supervisor")
            ready = spawn(supervisor.ready.wait(), name="supervisor ready")
            await asyncio.wait({supervising, ready}, timeout=LOAD_PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            ready.cancel()
            if not supervising.done():
                announce()
            await supervising
