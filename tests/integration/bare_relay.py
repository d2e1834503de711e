"""The relay without a site around it, in a process of its own: every websocket leads to one endpoint.

    python -m tests.integration.bare_relay '{"port": 8000, "endpoint": 5901, "loop": "uvloop", "tier": "takeover"}'

`rfb` has it look into the bytes, and `policy` holds the viewers' limits (see `remote_service.rfb.policy`). `ping`
shortens the seconds between two pings; `cert` and `key` make it wss. SIGTERM stops it as it stops the product.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import django
import uvicorn

django.setup()

from remote_service.endpoints import Endpoint  # noqa: E402 (the server needs Django to be set up)
from remote_service.networks import USUAL  # noqa: E402
from remote_service.relay import line as line_module  # noqa: E402
from remote_service.relay.own_services import Rules  # noqa: E402
from remote_service.relay.proof import Claim  # noqa: E402
from remote_service.relay.pump import Pump  # noqa: E402
from remote_service.relay.takeover import takeover_of  # noqa: E402
from remote_service.rfb.policy import Policy  # noqa: E402
from remote_service.server import Listen, uvicorn_config  # noqa: E402
from remote_service.tasks import spawn  # noqa: E402

ALL = Policy()
RULES = Rules(USUAL, (), Path("/nowhere"))
LATE = "/late/websockify"
"""Accepted once the endpoint has closed a connection that is made for nothing else."""


def relay_to(endpoint: Endpoint, tier: str, *, policy: Policy = ALL, rfb: bool = False) -> Any:
    """An ASGI application that relays as `remote_service.relay.app` does, and asks nobody whether it may."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        if scope["path"] == LATE:
            reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
            await reader.read()
            writer.close()
        accept, line = {"type": "websocket.accept", "subprotocol": None}, None
        if tier == "takeover":
            take_over = takeover_of(scope)
            assert take_over is not None
            line = await take_over(accept)
            receive, send = line.receive, line.send
        else:
            await send(accept)
        pump = Pump(receive, send, policy=policy, on_input=lambda: None, line=line)
        reading = spawn(pump.read_viewer(), name="viewer")
        running = spawn(pump.run(endpoint, None, rfb=rfb, claim=Claim("", os.getuid()), rules=RULES), name="endpoint")
        try:
            await asyncio.wait({reading, running}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                await send({"type": "websocket.close", "code": 4011, "reason": "it hung up"})
        finally:
            for task in (reading, running):
                task.cancel()
            await asyncio.gather(reading, running, return_exceptions=True)
            pump.close()

    return application


def main(options: dict[str, Any]) -> None:
    """Serves until SIGTERM."""
    line_module.PING = options.get("ping", line_module.PING)
    files = {name: Path(options[name]) for name in ("cert", "key") if name in options}
    endpoint = Endpoint.tcp("127.0.0.1", options["endpoint"])
    policy = Policy(**options.get("policy", {}))
    config = uvicorn_config(
        relay_to(endpoint, options["tier"], policy=policy, rfb=options.get("rfb", False)),
        Listen("127.0.0.1", options["port"], **files),  # type: ignore[arg-type]
    )
    config.loop = options["loop"]
    config.ws_ping_interval = config.ws_ping_timeout = line_module.PING
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
