"""Who is let in by the relay, and by which way its bytes go; the clerk and what is served are played."""

from __future__ import annotations

import logging
import uuid
from typing import Any

import pytest

from remote_service.actors import Actor
from remote_service.errors import NotAllowedError
from remote_service.relay import app, closing
from remote_service.relay.app import relay
from remote_service.relay.clerk import ClerkError
from remote_service.relay.takeover import TAKEOVER
from remote_service.relay.watch import Grant
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
        monkeypatch.setattr(app, "serve_viewer", self._serve)

    async def admit(self, _scope: Any) -> Grant:
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
