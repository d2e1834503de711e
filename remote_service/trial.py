"""Trying a session type from the command line: every step that a user's launch takes, timed, down to a picture."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

from asgiref.sync import sync_to_async

from remote_service import lifecycle, nudges, pid_file
from remote_service.actors import Actor
from remote_service.conf import GatewaySettings
from remote_service.config.loader import load_sessions_file
from remote_service.endpoints import Endpoint
from remote_service.errors import UnknownTypeError
from remote_service.models import Session, SessionEvent, Site
from remote_service.oversight import oversight, settled
from remote_service.relay import closing, rows
from remote_service.relay.dialling import reach
from remote_service.relay.proof import Claim, EndpointRefusedError
from remote_service.relay.site_rules import rules_in_force
from remote_service.relay.upstream import Upstream
from remote_service.reservations import Reservation, reserve_for_operator
from remote_service.rfb.errors import RFBError
from remote_service.rfb.handshake import ServerLogin
from remote_service.rfb.screenshot import Screenshot, ScreenshotClient
from remote_service.states import EndReason, State
from remote_service.supervisor import Supervisor
from remote_service.tasks import spawn

STEP_TIMEOUT = 30.0
"""Seconds for the banner and for the picture."""
DRAWING_PATIENCE = 3.0
"""Seconds that a screen of one colour is given to show something."""
UNREAD = "The running server has not read the file since: type 'manage.py reload_sessions' first."
"""What is added when the type is in the sessions file, but not among those that the server serves."""
ALONE = "nobody supervises: loaded the sessions file, to do so for this trial"
ANOTHER_FILE = (
    "The running server reads another sessions file, %s, and this command was told %s: stop the server first, or set "
    "REMOTE_SERVICE_STATE_DIR to a directory of your own and type 'manage.py prepare'."
)
"""What is added when that is why."""
QUARANTINED = (
    "Its slot %d is in quarantine: %s. See that nothing of it is left, then type "
    "'manage.py sessions quarantine release %s'."
)
_LOOK = 0.5

Say = Callable[[str], None]


class TrialError(Exception):
    """A step failed; the message says which, and what was seen."""


@dataclass(slots=True)
class Trial:
    """One try. `say` gets a line for each step that was done."""

    settings: GatewaySettings
    say: Say
    began: float = 0.0

    async def run(self, type_name: str, options: dict[str, str]) -> Screenshot | None:
        """Reserves, starts, waits for the screen, pictures it, stops.

        Returns:
            The picture, or None for a stream that is no RFB.

        Raises:
            TrialError: a step failed, and the session has been stopped; or its slot is in quarantine since.
            RefusedError: the slot could not be had.
        """
        self.began = time.monotonic()
        async with self._supervised() as by_a_server:
            by = Actor("", "", "command")
            reservation = await sync_to_async(self._reserve)(type_name, options, by, by_a_server)
            session = reservation.session
            self._step(f"reserved slot {session.index} of {type_name!r}, session {session.pk}")
            try:
                picture = await self._look_at(session)
            except TrialError as error:
                kept = await self._end(session, by)
                raise TrialError(f"{error} {kept}".strip()) from error
            except BaseException:
                await self._end(session, by)
                raise
            if kept := await self._end(session, by):
                raise TrialError(kept)
            return picture

    async def _end(self, session: Session, by: Actor) -> str:
        """Ends the session, and says what is to be done when its slot cannot be used again."""
        await sync_to_async(lifecycle.ask_to_stop)(session.pk, EndReason.USER, by)
        session = await self._until(session, over=True)
        self._step(f"{session.state}: {session.ending}" + (" (quarantined)" if session.quarantined else ""))
        if not session.quarantined:
            return ""
        told = SessionEvent.objects.filter(session=session, what="quarantined").values_list("why", flat=True)
        return QUARANTINED % (session.index, await told.alast(), session.reference)

    def _step(self, what: str) -> None:
        self.say(f"{time.monotonic() - self.began:7.3f} s  {what}")

    def _reserve(self, type_name: str, options: dict[str, str], by: Actor, by_a_server: bool) -> Reservation:
        try:
            return reserve_for_operator(type_name, options, by)
        except UnknownTypeError as error:
            declared = load_sessions_file(self.settings.sessions_file, self.settings.script_dirs).types
            if by_a_server and type_name in [one.type.name for one in declared]:
                other = Site.load().other_than(self.settings.sessions_file)
                why = ANOTHER_FILE % (other, self.settings.sessions_file) if other else UNREAD
                raise UnknownTypeError(f"{error} {why}") from error
            raise

    @asynccontextmanager
    async def _supervised(self) -> AsyncIterator[bool]:
        """Lets whoever supervises do it; where nobody does, a supervisor of our own lives as long as the trial.

        Yields:
            Whether another process supervises.

        Raises:
            TrialError: nobody does, though there is a process that should.
        """
        found = await sync_to_async(settled)(self.settings)
        if not found.lacking:
            self._step(f"supervised at {found.place}")
            yield True
            return
        if found.expected:
            raise TrialError(_refusing(found.lacking))
        with ExitStack() as held:
            try:
                held.enter_context(pid_file.hold(self.settings.state_dir))
            except pid_file.AlreadyRunningError as error:
                raise TrialError(_refusing(str(error))) from error
            supervisor = Supervisor(self.settings)
            running = spawn(supervisor.run(), name="supervisor of the trial")
            try:
                ready = spawn(supervisor.ready.wait(), name="supervisor of the trial is ready")
                await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
                ready.cancel()
                if not running.done():
                    # Somebody may have begun meanwhile.
                    ours = (found := await sync_to_async(oversight)(self.settings)).ours
                    self._step(ALONE if ours else f"supervised at {found.place}")
                    yield not ours
            finally:
                supervisor.stop()
                # What it failed with is the answer, whether it was ready or not.
                await running

    async def _look_at(self, session: Session) -> Screenshot | None:
        session = await self._until(session, over=False)
        if session.over:
            raise TrialError(f"It {session.state}: {session.ending}")
        endpoint = session.endpoint
        assert endpoint is not None
        self._step(f"running at {endpoint}")
        if session.stream != "rfb":
            return None
        password = await sync_to_async(rows.password_of)(session.pk)
        try:
            async with asyncio.timeout(STEP_TIMEOUT):
                return await self._picture(endpoint, password, rows.claim_of(session.pk, rows.glimpse_of(session)))
        except TimeoutError as error:
            raise TrialError(f"No picture came from {endpoint} within {STEP_TIMEOUT:g} s.") from error
        except EndpointRefusedError as error:
            raise TrialError(closing.endpoint_refused(str(error))) from error
        except (OSError, RFBError) as error:
            raise TrialError(f"{endpoint}: {error}") from error

    async def _until(self, session: Session, *, over: bool) -> Session:
        """Waits until the session runs, or (in any case) is over."""
        async with nudges.hearing(nudges.GATEWAY_GROUP) as nudged:
            while True:
                nudged.clear()
                session = await Session.objects.aget(pk=session.pk)
                if session.over or (not over and State(session.state) is State.RUNNING):
                    return session
                await asyncio.wait({spawn(nudged.wait(), name="trial")}, timeout=_LOOK)

    async def _until_drawn(self, upstream: Upstream, client: ScreenshotClient) -> Screenshot:
        """A desktop that has just started shows one colour: waits for its first windows, but not for ever."""
        picture = client.screenshot
        assert picture is not None
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAWING_PATIENCE):
                while picture.blank:
                    client.ask_for_changes()
                    await upstream.write(client.to_send())
                    while client.screenshot is None:
                        client.receive(await upstream.read())
                    picture = client.screenshot
        return picture

    async def _picture(self, endpoint: Endpoint, password: str | None, claim: Claim) -> Screenshot:
        upstream = await reach(endpoint, claim, rules_in_force(), timeout=STEP_TIMEOUT)
        try:
            login = ServerLogin(password)
            await upstream.write(login.start())
            seen = False
            while not login.done:
                data = await upstream.read()
                if not data:
                    login.receive_eof()
                await upstream.write(login.receive(data))
                if login.banner_seen and not seen:
                    seen = True
                    self._step(f"its VNC server answered: {login.version}")
            client = ScreenshotClient()
            await upstream.write(client.to_send())
            client.receive(login.leftover)
            while client.screenshot is None:
                await upstream.write(client.to_send())
                data = await upstream.read()
                if not data:
                    raise TrialError(f"{endpoint} hung up before its picture was whole.")
                client.receive(data)
            picture = await self._until_drawn(upstream, client)
            self._step(f"a picture of {picture.width}x{picture.height} came ({picture.name})")
            return picture
        finally:
            upstream.close()


def _refusing(why: str) -> str:
    return (
        f"Nobody supervises, so no session can be started: {why}. There is a process that should, and its log says "
        "what keeps it: end it, and start it again."
    )
