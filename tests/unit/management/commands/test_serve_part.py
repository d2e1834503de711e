"""`manage.py serve_part`: does the part that it is told, with the settings that it is told."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from remote_service import conf
from remote_service.conf import Crew, GatewaySettings
from remote_service.crew.child import Order
from remote_service.crew.parts import parts
from remote_service.management.commands import serve_part as command
from remote_service.server import Listen

LISTEN = Listen("127.0.0.1", 8000, trusted_proxies=("10.0.0.1",))
UNDER_TLS = replace(LISTEN, cert=Path("c.pem"), key=Path("k.pem"))


class Part:
    """One process that is told something, and what it did."""

    def __init__(self, settings: GatewaySettings, monkeypatch: pytest.MonkeyPatch) -> None:
        self.settings = settings
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.done: list[tuple[Any, ...]] = []
        self.orphaned: list[Callable[[], None]] = []
        self.nice: list[int] = []
        self.ready = self._ready
        monkeypatch.setattr(command, "supervise", self._supervise)
        monkeypatch.setattr(command, "serve_pages", self._serve_pages)
        monkeypatch.setattr(command, "stopped", asyncio.Event)
        monkeypatch.setattr(command, "on_orphaned", self.orphaned.append)
        monkeypatch.setattr(os, "nice", self.nice.append)
        monkeypatch.setattr(command, "get_default_application", lambda: "the application")
        self._monkeypatch = monkeypatch

    def _ready(self) -> None:
        self.done.append(("ready",))

    async def _supervise(self, settings: GatewaySettings, announce: Callable[[], None]) -> None:
        announce()
        self.done.append((settings,))

    async def _serve_pages(
        self, application: Any, listen: Listen, listener: socket.socket, name: str, ending: Any, announce: Any
    ) -> None:
        assert isinstance(ending, asyncio.Event)
        announce()
        with listener:
            self.done.append((application, listen, listener.getsockname(), name))

    def runs(self, number: int, listen: Listen = LISTEN) -> None:
        """The part of a crew with this number is told and runs."""
        kind = ("supervisor", "relay", "pages")[number]
        descriptor = os.dup(self.listener.fileno()) if kind == "pages" else -1
        descriptors = (-1, descriptor) if listen.cert else (descriptor, -1)
        part = parts(Path("manage.py"), 1, listen, descriptors, self.settings, {})[number]
        order = Order(dict(part.told), -1)
        self._monkeypatch.setattr(command, "read_order", lambda: order)
        self._monkeypatch.setattr(Order, "ready", lambda _order: self._ready())
        call_command(*part.argv[2:])


@pytest.fixture
def part(gateway_settings: GatewaySettings, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    told = replace(
        gateway_settings,
        sessions_file=Path("/srv/my.json"),
        security_token="another",
        crew=Crew(4711, Path("/srv/var/crew")),
    )
    made = Part(told, monkeypatch)
    yield made
    made.listener.close()


def test_one_supervises_with_what_the_command_line_said(part: Part) -> None:
    part.runs(0)
    assert part.done == [("ready",), (part.settings,)]
    assert conf.current() == part.settings
    assert part.nice == []


def test_a_supervisor_whose_keeper_was_killed_is_killed_too(part: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    part.runs(0)
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *what: killed.append(what))
    (act,) = part.orphaned
    act()
    assert killed == [(os.getpid(), signal.SIGKILL)]


def test_another_serves_pages_at_the_socket_that_it_inherited(part: Part) -> None:
    part.runs(2)
    assert part.done == [("ready",), ("the application", LISTEN, part.listener.getsockname(), "pages-1")]
    assert conf.current() == part.settings
    assert part.nice == [command.PAGES_NICE], "whoever types comes first"


def test_under_tls_that_is_the_one_where_the_relay_reaches_it(part: Part) -> None:
    part.runs(2, UNDER_TLS)
    tunnelled = replace(LISTEN, tunnelled=True)
    assert part.done == [("ready",), ("the application", tunnelled, part.listener.getsockname(), "pages-1")]


@pytest.mark.parametrize("tls", [False, True])
def test_cookies_are_secure_where_the_site_is(part: Part, settings: Any, tls: bool) -> None:
    part.runs(2, UNDER_TLS if tls else LISTEN)
    assert settings.SESSION_COOKIE_SECURE is tls
    assert settings.CSRF_COOKIE_SECURE is tls


def test_started_by_hand_it_says_who_starts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing() -> Order:
        raise ValueError("there is no order on the standard input; this process is started by manage.py serve")

    monkeypatch.setattr(command, "read_order", nothing)
    with pytest.raises(CommandError) as caught:
        call_command("serve_part", "pages")
    assert str(caught.value) == ("there is no order on the standard input; this process is started by manage.py serve")


def test_there_are_no_others() -> None:
    with pytest.raises(CommandError) as caught:
        call_command("serve_part", "relay")
    assert str(caught.value) == ("Error: argument part: invalid choice: 'relay' (choose from 'supervisor', 'pages')")
