"""The relay's process: started by `manage.py serve --workers`, which tells it the rest by its standard input.

    python -m remote_service.relay_process

It ends by SIGTERM, or when its standard input does: then whoever started it has died.
"""

from __future__ import annotations

import logging.config
import socket
from pathlib import Path

import uvloop

from remote_service.crew.child import Order, needing_the_state_directory, read_order, stopped
from remote_service.monitoring import event_loop
from remote_service.monitoring.exposition import of_process
from remote_service.monitoring.siblings import telling
from remote_service.open_files import take_more_files
from remote_service.relay_process.front import Front
from remote_service.relay_process.service import RelayService
from remote_service.tasks import spawn


async def relay(order: Order) -> None:
    """Relays until it is told to stop."""
    ending = stopped()
    spawn(event_loop.measure_lag(), name="event loop's lag")
    front = None
    if tls := order.told["tls"]:
        front = Front(Path(tls["pages"]))
        await front.open(socket.socket(fileno=tls["descriptor"]), Path(tls["cert"]), Path(tls["key"]))
    offices = [Path(office) for office in order.told["offices"]]
    service = RelayService(Path(order.told["handovers"]), offices, front)
    tally = service.clerk.tally
    async with telling(Path(order.told["figures"]), lambda: of_process(tally.viewers, tally.total()).decode()):
        order.ready()
        await ending.wait()
        await service.stop()


def main() -> None:
    """Reads its order, and relays."""
    order = read_order()
    take_more_files()
    logging.config.dictConfig(order.told["logging"])
    with needing_the_state_directory():
        uvloop.run(relay(order))


if __name__ == "__main__":
    main()
