"""`manage.py serve_part`: one process of `manage.py serve --workers`, which starts it; nobody else does."""

from __future__ import annotations

import os
import signal
import socket
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvloop
from channels.routing import get_default_application
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import get_resolver

from remote_service import conf
from remote_service.crew.child import Order, needing_the_state_directory, on_orphaned, read_order, stopped
from remote_service.crew.names import PAGES, SUPERVISOR
from remote_service.crew.parts import crew_of, listen_of
from remote_service.crew.work import serve_pages, supervise
from remote_service.server import Loop

PAGES_NICE = 5
"""How much page processes let the others go first (nice(2))."""


class Command(BaseCommand):
    """Serves pages, or supervises, until SIGTERM or until whoever started it has died."""

    help = "One process of serve --workers, which starts it itself."
    requires_system_checks: list[str] = []  # noqa: RUF012 (Django's own way to say it)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which one."""
        parser.add_argument("part", choices=[SUPERVISOR, PAGES])
        parser.add_argument("number", nargs="?", help="which of several; here for whoever reads ps")

    def handle(self, *args: Any, **options: Any) -> None:
        """Reads its order, and does its part."""
        try:
            order = read_order()
        except ValueError as error:
            raise CommandError(str(error)) from error
        told = order.told
        settings.REMOTE_SERVICE = replace(
            conf.current(),
            sessions_file=Path(told["settings"]["sessions_file"]),
            security_token=told["settings"]["security_token"],
            crew=crew_of(told),
        )
        if told["tls"]:
            settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
        with needing_the_state_directory():
            uvloop.run(_supervise(order) if options["part"] == SUPERVISOR else _pages(order), loop_factory=Loop)


async def _supervise(order: Order) -> None:
    # Whoever started it was killed: so is this, and the next start finds the sessions as after any kill.
    on_orphaned(lambda: os.kill(os.getpid(), signal.SIGKILL))
    await supervise(conf.current(), order.ready)


async def _pages(order: Order) -> None:
    # A mistake in what is imported at the first request only must show while others still serve.
    _ = get_resolver().url_patterns
    # Where processors are short, whoever types comes before whoever waits for a page.
    os.nice(PAGES_NICE)
    listener = socket.socket(fileno=order.told["descriptor"])
    listen = listen_of(order.told)
    await serve_pages(get_default_application(), listen, listener, order.told["name"], stopped(), order.ready)
