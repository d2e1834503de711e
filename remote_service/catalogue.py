"""The session types in force: the file read, a script host for each entry, and the rows that gateways read.

Loading never fails: what is wrong with the file, an entry or a script is a `Problem`, and the others serve.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from asgiref.sync import sync_to_async
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from remote_service import details, models
from remote_service.conf import GatewaySettings
from remote_service.config.groups import unknown_groups
from remote_service.config.loader import LoadedType, SessionsFile, find_scripts, load_sessions_file
from remote_service.config.problems import Problem, counts, file_unusable
from remote_service.config.schema import SessionType
from remote_service.config.script_report import ScriptFault, ScriptReport, problem_of_report
from remote_service.config.words import plural
from remote_service.hosting.account import script_environment, session_account
from remote_service.hosting.client import HostError, HostOrder, ScriptHost
from remote_service.hosting.readable import CopyError, readable_script
from remote_service.sealing import key_fingerprint

log = logging.getLogger(__name__)

MOST_LOG_NAME = 200
"""Bytes: file systems take 255, and the ending comes on top."""

AT_ONCE = 4
"""How many script hosts load side by side."""


@dataclass(slots=True)
class Entry:
    """A type that can be served."""

    loaded: LoadedType
    order: HostOrder
    host: ScriptHost
    on_last_disconnect: str
    _reviving: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def revive(self, dead: ScriptHost) -> None:
        """Starts the script host again, unless another session's launch has replaced `dead` meanwhile.

        Raises:
            HostError: the script cannot be loaded any more; the message says why.
        """
        async with self._reviving:
            if self.host is not dead:
                return
            await dead.close()
            host, result = await ScriptHost.start(self.order)
            if host is None:
                raise HostError(details.NOT_LOADED_AGAIN.filled(fault=result.report.fault))
            self.host = host


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What one load gave."""

    entries: dict[str, Entry]
    problems: tuple[Problem, ...] = ()
    file: SessionsFile | None = None
    published: bool = False
    """Made of what an earlier supervisor had published, since the file cannot be read."""

    @property
    def readable(self) -> bool:
        """Whether the file itself could be read; its entries may be wrong all the same."""
        return self.file is not None and not file_unusable(self.file.problems)

    @property
    def scripts(self) -> list[Path]:
        """The scripts that serve; of some these are copies."""
        return [entry.order.script for entry in self.entries.values()]

    def with_problems(self, find: Callable[[Iterable[SessionType], Path], Iterable[Problem]]) -> Catalogue:
        """The same with what `find` says of the types that can be served."""
        if self.file is None:
            return self
        types = (entry.loaded.type for entry in self.entries.values())
        return replace(self, problems=(*self.problems, *find(types, self.file.path)))

    async def close(self) -> None:
        """Ends the script hosts."""
        await asyncio.gather(*(entry.host.close() for entry in self.entries.values()))


async def load_catalogue(settings: GatewaySettings, at_once: int = AT_ONCE) -> Catalogue:
    """Reads the sessions file and starts a script host for each entry, so many at once.

    Raises:
        AccountError: scripts may not run as root and there is no account for them.
    """
    return await _serving(load_sessions_file(settings.sessions_file, settings.script_dirs), settings, at_once)


async def load_published(settings: GatewaySettings) -> Catalogue:
    """Does the same for the types that are published, without the sessions file: what it said when it could be read.

    Raises:
        AccountError: as `load_catalogue`.
    """
    types = await sync_to_async(lambda: [row.definition for row in models.SessionType.objects.all()])()
    found = await _serving(find_scripts(settings.sessions_file, types, settings.script_dirs), settings, AT_ONCE)
    return replace(found, published=True)


async def _serving(file: SessionsFile, settings: GatewaySettings, at_once: int) -> Catalogue:
    account = session_account(settings.session_user)
    environment = script_environment(os.environ, account, settings.script_env)
    gate = asyncio.Semaphore(at_once)
    started: list[ScriptHost] = []

    async def start(loaded: LoadedType) -> tuple[Entry | None, list[Problem]]:
        async with gate:
            entry, found = await _start_host(loaded, account, environment, settings.type_logs)
        if entry is not None:
            started.append(entry.host)
        return entry, found

    results: list[tuple[Entry | None, list[Problem]]] = []
    try:
        # Without return_exceptions, gather would be over as soon as the first has failed or was cancelled.
        for result in await asyncio.gather(*(start(loaded) for loaded in file.types), return_exceptions=True):
            if isinstance(result, BaseException):
                raise result
            results.append(result)
    except BaseException:
        # Loading was cut short, by a stop for instance: nobody will ever use these.
        await asyncio.gather(*(host.close() for host in started))
        raise
    entries = {entry.loaded.type.name: entry for entry, _ in results if entry is not None}
    problems = (*file.problems, *(problem for _, found in results for problem in found))
    return Catalogue(entries, problems, file)


async def _start_host(
    loaded: LoadedType, account: str | None, environment: dict[str, str], logs: Path
) -> tuple[Entry | None, list[Problem]]:
    problems = []
    try:
        script = readable_script(loaded.script_path, account)
    except CopyError as error:
        report = ScriptReport(ScriptFault.UNREADABLE, found=str(error), names=(account or "",))
        return None, [problem_of_report(report, loaded)]
    if script != loaded.script_path:
        source = loaded.script_path
        log.warning(
            "%s: the account %s cannot read it, so a copy serves (%s); reload after a change", source, account, script
        )
    order = HostOrder(
        name=loaded.type.name,
        script=script,
        count=loaded.type.count,
        options=loaded.type.options,
        account=account,
        environment=environment,
        log_path=logs / f"{log_name(loaded.type.name)}.log",
    )
    host, result = await ScriptHost.start(order)
    if result.report.fault is ScriptFault.DIED:
        # It may have been killed; its type would be missing until the next reload. A script that does it does so again.
        log.info("the script host of %s has ended while it loaded (%s); once more", order.name, result.report.found)
        host, result = await ScriptHost.start(order)
    if result.report.fault is not None:
        problems.append(problem_of_report(result.report, loaded))
    if host is None:
        return None, problems
    wanted = loaded.type.on_last_disconnect or result.on_last_disconnect
    return Entry(loaded, order, host, wanted), problems


def log_name(type_name: str) -> str:
    """A file name for a type, without an ending: the type's own, with what a file name cannot hold written as in a URL.

    No two types have the same; of a very long name the first part stays, and a digest tells it from others.
    """
    name = re.sub(r"[%/\0]|^[.-]", lambda found: f"%{ord(found[0]):02X}", type_name)
    if len(name.encode()) <= MOST_LOG_NAME:
        return name
    digest = hashlib.blake2b(type_name.encode(), digest_size=6).hexdigest()
    return f"{name.encode()[: MOST_LOG_NAME - len(digest) - 1].decode(errors='ignore')}-{digest}"


def publish(in_force: Catalogue, loaded: Catalogue, generation: int) -> None:
    """Writes the catalogue in force, and what the last load found wrong, into the rows that gateways read."""
    problems = [*all_problems(loaded), *(in_force.problems if in_force.published else ())]
    with transaction.atomic():
        # What was published before stays as it is, also of what cannot be loaded again now.
        if in_force is loaded:
            _write_types(in_force)
        models.Site.load()
        models.Site.objects.filter(pk=1).update(
            problems=[problem.as_dict() for problem in problems],
            sessions_file=str(loaded.file.path) if loaded.file is not None else "",
            loaded_at=timezone.now(),
            reload_done=generation,
            sealed_with=key_fingerprint(),
        )
    for problem in problems:
        log.log(logging.ERROR if problem.is_error else logging.WARNING, "%s", problem)
    served = plural(len(in_force.entries), "session type")
    if in_force is not loaded:
        log.error("the sessions file is not in force, since it cannot be read; what was read before stays: %s", served)
        return
    log.info("the sessions file has been read: %s, %s", served, counts(problems))


def _write_types(catalogue: Catalogue) -> None:
    """What limits viewers holds at once for sessions that run, too; of a type that is gone it stays as it was."""
    for position, (name, entry) in enumerate(catalogue.entries.items()):
        models.SessionType.objects.update_or_create(
            name=name,
            defaults={
                "position": position,
                "on_last_disconnect": entry.on_last_disconnect,
                "stored_definition": entry.loaded.type.to_store(),
            },
        )
        of_type = models.Session.objects.live().filter(type_name=name)
        of_type.update(stored_viewer_policy=entry.loaded.type.viewer_policy.to_store())
    models.SessionType.objects.exclude(name__in=list(catalogue.entries)).delete()


def all_problems(loaded: Catalogue) -> list[Problem]:
    """What loading found wrong, and the groups that types name and the site does not have."""
    groups = unknown_groups(loaded.file, known_groups()) if loaded.file is not None else ()
    return [*loaded.problems, *groups]


def known_groups() -> frozenset[str]:
    """The names of the site's groups."""
    return frozenset(Group.objects.values_list("name", flat=True))
