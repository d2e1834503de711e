"""Django system checks: the sessions file with all its scripts, and what a deployment must say.

Each has a number and a hint that holds the mend itself; `manage.py check` prints them.
"""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning
from django.core.checks import register as register_check
from django.db import DatabaseError

from remote_service import conf
from remote_service.catalogue import Catalogue, all_problems, load_catalogue
from remote_service.conf import GatewaySettings
from remote_service.config.problems import Problem
from remote_service.database import missing_file
from remote_service.hosting.account import KEEP_ROOT, AccountError, session_account

CheckMessages = list[CheckMessage]


def register() -> None:
    """Registers them; called once when the app is ready."""
    register_check(check_account, "sessions")
    register_check(check_sessions_file, "sessions")
    register_check(check_hosts, Tags.security)
    register_check(check_debug, Tags.security)
    register_check(check_tls, Tags.security)
    register_check(check_proxies, Tags.security)


def sessions_file_problems() -> list[Problem]:
    """Every problem of the sessions file and its scripts, found as the server finds them: by loading all of it.

    Raises:
        AccountError: scripts may not run as root and there is no account for them.
    """
    catalogue = asyncio.run(_load_and_close(conf.current()))
    if missing_file():
        return list(catalogue.problems)
    try:
        return all_problems(catalogue)
    except DatabaseError:
        # Not migrated yet: whether the groups exist cannot be asked.
        return list(catalogue.problems)


async def _load_and_close(gateway_settings: GatewaySettings) -> Catalogue:
    catalogue = await load_catalogue(gateway_settings)
    await catalogue.close()
    return catalogue


def check_sessions_file(app_configs: Any = None, **kwargs: Any) -> CheckMessages:
    """The sessions file and every script that it names."""
    try:
        problems = sessions_file_problems()
    except AccountError:
        return []  # check_account tells of it
    return [as_message(problem) for problem in problems]


def as_message(problem: Problem) -> CheckMessage:
    """A problem as Django shows it."""
    kind = Error if problem.is_error else Warning
    return kind(
        problem.without_fix, hint=problem.remedy[:1].upper() + problem.remedy[1:], id=f"remote_service.{problem.code}"
    )


def check_account(app_configs: Any = None, **kwargs: Any) -> CheckMessages:
    """As whom scripts run when root starts the server."""
    wanted = conf.current().session_user
    try:
        session_account(wanted)
    except AccountError as error:
        return [Error(str(error), hint="Run 'make setup' as root.", id="remote_service.E101")]
    if wanted == KEEP_ROOT:
        return [
            Warning(
                "REMOTE_SERVICE_SESSION_USER is 'root': every session script runs as root.",
                hint="Unset REMOTE_SERVICE_SESSION_USER and run 'make setup' as root.",
                id="remote_service.W101",
            )
        ]
    return []


def check_debug(app_configs: Any = None, **kwargs: Any) -> CheckMessages:
    """DEBUG shows settings and code to everybody who causes an error."""
    if settings.DEBUG:
        hint = "Unset REMOTE_SERVICE_DEBUG."
        return [Warning("DEBUG is on; expected off where others can reach it.", hint=hint, id="remote_service.W102")]
    return []


def check_hosts(app_configs: Any = None, **kwargs: Any) -> CheckMessages:
    """A server that others can reach must know its names, or any name would be believed."""
    environment = settings.ENVIRONMENT
    if is_loopback(environment.host) or environment.allowed_hosts:
        return []
    return [
        Error(
            f"HOST is {environment.host!r}, which is not loopback, and the site's names are not set.",
            hint="Set REMOTE_SERVICE_ALLOWED_HOSTS to the names in users' address bars, such as desk.example.org.",
            id="remote_service.E103",
        )
    ]


def check_tls(app_configs: Any = None, **kwargs: Any) -> CheckMessages:
    """Without TLS, passwords and desktops travel readable, and browsers withhold what the viewer needs."""
    environment = settings.ENVIRONMENT
    if environment.tls or is_loopback(environment.host):
        return []
    return [
        Warning(
            f"HOST is {environment.host!r} and TLS is not on: passwords and screens travel readable.",
            hint="Start with serve --cert and --key, or set REMOTE_SERVICE_TLS=1 behind a proxy that does TLS.",
            id="remote_service.W104",
        )
    ]


def check_proxies(app_configs: Any = None, **kwargs: Any) -> CheckMessages:
    """Whoever is taken for a proxy can say that a request comes from anywhere, over TLS or not."""
    hint = "Set it to the proxies' own addresses or networks, such as 10.0.0.5 or 10.0.1.0/24."
    found: CheckMessages = []
    for proxy in settings.ENVIRONMENT.trusted_proxies:
        if proxy == "*":
            text = "REMOTE_SERVICE_TRUSTED_PROXIES holds '*', so everybody can claim any address."
            found.append(Warning(text, hint=hint, id="remote_service.W105"))
        elif not _is_network(proxy):
            text = f"REMOTE_SERVICE_TRUSTED_PROXIES holds {proxy!r}; expected an address or a network."
            found.append(Error(text, hint=hint, id="remote_service.E105"))
    return found


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on `host`."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
