"""What helps to find out why a session went wrong, as texts that may be sent to somebody: no secret is in them.

Secrets are kept out twice. Columns and settings that hold them are not written at all, and options whose names look
like a secret's are masked; and whatever else is written is searched for their values, since a script or a program may
have printed one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.forms.models import model_to_dict
from django.views.debug import SafeExceptionReporterFilter

from remote_service import conf, session_logs
from remote_service.catalogue import log_name
from remote_service.config.problems import Problem, lines
from remote_service.masking import Masker, without_secrets
from remote_service.models import Session, SessionType, Site
from remote_service.sealing import SealError, unseal
from remote_service.versions import versions

TYPE_LOG_BYTES = 256 * 1024
_SECRET_COLUMNS = frozenset({"token_hash", "sealed_token", "sealed_script_state", "sealed_password"})
_OURS = re.compile(r"^(REMOTE_SERVICE_|WEBSOCKETSERVER_|DATABASE_URL$|CHANNEL_LAYER_URL$|HOST$|PORT$)")


def bundle(session: Session) -> dict[str, str]:
    """File name to content."""
    site = Site.load()
    row = SessionType.objects.filter(name=session.type_name).first()
    problems = [Problem.from_dict(problem) for problem in site.problems]
    masked: set[str] = set()
    columns = _row(session, masked)
    definition = None if row is None else without_secrets(row.stored_definition, masked)
    # Only for what programs may have written: such a value can be a word that stands elsewhere by right.
    # Together with the others, the longest first: one may be a part of another, whose rest would stay.
    known = _known_secrets()
    of_options = Masker.of([*known, *masked])
    files = {
        "README.txt": _ABOUT.format(session=session),
        "session.json": _json(
            of_options.mask_texts({**columns, "ending": session.ending}) | {"viewers": _viewers(session)}
        ),
        "events.json": _json(
            of_options.mask_texts([model_to_dict(event) | {"at": event.at} for event in session.events.all()])
        ),
        "session.log": of_options.mask(session_logs.whole(session.pk) or "(nothing was written)\n"),
        "type.json": _json(definition),
        "type.log": of_options.mask(_type_log(session.type_name)),
        "problems.txt": of_options.mask("\n".join([f"loaded at {site.loaded_at}", *lines(problems)]) + "\n"),
        "disk.txt": _disk(),
        "versions.json": _json({**versions(), "database": _database()}),
        "settings.json": _json(_settings()),
        "environment.txt": "".join(f"{name}\n" for name in sorted(filter(_OURS.match, os.environ))),
    }
    masker = Masker.of(known)
    return {name: masker.mask(text) for name, text in files.items()}


_ABOUT = """\
What is known of session {session.id} ({session.type_name}).

session.json      its row in the database, and who looked at it
events.json       what happened to it, who asked for it, from where
session.log       what its programs wrote
type.json         its type's entry in the sessions file, as it is now
type.log          the end of what its type's script wrote when it was loaded
problems.txt      what is wrong with the sessions file and the scripts
disk.txt          how much of the state directory's disk is free
versions.json     of the gateway, what it runs on, and TigerVNC
settings.json     Django's settings that differ from its defaults
environment.txt   the names of the gateway's environment variables that are set

Secrets are left out or masked. Names of users and addresses of clients are in it.
"""


def _row(session: Session, masked: set[str]) -> dict[str, Any]:
    """The columns but those that hold secrets; what is masked in the others is added to `masked`."""
    columns = {field.attname: getattr(session, field.attname) for field in session._meta.concrete_fields}
    kept = {name: value for name, value in columns.items() if name not in _SECRET_COLUMNS}
    return {name: without_secrets(value, masked) if isinstance(value, dict) else value for name, value in kept.items()}


def _viewers(session: Session) -> list[dict[str, Any]]:
    viewers = session.viewers.order_by("pk").values(
        "user__username", "guest__name", "address", "opened_at", "closed_at", "ending"
    )
    return [dict(viewer) for viewer in viewers]


def _disk() -> str:
    try:
        usage = shutil.disk_usage(conf.current().state_dir)
    except OSError as error:
        return f"(unknown: {error.strerror})\n"
    return f"state directory: {usage.free} of {usage.total} bytes free ({100 * usage.free / usage.total:.1f} %)\n"


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
    ours = conf.current()
    found = [settings.SECRET_KEY, ours.security_token, ours.metrics_token]
    found.append(os.environ.get("REMOTE_SERVICE_ADMIN_PASSWORD", ""))
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
