"""What helps to find out why a session went wrong, as texts that may be sent to somebody: no secret is in them.

Secrets are kept out twice. Columns and settings that hold them are not written at all; and whatever else is written is
searched for their values, since a script or a program may have printed one.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.forms.models import model_to_dict
from django.views.debug import SafeExceptionReporterFilter

from remote_service import conf, session_logs
from remote_service.catalogue import log_name
from remote_service.config.problems import Problem, lines
from remote_service.models import Session, SessionType, Site
from remote_service.sealing import SealError, unseal
from remote_service.versions import versions

MASK = "********"
TYPE_LOG_BYTES = 256 * 1024
_SECRET_COLUMNS = frozenset({"token_hash", "sealed_token", "sealed_script_state", "sealed_password"})
_SECRET_NAME = re.compile("pass|secret|token|key|credential|auth|pwd", re.IGNORECASE)
_OURS = re.compile(r"^(REMOTE_SERVICE_|WEBSOCKETSERVER_|DATABASE_URL$|CHANNEL_LAYER_URL$|HOST$|PORT$)")
_PASSWORD_IN_URL = re.compile(r"(?<=://)[^/\s@'\"]+(?=@)")
_TOKEN_IN_URL = re.compile(r"(?<=token=)[^&\s'\"]+")
_FEWEST_CHARACTERS = 4
"""Of a secret: masking shorter ones would make the rest unreadable."""


@dataclass(frozen=True, slots=True)
class Masker:
    """Takes known secrets, and what looks like one in an address, out of texts."""

    secrets: tuple[str, ...]

    @classmethod
    def of(cls, secrets: Iterable[str]) -> Masker:
        """One for these; the longest first, since one may hold another."""
        return cls(tuple(sorted({s for s in secrets if len(s) >= _FEWEST_CHARACTERS}, key=len, reverse=True)))

    def mask(self, text: str) -> str:
        """The text without them."""
        for secret in self.secrets:
            # JSON writes some characters in another way.
            for written in {secret, json.dumps(secret)[1:-1]}:
                text = text.replace(written, MASK)
        return _TOKEN_IN_URL.sub(MASK, _PASSWORD_IN_URL.sub(MASK, text))


def bundle(session: Session) -> dict[str, str]:
    """File name to content."""
    site = Site.load()
    row = SessionType.objects.filter(name=session.type_name).first()
    problems = [Problem.from_dict(problem) for problem in site.problems]
    files = {
        "README.txt": _ABOUT.format(session=session),
        "session.json": _json({**_row(session), "ending": session.ending, "viewers": _viewers(session)}),
        "events.json": _json([model_to_dict(event) | {"at": event.at} for event in session.events.all()]),
        "session.log": session_logs.whole(session.pk) or "(nothing was written)\n",
        "type.json": _json(None if row is None else _without_secrets(row.stored_definition)),
        "type.log": _type_log(session.type_name),
        "problems.txt": "\n".join([f"loaded at {site.loaded_at}", *lines(problems)]) + "\n",
        "versions.json": _json({**versions(), "database": _database()}),
        "settings.json": _json(_settings()),
        "environment.txt": "".join(f"{name}\n" for name in sorted(filter(_OURS.match, os.environ))),
    }
    masker = Masker.of(_known_secrets())
    return {name: masker.mask(text) for name, text in files.items()}


_ABOUT = """\
What is known of session {session.id} ({session.type_name}).

session.json      its row in the database, and who looked at it
events.json       what happened to it, who asked for it, from where
session.log       what its programs wrote
type.json         its type's entry in the sessions file, as it is now
type.log          the end of what its type's script wrote when it was loaded
problems.txt      what is wrong with the sessions file and the scripts
versions.json     of the gateway, what it runs on, and TigerVNC
settings.json     Django's settings that differ from its defaults
environment.txt   the names of the gateway's environment variables that are set

Secrets are left out or masked. Names of users and addresses of clients are in it.
"""


def _row(session: Session) -> dict[str, Any]:
    """The columns but those that hold secrets."""
    columns = {field.attname: getattr(session, field.attname) for field in session._meta.concrete_fields}
    kept = {name: value for name, value in columns.items() if name not in _SECRET_COLUMNS}
    return {name: _without_secrets(value) if isinstance(value, dict) else value for name, value in kept.items()}


def _viewers(session: Session) -> list[dict[str, Any]]:
    viewers = session.viewers.order_by("pk").values("user__username", "address", "opened_at", "closed_at", "ending")
    return [dict(viewer) for viewer in viewers]


def _without_secrets(value: Any) -> Any:
    """The value with everything masked whose name says that it is a secret; arguments may hold some as well."""
    if isinstance(value, Mapping):
        return {
            name: MASK if isinstance(inner, str) and _SECRET_NAME.search(str(name)) else _without_secrets(inner)
            for name, inner in value.items()
            if name != "argv"
        }
    return [_without_secrets(inner) for inner in value] if isinstance(value, list | tuple) else value


def _type_log(type_name: str) -> str:
    try:
        with (conf.current().type_logs / f"{log_name(type_name)}.log").open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TYPE_LOG_BYTES))
            return session_logs.clean(file.read(TYPE_LOG_BYTES).decode(errors="replace"))
    except OSError as error:
        return f"(none: {error.strerror})\n"


def _settings() -> dict[str, Any]:
    """The settings that somebody has set; Django's own filter knows which names hold secrets."""
    safe = SafeExceptionReporterFilter().get_safe_settings()
    return {name: value for name, value in sorted(safe.items()) if settings.is_overridden(name)}  # type: ignore[misc]


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sqlite_version()" if connection.vendor == "sqlite" else "SELECT version()")
        return f"{connection.vendor} {cursor.fetchone()[0]}"


def _known_secrets() -> list[str]:
    """Every secret whose value the gateway can read."""
    found = [settings.SECRET_KEY, conf.current().security_token, os.environ.get("REMOTE_SERVICE_ADMIN_PASSWORD", "")]
    found += [str(database.get("PASSWORD") or "") for database in settings.DATABASES.values()]
    for columns in Session.objects.values_list("sealed_token", "sealed_password"):
        for sealed in filter(None, columns):
            with suppress(SealError):  # SECRET_KEY is another one now: nobody can read it any more
                found.append(unseal(sealed))
    return found


def _json(value: Any) -> str:
    return json.dumps(value, cls=_Encoder, indent=2, ensure_ascii=False) + "\n"


class _Encoder(DjangoJSONEncoder):
    """Writes whatever settings hold."""

    def default(self, o: Any) -> Any:
        try:
            return super().default(o)
        except TypeError:
            return sorted(map(str, o)) if isinstance(o, set | frozenset) else str(o)
