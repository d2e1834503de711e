"""Which processes a crew has, and what each is told."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from remote_service.conf import Crew, GatewaySettings
from remote_service.crew.keeper import END_PATIENCE, Part
from remote_service.crew.names import PAGES, RELAY, SUPERVISOR
from remote_service.server import Listen

COMMAND = "serve_part"
"""The management command that is one of them."""
_FOR_RELAY = re.compile(r"PATH|HOME|TMPDIR|TZ|LANG|LANGUAGE|LC_\w+|LD_LIBRARY_PATH|OPENSSL_CONF|PYTHON\w+")
"""What of our environment the relay has too: how Python is run and speaks. It needs none of the site's secrets."""


def parts(
    manage: Path,
    workers: int,
    listen: Listen,
    descriptors: tuple[int, int],
    settings: GatewaySettings,
    logging: dict[str, Any],
) -> list[Part]:
    """The processes of `serve --workers`.

    Args:
        manage: Django's entry point.
        workers: how many serve pages.
        listen: where they do.
        descriptors: of the socket that listens there, which they share, and of the one at which they are reached
            through the relay, where that does TLS.
        settings: the framework's, with its crew.
        logging: the configuration of the relay's log; the others have it of Django.
    """
    assert settings.crew is not None
    descriptor, tunnels = descriptors
    pages = [f"{PAGES}-{number}" for number in range(1, workers + 1)]
    tls = None
    for_pages, for_relay = [descriptor], []
    if listen.cert is not None:
        # The relay has the clients then, and pages are reached through it.
        tls = {
            "descriptor": descriptor,
            "cert": str(listen.cert),
            "key": str(listen.key),
            "pages": str(settings.crew.pages),
        }
        for_pages, for_relay = [tunnels], [descriptor]
    told = {"settings": _settings(settings), "crew": _crew(settings.crew), "tls": listen.cert is not None}
    command = [sys.executable, str(manage), COMMAND]
    relay = {
        "handovers": str(settings.crew.handovers),
        "offices": [str(settings.crew.office(name)) for name in (SUPERVISOR, *pages)],
        "figures": str(settings.crew.figures / RELAY),
        "logging": logging,
        "tls": tls,
    }
    return [
        Part(SUPERVISOR, [*command, SUPERVISOR], told, manage.parent, patience=END_PATIENCE),
        Part(
            RELAY,
            [sys.executable, "-m", "remote_service.relay_process"],
            relay,
            manage.parent,
            for_relay,
            environment=relay_environment(os.environ),
        ),
        *(
            Part(
                name,
                [*command, PAGES, str(number)],
                {**told, "name": name, "listen": _listen(listen), "descriptor": for_pages[0]},
                manage.parent,
                for_pages,
            )
            for number, name in enumerate(pages, 1)
        ),
    ]


def relay_environment(ours: Mapping[str, str]) -> dict[str, str]:
    """The environment of the relay's process."""
    return {name: value for name, value in ours.items() if _FOR_RELAY.fullmatch(name)}


def _settings(settings: GatewaySettings) -> dict[str, Any]:
    """What the command line may have overruled; all else each reads of its environment."""
    return {"sessions_file": str(settings.sessions_file), "security_token": settings.security_token}


def _crew(crew: Crew) -> dict[str, Any]:
    return {"main_pid": crew.main_pid, "folder": str(crew.folder), "nudges": crew.nudges and str(crew.nudges)}


def crew_of(told: dict[str, Any]) -> Crew:
    """The crew that a process is told of."""
    found = told["crew"]
    return Crew(int(found["main_pid"]), Path(found["folder"]), found["nudges"] and Path(found["nudges"]))


def _listen(listen: Listen) -> dict[str, Any]:
    found = asdict(listen)
    return {**found, "cert": None, "key": None, "tunnelled": listen.cert is not None}


def listen_of(told: dict[str, Any]) -> Listen:
    """Where a process is told to listen."""
    found = dict(told["listen"])
    proxies: Sequence[str] = found.pop("trusted_proxies")
    return Listen(**found, trusted_proxies=tuple(proxies))
