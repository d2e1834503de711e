"""Runners of sessions, as a supervisor has them: forked, found again, heard, ordered about."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable

from remote_service import details, lifecycle
from remote_service.catalogue import Catalogue, Entry
from remote_service.conf import GatewaySettings
from remote_service.hosting.cgroups import Groups
from remote_service.hosting.client import HostError, RunnerLink
from remote_service.hosting.machine import here
from remote_service.hosting.programs import NEVER, Program
from remote_service.hosting.status import Status
from remote_service.leftovers import Successor, remove_socket, socket_path
from remote_service.models import Session
from remote_service.sealing import SealError, unseal
from remote_service.supervision.charges import Charge
from remote_service.supervision.groups import SessionGroups
from remote_service.supervision.rows import Rows
from remote_service.tasks import spawn

log = logging.getLogger(__name__)


class Runners:
    """Knows the catalogue in force and the sessions' runners."""

    def __init__(self, settings: GatewaySettings, rows: Rows, poke: Callable[[], None]) -> None:
        """`poke` is called whenever the supervisor should look again."""
        self._settings = settings
        self._rows = rows
        self._poke = poke
        self.catalogue = Catalogue({})
        self.groups = SessionGroups(Groups.of_this_system(settings.cgroup))
        self.charges: dict[str, Charge] = {}

    def entry(self, session: Session) -> Entry:
        """The session's type as it is in force.

        Raises:
            HostError: it is gone, or has fewer slots now.
        """
        entry = self.catalogue.entries.get(session.type_name)
        if entry is None:
            why = details.TYPE_NOT_HAD if self.catalogue.published else details.TYPE_GONE
            raise HostError(why.filled(type=repr(session.type_name)))
        if session.index >= entry.order.count:
            values = {"type": repr(session.type_name), "count": entry.order.count, "number": session.index + 1}
            raise HostError(details.SLOT_GONE.filled(**values))
        return entry

    async def fork(self, session: Session) -> int:
        """Forks a runner, and returns its process id; a script host that has died is started again, once.

        It is in the session's control group before it is told anything.

        Raises:
            FencedError: the lease is over.
            HostError: the script cannot be had.
            OSError: the system refuses; or the session has a runner, or the socket of one.
        """
        pid = await self._fork(session)
        await self.groups.hold(session, pid)
        return pid

    async def _fork(self, session: Session) -> int:
        key = str(session.pk)
        where = socket_path(self._settings.run_dir, key), self._settings.session_logs / f"{key}.log"
        host = self.entry(session).host
        await self._rows.check()
        try:
            return await host.fork_runner(key, session.index, *where)
        except HostError as error:
            log.warning("the script host of %s is started again: %s", session.type_name, error)
            entry = self.entry(session)  # by now the sessions file may have been read again
            await entry.revive(host)
            await self._rows.check()
            remove_socket(self._settings.run_dir, key)
            return await entry.host.fork_runner(key, session.index, *where)

    async def replace(self, session: Session) -> int:
        """Forks a runner in the place of one that has ended; see `fork`."""
        await self._rows.check()
        remove_socket(self._settings.run_dir, str(session.pk))
        return await self.fork(session)

    async def connect(self, session: Session, charge: Charge) -> RunnerLink:
        """Takes the session's runner over, and hears it from now on; one that takes a connection is here.

        Raises:
            FencedError: the lease is over.
            FileNotFoundError, ConnectionRefusedError: there is none.
            OSError: it cannot be told whether there is one.
        """
        key = str(session.pk)
        link = await RunnerLink.connect(key, socket_path(self._settings.run_dir, key), self._rows.epoch)
        charge.hold(link)
        spawn(self._follow(key, charge, link), name=f"runner of {key}")
        # An older version had not written all of it; and one that takes another's place may be of another start.
        if session.whereabouts != (now := here(self._settings.run_dir)):
            await self._rows.write(lifecycle.locate, session.pk, now)
        return link

    async def _follow(self, key: str, charge: Charge, link: RunnerLink) -> None:
        def heard(status: Status) -> None:
            if charge.link is link:
                charge.heard(status)
                self._poke()

        try:
            await link.follow(heard)
        finally:
            await link.close()
        if self.charges.get(key) is charge and charge.link is link:
            charge.lose()
            self._poke()

    async def order_start(self, session: Session, link: RunnerLink) -> None:
        """Orders the start; a second order changes nothing.

        Raises:
            OSError: the runner has gone.
            SealError: the session's token cannot be opened.
        """
        await link.order(
            "start",
            token=unseal(session.sealed_token),
            timestamp=time.time(),
            options=session.options,
            timeout=session.limits.start_timeout,
        )

    async def order_succession(self, session: Session, link: RunnerLink) -> None:
        """Orders a fresh runner to go on with what another one had held.

        Raises:
            OSError: the runner has gone.
        """
        await link.order("recover", **self.successor_of(session).as_order())

    def successor_of(self, session: Session) -> Successor:
        """What a fresh runner needs to go on with the session."""
        state = None
        try:
            state = json.loads(unseal(session.sealed_script_state) or "null")
        except SealError as error:
            log.warning("session %s: its script has to do without its state: %s", session.pk, error)
        programs = tuple(Program.from_list(each) for each in session.programs)
        if not session.whereabouts.is_here(here(self._settings.run_dir)):
            programs = tuple(Program(each.pid, NEVER, each.name) for each in programs)
        return Successor(state, session.endpoint, programs)
