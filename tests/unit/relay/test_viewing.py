"""One viewer's course: what ends it, and what it is told; bytes and the clerk are played."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from remote_service.actors import Actor
from remote_service.endpoints import Endpoint, EndpointKind
from remote_service.networks import USUAL
from remote_service.relay import viewing
from remote_service.relay.clerk import ClerkError, NoPasswordError
from remote_service.relay.closing import CLEAN, CUT, Leaving
from remote_service.relay.own_services import Rules
from remote_service.relay.proof import Claim
from remote_service.relay.pump import EndpointError, ViewerGone, ViewerRefused
from remote_service.relay.viewing import serve_viewer
from remote_service.relay.watch import GONE, Glimpse, Grant, Watch
from remote_service.rfb.errors import Peer, RemoteProtocolError
from remote_service.rfb.policy import Policy
from remote_service.states import EndReason, State
from remote_service.tasks import spawn
from tests.unit.relay.doubles import Viewer
from tests.waiting import eventually_async

SESSION = uuid.uuid4()
ENDPOINT = Endpoint.tcp("127.0.0.1", 5901)
GRANT = Grant(SESSION, 1, "login", Actor("alice", "192.0.2.7", "websocket"))
RUNNING = Glimpse(State.RUNNING, "", "", ENDPOINT, hosts=("n8",))
NO_RFB = RemoteProtocolError(Peer.VIEWER, offset=0, field="message-type", value=7, allowed="0")


class Pump:
    """A pump whose ends the test decides."""

    def __init__(
        self,
        receive: Any,
        send: Any,
        *,
        policy: Policy,
        on_input: Callable[[], None],
        on_unprotected: Callable[[], None],
        line: Any,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.left: asyncio.Future[int] = loop.create_future()
        self.done: asyncio.Future[None] = loop.create_future()
        self.ran: list[tuple[Endpoint, str | None, bool]] = []
        self.policy = policy
        self.takes_changes = True
        self.on_input = on_input
        self.on_unprotected = on_unprotected
        self.line = line
        self.closed = False
        self.bytes_up, self.bytes_down = 3, 7

    async def read_viewer(self) -> int:
        return await self.left

    async def run(self, endpoint: Endpoint, password: str | None, *, rfb: bool, claim: Claim, rules: Rules) -> None:
        self.ran.append((endpoint, password, rfb))
        self.claim, self.rules = claim, rules
        await self.done

    def change(self, policy: Policy) -> bool:
        if self.takes_changes:
            self.policy = policy
        return self.takes_changes

    def close(self) -> None:
        self.closed = True


class Site:
    """Everything around one viewer, played; it is the clerk as well."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.viewer = Viewer()
        self.viewer.accepted = "binary"
        self.watch = Watch(GRANT, 1, Glimpse(State.STARTING, "", ""), Policy())
        self.pumps: list[Pump] = []
        self.closed: list[Leaving] = []
        self.lost: list[tuple[str, bool, bool]] = []
        self.inputs: list[uuid.UUID] = []
        self.carriers: list[Any] = []
        self.open = False
        self.broken = False
        self.password: str | Exception | None = None
        self.refused: list[str] = []
        self.unprotected_at: list[tuple[uuid.UUID, str]] = []
        self.task: asyncio.Task[None] | None = None
        self.rules = Rules(USUAL, (), Path("/nowhere"))
        monkeypatch.setattr(viewing, "END_PATIENCE", 0.02)
        monkeypatch.setattr(viewing, "GOODBYE_PATIENCE", 0.02)
        monkeypatch.setattr(viewing, "Pump", self._make_pump)

    def _make_pump(self, *arguments: Any, **keywords: Any) -> Pump:
        self.pumps.append(Pump(*arguments, **keywords))
        return self.pumps[-1]

    # ---- the clerk --------------------------------------------------------------------------------------

    async def open_viewer(self, grant: Grant) -> Watch:
        if self.broken:
            raise ClerkError("the database cannot be reached: database is locked")
        assert grant is self.watch.grant
        return self.watch

    async def close_viewer(self, watch: Watch, leaving: Leaving) -> None:
        assert watch is self.watch
        self.closed.append(leaving)

    def carries(self, watch: Watch, carrier: Any) -> None:
        assert watch is self.watch
        self.carriers.append(carrier)

    def input_seen(self, session_id: uuid.UUID) -> None:
        self.inputs.append(session_id)

    async def password_of(self, session_id: uuid.UUID) -> str | None:
        assert session_id == SESSION
        if isinstance(self.password, Exception):
            raise self.password
        return self.password

    def claim_of(self, watch: Watch) -> Claim:
        return Claim(str(watch.grant.session_id), 4711, watch.glimpse.hosts)

    async def unprotected(self, session_id: uuid.UUID, where: str) -> None:
        self.unprotected_at.append((session_id, where))

    async def viewer_refused(self, watch: Watch, why: str) -> None:
        assert watch is self.watch
        self.refused.append(why)

    async def endpoint_lost(self, watch: Watch, why: str, *, fatal: bool, refused: bool) -> None:
        assert watch is self.watch
        self.lost.append((why, fatal, refused))

    # ---- what happens -----------------------------------------------------------------------------------

    def connect(self) -> None:
        serving = serve_viewer(self, GRANT, self.viewer.receive, self.viewer.send, None)
        self.task = spawn(serving, name="viewer under test")

    async def pump(self) -> Pump:
        await eventually_async(lambda: self.pumps)
        return self.pumps[0]

    async def served(self) -> Pump:
        """A pump that has reached its endpoint."""
        self.shows(RUNNING)
        pump = await self.pump()
        await eventually_async(lambda: pump.ran)
        return pump

    def shows(self, glimpse: Glimpse) -> None:
        self.watch.glimpse = glimpse
        self.watch.changed.set()

    def allows(self, policy: Policy) -> None:
        self.watch.policy = policy
        self.watch.changed.set()

    async def over(self) -> None:
        assert self.task is not None
        await asyncio.wait_for(self.task, 5)

    async def told(self) -> tuple[int, str]:
        """The close frame that the viewer got, at the end."""
        await self.over()
        assert self.viewer.closed is not None
        return self.viewer.closed


@pytest.fixture
async def site(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    made = Site(monkeypatch)
    yield made
    if made.task is not None:
        made.task.cancel()
        await asyncio.wait({made.task})


@pytest.mark.parametrize("state", [State.RESERVED, State.STARTING, State.QUEUED])
async def test_nothing_is_reached_before_the_session_runs(site: Site, state: State) -> None:
    site.shows(Glimpse(state, "", ""))
    site.connect()
    pump = await site.pump()
    await asyncio.sleep(0)
    assert pump.ran == []

    site.shows(RUNNING)

    await eventually_async(lambda: pump.ran == [(ENDPOINT, None, True)])


LOOK = Policy(view_only=True)


@pytest.mark.parametrize("policy", [Policy(), LOOK])
async def test_the_pump_knows_what_its_viewer_may_do(site: Site, policy: Policy) -> None:
    site.watch.policy = policy
    site.connect()

    assert (await site.pump()).policy is policy


async def test_a_change_of_what_a_viewer_may_do_takes_effect_on_the_open_socket(site: Site) -> None:
    site.connect()
    pump = await site.served()

    for policy in (LOOK, Policy(no_resize=True), Policy()):
        site.allows(policy)
        await eventually_async(lambda policy=policy: pump.policy is policy)  # type: ignore[misc]

    assert site.viewer.closed is None


async def test_where_it_cannot_the_viewer_comes_anew(site: Site) -> None:
    site.connect()
    (await site.served()).takes_changes = False

    site.allows(LOOK)

    assert await site.told() == (4002, "What you may do here has changed.")
    assert site.closed == [Leaving(clean=False, close_code=4002)], "it will be back"


async def test_input_is_reported_for_the_session(site: Site) -> None:
    site.connect()
    (await site.pump()).on_input()

    assert site.inputs == [SESSION]


@pytest.mark.parametrize(
    ("kind", "stream", "rfb"),
    [
        (EndpointKind.TCP, "rfb", True),
        (EndpointKind.TCP, "raw", False),
        (EndpointKind.XPRA, "rfb", False),
    ],
)
async def test_only_a_vnc_session_is_spoken_to_in_rfb(site: Site, kind: EndpointKind, stream: str, rfb: bool) -> None:
    endpoint = Endpoint.tcp("127.0.0.1", 5901, kind)
    site.password = "secret12"
    site.shows(Glimpse(State.RUNNING, "", "", endpoint, stream))
    site.connect()
    pump = await site.pump()

    await eventually_async(lambda: pump.ran == [(endpoint, "secret12", rfb)])


# ---- how a viewer leaves ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "leaving"),
    [
        (1000, CLEAN),
        (1001, CLEAN),
        (1005, CLEAN),
        (1006, CUT),
        (1011, CUT),
        (1012, Leaving(clean=False, close_code=1012)),
    ],
)
async def test_a_viewer_that_leaves_is_written_with_how(site: Site, code: int, leaving: Leaving) -> None:
    site.connect()
    pump = await site.served()

    pump.left.set_result(code)
    await site.over()

    assert site.closed == [leaving]
    assert pump.closed
    assert site.viewer.closed is None, "nobody is there to be told"


async def test_a_viewer_may_leave_before_the_session_runs(site: Site) -> None:
    site.connect()
    pump = await site.pump()

    pump.left.set_result(1001)
    await site.over()

    assert (pump.ran, site.closed) == ([], [CLEAN])


async def test_a_goodbye_that_comes_behind_a_failed_send_is_heard(site: Site) -> None:
    site.connect()
    pump = await site.served()

    pump.done.set_exception(ViewerGone())
    await asyncio.sleep(0)
    pump.left.set_result(1001)
    await site.over()

    assert (site.closed, site.lost) == ([CLEAN], [])


async def test_a_viewer_that_takes_nothing_any_more_was_cut(site: Site) -> None:
    site.connect()
    pump = await site.served()
    site.viewer.gone = True

    pump.done.set_exception(ViewerGone())
    await site.over()

    assert (site.closed, site.lost) == ([Leaving(clean=False, close_code=1011)], [])


@pytest.mark.parametrize("where", ["left", "done"])
async def test_a_viewer_that_speaks_no_rfb_is_told_so(site: Site, where: str) -> None:
    site.connect()
    pump = await site.served()

    getattr(pump, where).set_exception(NO_RFB)

    code, reason = await site.told()
    assert code == 1011
    assert str(NO_RFB).startswith(reason)
    assert (site.closed, site.lost) == ([Leaving(clean=False, close_code=1011)], [])


async def test_a_viewer_whose_limits_cannot_be_enforced_is_told_why_and_harms_nobody(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.connect()
    pump = await site.served()

    pump.done.set_exception(ViewerRefused("It is no VNC."))

    said = "Your rights are limited here, and this screen cannot be filtered. It is no VNC."
    assert await site.told() == (4003, said)
    assert (site.closed, site.lost) == ([Leaving(clean=True, close_code=4003)], [])
    assert site.refused == [said]
    assert f"session {SESSION}: a viewer whose rights are limited is refused: It is no VNC." in caplog.messages


# ---- how a session ends ----------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.STOPPING, State.ENDED, State.FAILED])
@pytest.mark.parametrize(
    ("reason", "code", "clean"),
    [
        ("user", 1000, True),
        ("staff", 4013, True),
        ("idle", 4008, True),
        ("lifetime", 4009, True),
        ("start_failed", 4010, True),
        ("runner_lost", 4011, False),
        ("server_stopped", 1012, False),
    ],
)
async def test_the_viewer_is_told_why_its_session_ends(
    site: Site, state: State, reason: str, code: int, clean: bool
) -> None:
    site.connect()
    pump = await site.served()

    site.shows(Glimpse(state, reason, "Details."))

    told = await site.told()
    assert told[0] == code
    assert told[1].endswith(" Details.")
    assert site.closed == [Leaving(clean, code)]
    assert pump.closed


async def test_a_session_that_is_deleted_has_gone(site: Site) -> None:
    site.connect()
    await site.served()

    site.shows(GONE)

    assert await site.told() == (4004, "The session has gone.")


async def test_who_loses_the_right_is_told_so(site: Site) -> None:
    site.connect()
    await site.served()

    site.watch.withdrawn = True
    site.watch.changed.set()

    assert await site.told() == (4001, "You are logged out, or may not see this session any more.")
    assert site.closed == [Leaving(clean=False, close_code=4001)], "whoever logs in again finds the session"


async def test_whose_right_ends_with_the_session_is_told_of_its_end(site: Site) -> None:
    site.connect()
    await site.served()

    site.watch.withdrawn = True
    site.shows(Glimpse(State.ENDED, EndReason.USER, ""))

    assert await site.told() == (1000, "It was stopped by its user.")


async def test_of_whom_nobody_knows_any_more_whether_it_may_stay_has_to_go(site: Site) -> None:
    site.connect()
    await site.served()

    site.watch.unknown = True
    site.watch.changed.set()

    assert await site.told() == (1011, "The gateway cannot reach its database at the moment.")
    assert site.closed == [Leaving(clean=False, close_code=1011)], "it may come back"


async def test_nothing_passes_any_more_while_the_viewer_is_told(site: Site) -> None:
    site.connect()
    pump = await site.served()
    site.viewer.listening.clear()

    site.watch.withdrawn = True
    site.watch.changed.set()

    # The close frame waits for a viewer that reads nothing; its input must not.
    await eventually_async(lambda: pump.left.cancelled() and pump.done.cancelled())
    assert site.viewer.closed is None
    site.viewer.listening.set()
    assert (await site.told())[0] == 4001


# ---- how an endpoint is lost -----------------------------------------------------------------------------


async def test_a_program_that_ends_is_not_an_endpoint_that_is_lost(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewing, "END_PATIENCE", 5.0)
    site.connect()
    pump = await site.served()

    pump.done.set_result(None)
    await eventually_async(lambda: site.lost)
    site.shows(Glimpse(State.STOPPING, "program_ended", "Xtigervnc left with exit status 0."))

    assert await site.told() == (1000, "Its program ended. Xtigervnc left with exit status 0.")
    assert site.lost == [("The session's screen closed the connection.", False, False)]


async def test_a_screen_that_hangs_up_while_its_session_lives_is_lost(site: Site) -> None:
    site.connect()
    pump = await site.served()

    pump.done.set_result(None)

    assert await site.told() == (4011, "The session's screen closed the connection.")
    assert site.closed == [Leaving(clean=False, close_code=4011)]
    assert site.lost == [("The session's screen closed the connection.", False, False)]


async def test_a_viewer_is_told_that_its_endpoint_cannot_be_reached(site: Site) -> None:
    site.connect()
    pump = await site.served()

    pump.done.set_exception(EndpointError("tcp:n8:5901 cannot be reached.", fatal=False))

    assert await site.told() == (4011, "tcp:n8:5901 cannot be reached.")
    assert site.lost == [("tcp:n8:5901 cannot be reached.", False, False)]


async def test_a_vnc_server_that_lets_everybody_in_is_told_of(site: Site) -> None:
    site.connect()
    pump = await site.served()

    pump.on_unprotected()
    await eventually_async(lambda: site.unprotected_at == [(SESSION, "tcp:127.0.0.1:5901")])
    pump.left.set_result(1000)
    await site.over()


async def test_a_unix_socket_needs_no_password(site: Site) -> None:
    site.connect()
    pump = await site.pump()
    site.shows(Glimpse(State.RUNNING, "", "", Endpoint.unix("/tmp/rs-1/vnc.sock")))
    await eventually_async(lambda: pump.ran)

    pump.on_unprotected()
    pump.left.set_result(1000)
    await site.over()

    assert site.unprotected_at == [], "nobody else reaches it"


REFUSAL = "tcp:127.0.0.1:5901 is served by another session."


async def test_an_endpoint_is_reached_for_its_session_alone(site: Site) -> None:
    site.connect()
    pump = await site.served()

    assert pump.claim == Claim(str(SESSION), 4711, ("n8",))
    assert pump.rules is site.rules


async def test_an_endpoint_that_is_refused_is_told_with_its_own_reason(site: Site) -> None:
    site.connect()
    pump = await site.served()

    pump.done.set_exception(EndpointError(REFUSAL, fatal=True, refused=True))

    assert await site.told() == (4011, f"Its endpoint was refused. {REFUSAL}")
    assert site.lost == [(REFUSAL, True, True)]


@pytest.mark.parametrize("refused", [True, False])
async def test_a_session_of_another_machine_does_not_fail_for_what_is_seen_from_here(site: Site, refused: bool) -> None:
    site.connect()
    pump = await site.served()
    site.shows(replace(RUNNING, elsewhere="n9"))

    pump.done.set_exception(EndpointError(REFUSAL, fatal=True, refused=refused))

    assert (await site.told())[0] == 4011
    assert site.lost == [(REFUSAL, False, refused)]


async def test_who_looks_for_a_session_of_another_machine_is_told_so_at_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewing, "END_PATIENCE", 60.0)
    site.connect()
    pump = await site.served()

    why = "It runs on n9; open it through the gateway there."
    pump.done.set_exception(EndpointError(why, fatal=False, elsewhere=True))

    assert await site.told() == (4011, why)
    assert site.lost == [(why, False, False)]


async def test_what_the_loss_of_an_endpoint_leads_to_is_waited_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewing, "END_PATIENCE", 5.0)
    site.connect()
    pump = await site.served()

    pump.done.set_exception(EndpointError("No RFB.", fatal=True))
    await eventually_async(lambda: site.lost == [("No RFB.", True, False)])
    site.shows(Glimpse(State.STOPPING, "endpoint_lost", "No RFB."))

    assert await site.told() == (4011, "Its screen could not be reached. No RFB.")


async def test_a_terminal_has_no_screen(site: Site) -> None:
    site.connect()
    site.shows(Glimpse(State.RUNNING, "", "", Endpoint.terminal(["tmux"])))

    assert await site.told() == (4011, "This session is a terminal; its page is not a screen.")
    assert [why for why, *_ in site.lost] == ["This session is a terminal; its page is not a screen."]


async def test_a_password_that_cannot_be_opened_is_told(site: Site) -> None:
    site.password = NoPasswordError("SECRET_KEY has changed")
    site.connect()
    site.shows(RUNNING)

    assert await site.told() == (
        4011,
        "The session's password is not to be had: SECRET_KEY has changed since it was stored.",
    )


# ---- the database ----------------------------------------------------------------------------------------


async def test_a_viewer_that_cannot_be_written_is_sent_away(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.broken = True
    site.connect()

    assert await site.told() == (1011, "The gateway cannot reach its database at the moment.")
    assert caplog.messages == [
        f"session {SESSION}: a viewer is sent away, the database cannot be reached: database is locked"
    ]
    assert site.closed == []


async def test_a_database_that_fails_on_the_way_sends_the_viewer_away(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.password = ClerkError("the database cannot be reached: database is locked")
    site.connect()
    site.shows(RUNNING)

    assert (await site.told())[0] == 1011
    assert site.closed == [Leaving(clean=False, close_code=1011)]
    assert not [record for record in caplog.records if record.exc_info], "it is no mistake of ours"


# ---- what the log says -----------------------------------------------------------------------------------


async def test_the_log_says_who_came_and_how_it_left(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        site.connect()
        (await site.served()).left.set_result(1001)
        await site.over()

    assert caplog.messages == [
        f"session {SESSION}: a viewer came from 192.0.2.7",
        f"session {SESSION}: a viewer left (closed), 7 bytes to it, 3 from it",
    ]


async def test_or_that_it_was_sent_away(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        site.connect()
        await site.served()
        site.watch.withdrawn = True
        site.watch.changed.set()
        await site.over()

    assert caplog.messages[-1] == f"session {SESSION}: a viewer left (sent away with 4001), 7 bytes to it, 3 from it"
