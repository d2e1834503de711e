"""The relay's process: started by `manage.py serve --workers`, which tells it the rest by its standard input.

    python -m remote_service.relay_process

It ends by SIGTERM, or when its standard input does: then whoever started it has died.
"""

from __future__ import annotations

import logging.config
import resource
import socket
from pathlib import Path

import uvloop

from remote_service.crew.child import Order, needing_the_state_directory, read_order, stopped
from remote_service.monitoring import event_loop
from remote_service.monitoring.exposition import of_process
from remote_service.monitoring.siblings import telling
from remote_service.relay_process.front import Front
from remote_service.relay_process.service import RelayService
from remote_service.tasks import spawn

MOST_FILES = 65536


async def relay(order: Order) -> None:
    """Relays until it is told to stop."""
    ending = stopped()
    spawn(event_loop.measure_lag(), name="event loop's lag")
    front = None
    if tls := order.told["tls"]:
        front = Front(Path(tls["pages"]))
        await front.open(socket.socket(fileno=tls["descriptor"]), Path(tls["cert"]), Path(tls["key"]))
    service = RelayService(Path(order.told["handovers"]), Path(order.told["office"]), front)
    tally = service.clerk.tally
    async with telling(Path(order.told["figures"]), lambda: of_process(tally.viewers, tally.total()).decode()):
        order.ready()
        await ending.wait()
        await service.stop()


def take_more_files() -> None:
    """Opens as many files as the system lets it: each viewer takes two, and so does each client under TLS."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, MOST_FILES)), hard))


def main() -> None:
    """Reads its order, and relays."""
    order = read_order()
    take_more_files()
    logging.config.dictConfig(order.told["logging"])
    with needing_the_state_directory():
        uvloop.run(relay(order))


if __name__ == "__main__":
    main()
