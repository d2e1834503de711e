"""Who is let in by the relay, and by which way its bytes go; the clerk and what is served are played."""

from __future__ import annotations

import logging
import socket
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError

from remote_service.actors import Actor
from remote_service.conf import Crew
from remote_service.errors import NotAllowedError
from remote_service.relay import app, closing
from remote_service.relay.app import relay
from remote_service.relay.clerk import ClerkError
from remote_service.relay.detaching import DETACH, Detached
from remote_service.relay.takeover import TAKEOVER
from remote_service.relay.watch import Grant
from remote_service.relay_process.giving import NoRelayError
from remote_service.relay_process.messages import Handover
from tests.unit.relay.doubles import Viewer

SESSION = uuid.uuid4()
GRANT = Grant(SESSION, 1, "login", Actor("alice", "192.0.2.7", "websocket"))


class Site:
    """Decides who is let in, and remembers who was served by what."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.viewer = Viewer()
        self.refusal: Exception | None = None
        self.served: list[tuple[Any, ...]] = []
        self.forgotten: list[Grant] = []
        monkeypatch.setattr(app, "gateway", lambda: self)
        monkeypatch.setattr(app, "find_grant", self._find)
        monkeypatch.setattr(app, "serve_viewer", self._serve)

    async def admit(self, _scope: Any) -> Grant:
        if self.refusal is not None:
            raise self.refusal
        return GRANT

    def _find(self, _scope: Any) -> Grant:
        if self.refusal is not None:
            raise self.refusal
        return GRANT

    async def forget(self, grant: Grant) -> None:
        self.forgotten.append(grant)

    async def _serve(self, clerk: Any, grant: Grant, receive: Any, send: Any, line: Any) -> None:
        assert (clerk, grant) == (self, GRANT)
        self.served.append((receive, send, line))

    async def connect(self, *subprotocols: str, **more: Any) -> None:
        self.viewer.messages.put_nowait({"type": "websocket.connect"})
        scope = {"type": "websocket", "subprotocols": list(subprotocols), **more}
        await relay(scope, self.viewer.receive, self.viewer.send)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr("remote_service.database.close_old_connections", lambda: None)
    return Site(monkeypatch)


async def test_a_refused_websocket_is_closed_before_it_is_accepted(site: Site) -> None:
    site.refusal = NotAllowedError("no")

    await site.connect("binary")

    assert site.viewer.refused
    assert site.viewer.accepted is False
    assert site.served == []


@pytest.mark.parametrize(
    ("offered", "chosen"), [(["binary"], "binary"), (["base64", "binary"], "binary"), (["base64"], None), ([], None)]
)
async def test_a_granted_one_is_accepted_and_served(site: Site, offered: list[str], chosen: str | None) -> None:
    await site.connect(*offered)

    assert site.viewer.accepted == chosen
    assert site.served == [(site.viewer.receive, site.viewer.send, None)]
    assert site.forgotten == []


async def test_who_cannot_be_decided_about_is_told_so(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.refusal = ClerkError("the database cannot be reached: it is locked")

    await site.connect("binary")

    assert (site.viewer.accepted, site.viewer.closed) == ("binary", (1011, closing.NO_DATABASE))
    assert site.served == []
    assert caplog.messages == ["a viewer is sent away, the database cannot be reached: it is locked"]


async def test_so_is_who_another_process_would_serve(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    site.refusal = OperationalError("the connection is closed")
    monkeypatch.setattr(app, "lacks_backpressure", lambda _send: True)

    await site.connect("binary")

    assert (site.viewer.accepted, site.viewer.closed) == ("binary", (1011, closing.NO_DATABASE))
    assert caplog.messages == ["a viewer is sent away, the database cannot be reached: the connection is closed"]


async def test_who_hangs_up_before_the_answer_is_forgotten(site: Site) -> None:
    async def take_over(_accept: dict[str, Any]) -> Viewer:
        raise RuntimeError("it has hung up")

    with pytest.raises(RuntimeError, match=r"^it has hung up$"):
        await site.connect("binary", extensions={TAKEOVER: take_over})

    assert (site.served, site.forgotten) == ([], [GRANT])


async def test_where_the_transport_can_be_taken_over_the_line_is_used(site: Site) -> None:
    taken = Viewer()

    async def take_over(accept: dict[str, Any]) -> Viewer:
        await taken.send(accept)
        return taken

    await site.connect("binary", extensions={TAKEOVER: take_over})

    assert (taken.accepted, site.viewer.accepted) == ("binary", False)
    assert site.served == [(taken.receive, taken.send, taken)]


async def test_elsewhere_it_is_not(site: Site) -> None:
    await site.connect("binary", extensions={"websocket.http.response": {}})

    assert site.served == [(site.viewer.receive, site.viewer.send, None)]


class Relay:
    """The way to the relay's process; remembers what it was given."""

    def __init__(self, detach: Detaching) -> None:
        self.detach = detach
        self.given: list[tuple[int | None, Handover]] = []
        self.fault: Exception | None = None

    async def give(self, websocket: socket.socket | None, handover: Handover) -> None:
        assert not self.detach.let_go, "it is let go once it is given"
        descriptor = websocket and websocket.fileno()
        assert descriptor is None or descriptor >= 0
        if self.fault is not None:
            raise self.fault
        self.given.append((descriptor, handover))


class Detaching:
    """The extension of a server whose sockets can be given away; the viewer is at the other end."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.fault: Exception | None = None
        self.viewer, self.ours = socket.socketpair()
        self.tunnel: int | None = None
        self.let_go = False

    async def __call__(self, accept: dict[str, Any]) -> Detached:
        self.asked.append(accept)
        if self.fault is not None:
            raise self.fault
        websocket = self.ours if self.tunnel is None else None
        return Detached(b"answer", b"early", 1000, websocket, self.tunnel, self._let_go)

    def _let_go(self) -> None:
        self.let_go = True


@pytest.fixture
def relay_process(site: Site, detach: Detaching, monkeypatch: pytest.MonkeyPatch) -> Relay:
    """This process gives its viewers away."""
    made = Relay(detach)
    monkeypatch.setattr(app, "giver", lambda: made)
    return made


@pytest.fixture
def detach() -> Iterator[Detaching]:
    made = Detaching()
    yield made
    made.viewer.close()
    made.ours.close()


async def test_where_the_relay_is_another_process_the_socket_goes_there_with_the_grant(
    site: Site, relay_process: Relay, detach: Detaching
) -> None:
    descriptor = detach.ours.fileno()
    await site.connect("binary", extensions={DETACH: detach, TAKEOVER: None})

    assert detach.asked == [{"type": "websocket.accept", "subprotocol": "binary"}]
    assert relay_process.given == [(descriptor, Handover(GRANT, 1000, b"answer", b"early"))]
    assert detach.let_go
    assert detach.ours.fileno() == -1, "our descriptor of it is closed"
    assert site.served == []


async def test_one_out_of_a_tunnel_is_named_by_its_number(site: Site, relay_process: Relay, detach: Detaching) -> None:
    detach.tunnel = 7
    await site.connect("binary", extensions={DETACH: detach})

    assert relay_process.given == [(None, Handover(GRANT, 1000, b"answer", b"early", 7))]
    assert detach.let_go
    assert site.served == []


async def test_a_viewer_whom_that_process_does_not_take_is_cut_off_and_comes_again(
    site: Site, relay_process: Relay, detach: Detaching, caplog: pytest.LogCaptureFixture
) -> None:
    relay_process.fault = NoRelayError("the relay's process does not take anything at /run/handovers.sock")

    await site.connect("binary", extensions={DETACH: detach})

    assert detach.let_go
    assert detach.viewer.recv(1) == b""
    assert site.served == []
    assert caplog.record_tuples == [
        (
            app.__name__,
            logging.ERROR,
            f"session {SESSION}: a viewer is sent away, since the relay's process does not take anything at "
            "/run/handovers.sock",
        )
    ]


async def test_one_that_leaves_before_is_no_mistake(
    site: Site, relay_process: Relay, detach: Detaching, caplog: pytest.LogCaptureFixture
) -> None:
    detach.fault = ConnectionResetError("the viewer left before its websocket could be handed over")

    with caplog.at_level(logging.DEBUG, app.__name__):
        await site.connect("binary", extensions={DETACH: detach})

    assert (relay_process.given, site.served) == ([], [])
    assert caplog.record_tuples == [
        (app.__name__, logging.DEBUG, f"session {SESSION}: the viewer left before its websocket could be handed over")
    ]


async def test_a_refused_one_is_not_given_away(site: Site, relay_process: Relay, detach: Detaching) -> None:
    site.refusal = NotAllowedError("no")

    await site.connect("binary", extensions={DETACH: detach})

    assert site.viewer.refused
    assert (detach.asked, relay_process.given) == ([], [])


async def test_what_cannot_be_given_away_is_served_here(site: Site, relay_process: Relay) -> None:
    await site.connect("binary", extensions={"websocket.http.response": {}})

    assert relay_process.given == []
    assert site.served == [(site.viewer.receive, site.viewer.send, None)]


async def test_in_a_crew_each_event_loop_has_one_way_to_the_relay(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths: list[Path] = []
    monkeypatch.setattr(app, "Giver", lambda path: paths.append(path) or SimpleNamespace())
    assert app.giver() is None
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, crew=Crew(1, tmp_path))
    assert app.giver() is app.giver() is not None
    assert paths == [tmp_path / "handovers.sock"]


async def test_under_daphne_it_refuses_and_says_why(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(app, "lacks_backpressure", lambda send: send == site.viewer.send)
    monkeypatch.setattr(app, "find_grant", lambda _scope: GRANT)
    site.refusal = AssertionError("nobody has come")

    with caplog.at_level(logging.ERROR):
        await site.connect()

    assert site.viewer.closed == (1011, closing.NO_BACKPRESSURE)
    assert site.served == []
    assert caplog.messages == [f"session {SESSION}: a viewer is sent away: {closing.NO_BACKPRESSURE}"]


async def test_what_is_no_connect_is_left_alone(site: Site) -> None:
    site.viewer.leaves(1006)

    await relay({"type": "websocket", "subprotocols": []}, site.viewer.receive, site.viewer.send)

    assert not site.viewer.refused
