"""`manage.py serve`: the product's server, pages and websockets and the supervisor in one process."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
import sys
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvloop
from channels.routing import get_default_application
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from remote_service import channel_layer, checks, conf, pid_file
from remote_service.conf import Crew
from remote_service.crew.course import keep, meeting_place
from remote_service.crew.keeper import Keeper
from remote_service.crew.parts import parts
from remote_service.database import require_prepared_database, say_what_is_later
from remote_service.hosting.account import AccountError, session_account
from remote_service.server import Listen, ListenError, Loop, open_listeners, open_unix_listener, serve

log = logging.getLogger(__name__)


class Command(BaseCommand):
    """Serves until SIGTERM, Ctrl-C or `/v1/stop`; the last two end its sessions, within 5 s."""

    help = (
        "Serve pages, websockets and sessions. SIGTERM stops it, and its sessions go on until the next start finds "
        "them again; Ctrl-C ends them too; SIGHUP reloads types."
    )
    requires_system_checks: list[str] = []  # noqa: RUF012 (Django's own way to say it)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options; what they leave open comes from the environment."""
        environment = settings.ENVIRONMENT
        parser.add_argument("--host", default=environment.host, help="address to listen on (default %(default)s)")
        parser.add_argument(
            "--port", type=int, default=environment.port, help="port to listen on (default %(default)s)"
        )
        parser.add_argument("--uds", help="listen on this Unix socket instead, for a front proxy")
        parser.add_argument("--config", type=Path, help="the sessions file")
        parser.add_argument("--cert", type=Path, help="TLS certificate chain, PEM")
        parser.add_argument("--key", type=Path, help="TLS private key, PEM")
        parser.add_argument("--security-token", help="the secret of the stand-alone REST")
        parser.add_argument("--log-file", type=Path, help="append the log to this file instead of standard error")
        parser.add_argument(
            "--workers",
            type=int,
            default=1,
            help="processes for pages; with more than one, the relay and the supervisor have processes of their own",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Checks what a start needs, and serves."""
        if options["log_file"]:
            log_to_file(options["log_file"])
        apply_options(options)
        listen = Listen(
            host=options["host"],
            port=options["port"],
            uds=options["uds"],
            cert=options["cert"],
            key=options["key"],
            trusted_proxies=settings.ENVIRONMENT.trusted_proxies,
        )
        check_listen(listen, options["workers"])
        require_prepared_database()
        say_what_is_later()
        channel_layer.complain()
        try:
            session_account(conf.current().session_user)
            with pid_file.hold(conf.current().state_dir):
                listeners = open_listeners(listen)
                try:
                    self._serve(listen, listeners, options["workers"])
                finally:
                    if listen.uds:
                        Path(listen.uds).unlink(missing_ok=True)
        except (pid_file.AlreadyRunningError, AccountError, ListenError) as error:
            raise CommandError(str(error)) from error

    def _serve(self, listen: Listen, listeners: list[socket.socket], workers: int) -> None:
        if workers > 1:
            self._serve_with_crew(listen, listeners[0], workers)
            return
        uvloop.run(
            serve(get_default_application(), listen, conf.current(), listeners, lambda: self._say(listen)),
            loop_factory=Loop,
        )

    def _serve_with_crew(self, listen: Listen, listener: socket.socket, workers: int) -> None:
        found = conf.current()
        with meeting_place(found.state_dir) as folder:
            crew = Crew(os.getpid(), folder, folder / "nudges" if layer_is_local(settings.CHANNEL_LAYERS) else None)
            manage = Path(settings.BASE_DIR) / "manage.py"
            ours = replace(found, crew=crew)
            connections.close_all()
            with open_unix_listener(crew.pages) as tunnels:
                descriptors = listener.fileno(), tunnels.fileno()
                members = parts(manage, workers, listen, descriptors, ours, settings.LOGGING)
                asyncio.run(keep(Keeper(members), lambda: self._say(listen)))

    def _say(self, listen: Listen) -> None:
        self.stdout.write(f"Serving on {address(listen)} (Ctrl-C ends the server and its sessions)")
        self.stdout.flush()


def apply_options(options: dict[str, Any]) -> None:
    """Lets the command line overrule the environment."""
    changed: dict[str, Any] = {}
    if options["config"]:
        changed["sessions_file"] = Path(options["config"]).absolute()
    if options["security_token"]:
        changed["security_token"] = options["security_token"]
    settings.REMOTE_SERVICE = replace(conf.current(), **changed)
    if options["cert"]:
        settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True


def check_listen(listen: Listen, workers: int = 1) -> None:
    """Refuses what cannot work, before anything is started.

    Raises:
        CommandError: names what is missing.
    """
    if workers < 1:
        raise CommandError(f"--workers is {workers}; expected at least 1.")
    if (listen.cert is None) != (listen.key is None):
        raise CommandError("--cert and --key belong together: give both for TLS, or none.")
    for path in (listen.cert, listen.key):
        if path is not None and not os.access(path, os.R_OK):
            raise CommandError(f"{path} cannot be read; expected a PEM file for TLS.")
    if listen.cert is not None and listen.key is not None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(listen.cert, listen.key)
        except ssl.SSLError as error:
            raise CommandError(
                f"{listen.cert} and {listen.key} cannot be used for TLS: {error.reason or error}; expected a "
                "certificate chain and the private key that belongs to it, both PEM."
            ) from error
    if not listen.uds and not checks.is_loopback(listen.host) and not settings.ENVIRONMENT.allowed_hosts:
        raise CommandError(
            f"HOST is {listen.host!r}, which others can reach, and the site's names are not set. Set "
            "REMOTE_SERVICE_ALLOWED_HOSTS to the names in users' address bars, such as desk.example.org."
        )


def layer_is_local(layers: dict[str, Any]) -> bool:
    """Whether the channel layer reaches no other process."""
    return "InMemory" in str(layers.get("default", {}).get("BACKEND", ""))


def address(listen: Listen) -> str:
    """Where users find the site."""
    if listen.uds:
        return f"the Unix socket {listen.uds}"
    host = f"[{listen.host}]" if ":" in listen.host else listen.host
    return f"{'https' if listen.cert else 'http'}://{host}:{listen.port}/"


def log_to_file(path: Path) -> None:
    """Sends every log line to a file of mode 0600; what is printed by accident goes there too.

    Raises:
        CommandError: it cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise CommandError(
            f"--log-file {path} cannot be written: {error.strerror}; expected a file of ours."
        ) from error
    sys.stderr.flush()
    os.dup2(descriptor, 2)
    os.close(descriptor)
