"""`manage.py sessions`: what the dashboard can do with sessions, at a terminal and in scripts.

Works from the database alone, whether the server runs or not: what is asked for, the server does, or its next start.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder

from remote_service import conf, lifecycle, oversight, session_record, staff
from remote_service.actors import whoever_types
from remote_service.database import require_prepared_database
from remote_service.log_parts import LogPart, follow
from remote_service.management.session_texts import called, list_lines, quarantine_lines, session_lines, when
from remote_service.models import MOST_REASON, Session
from remote_service.references import find_session
from remote_service.session_logs import MOST_BYTES, log_path
from remote_service.states import State
from remote_service.texts import in_one_line

PATIENCE = 60.0
"""Seconds that `stop --wait` waits unless it is told otherwise."""
NOT_OVER = 3
"""The exit status of `stop --wait` when the session is not over in time."""
GAP = 0.5
"""Seconds between two looks at a log or a row."""


class Command(BaseCommand):
    """Lists, shows, stops; exits with 1 when what was asked for cannot be, and says why."""

    help = "List sessions, show one with its history, stop one, read its log, release slots from quarantine."
    requires_system_checks: list[str] = []  # noqa: RUF012 (Django's own way to say it)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to do, each with options of its own."""
        acts = parser.add_subparsers(dest="act", required=True, metavar="list|show|stop|log|quarantine")

        listing = acts.add_parser("list", help="the sessions that live, and those whose slots are in quarantine")
        listing.add_argument("--state", action="append", default=[], choices=[*map(str, State)], help="may be repeated")
        listing.add_argument("--user", default="", metavar="NAME", help="those of this user")
        listing.add_argument("--type", default="", metavar="NAME", help="those of this session type")
        listing.add_argument("--all", action="store_true", help="those that are over as well")

        showing = acts.add_parser("show", help="a session, who looked at it, and all that happened to it")
        stopping = acts.add_parser("stop", help="ask for the end of a session")
        stopping.add_argument("--reason", required=True, help="a sentence that its owner reads")
        stopping.add_argument(
            "--wait", type=float, nargs="?", const=PATIENCE, metavar="SECONDS",
            help=f"wait until it is over ({PATIENCE:g} s); exit status {NOT_OVER} when it is not by then",
        )  # fmt: skip
        stopping.add_argument(
            "--declare-ended", action="store_true",
            help="of a session of which nobody can tell whether it lives: you have seen to it that it does not",
        )  # fmt: skip
        logging = acts.add_parser("log", help="what a session's programs wrote, secrets masked")
        logging.add_argument("--follow", action="store_true", help="and what they write, until it is over")
        logging.add_argument("--tail", type=int, metavar="N", help="the last N lines alone")

        kept = acts.add_parser("quarantine", help="the slots in quarantine, or release one")
        releasing = kept.add_subparsers(dest="what", metavar="release").add_parser("release", help="give a slot back")

        for one in (showing, stopping, logging, releasing):
            one.add_argument("session", help="its id, or its reference: the first 8 characters of it")
        for one in (listing, showing, stopping, logging, kept, releasing):
            one.add_argument("--json", action="store_true", help="print JSON; of a log an object for each part")

    def handle(self, *args: Any, **options: Any) -> None:
        """Does it."""
        require_prepared_database()
        acts = {
            "list": self._list,
            "show": self._show,
            "stop": self._stop,
            "log": self._log,
            "quarantine": self._release if options.get("what") else self._quarantine,
        }
        try:
            acts[options["act"]](options)
            self.stdout.flush()
        except BrokenPipeError:
            # Who reads has enough, as `head` has. Python would complain when it flushes once more at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except KeyboardInterrupt:
            sys.exit(130)

    def _list(self, options: dict[str, Any]) -> None:
        found = session_record.listed(
            states=options["state"], user=options["user"], type_name=options["type"], over=options["all"]
        )
        if options["json"]:
            self._print_json(list(found))
            return
        self._print(list_lines(found, self._width()))

    def _show(self, options: dict[str, Any]) -> None:
        session = find_session(options["session"])
        record, viewers = session_record.record(session), session_record.viewers(session)
        history = session_record.history(session)
        if options["json"]:
            self._print_json({**record, "seen_by": viewers, "history": history})
            return
        self._print(session_lines(record, viewers, history, self._width()))

    # ---- stop -------------------------------------------------------------------------------------------

    def _stop(self, options: dict[str, Any]) -> None:
        session = find_session(options["session"])
        reason = in_one_line(options["reason"])
        if not 1 <= len(reason) <= MOST_REASON:
            raise CommandError(
                f"--reason has {len(reason)} characters; expected a sentence of 1 to {MOST_REASON}, which the owner of "
                f"{session.reference} reads."
            )
        _check_declaration(session, declared=options["declare_ended"])
        asked = not session.over and staff.stop_session(session.pk, reason, whoever_types())
        if options["wait"] is not None:
            _wait_for_end(session, options["wait"])
        session.refresh_from_db()
        record = session_record.record(session)
        if options["json"]:
            self._print_json({"asked": asked, **record})
        elif session.over:
            self.stdout.write(f"{called(record)} has been over since {when(session.ended_at)} UTC: {session.ending}")
        else:
            before = "" if asked else " before"
            self.stdout.write(f"The end of {called(record)} has been asked for{before}.")
        if options["wait"] is not None and not session.over:
            raise CommandError(_why_not_over(session, options["wait"]), returncode=NOT_OVER)

    # ---- log --------------------------------------------------------------------------------------------

    def _log(self, options: dict[str, Any]) -> None:
        session = find_session(options["session"])
        tail: int | None = options["tail"]
        if tail is not None and tail < 0:
            raise CommandError(f"--tail is {tail}; expected a number of lines, such as 40.")
        path = log_path(session.pk)
        if not path.exists() and (session.over or not options["follow"]):
            raise CommandError(
                f"{session.reference} has no log: there is no {path}. Nothing was written, or it was removed by its "
                "age (REMOTE_SERVICE_LOG_DAYS), or the server uses another REMOTE_SERVICE_STATE_DIR."
            )

        def is_over() -> bool:
            # Not to be followed is as good as over: there will be no further look.
            session.refresh_from_db(fields=["state"])
            return session.over or not options["follow"]

        lines = sys.maxsize if tail is None else tail
        parts = follow(session.pk, is_over, lambda: time.sleep(GAP), first_lines=lines, most_bytes=MOST_BYTES)
        for number, part in enumerate(parts):
            self._print_part(session, part, as_json=options["json"], told=number > 0 or tail is None)

    def _print_part(self, session: Session, part: LogPart, *, as_json: bool, told: bool) -> None:
        skipped = part.skipped and told
        if as_json:
            self._print_json({"session": session.pk, "text": part.text, "skipped": skipped}, indent=None)
            return
        if skipped:
            self.stdout.write("… lines were left out here …")
        self.stdout.write(part.text, ending="")
        self.stdout.flush()

    # ---- quarantine -------------------------------------------------------------------------------------

    def _quarantine(self, options: dict[str, Any]) -> None:
        found = session_record.quarantined()
        if options["json"]:
            self._print_json(found)
            return
        self._print(quarantine_lines(found, self._width()) if found else ["No slot is in quarantine."])

    def _release(self, options: dict[str, Any]) -> None:
        session = find_session(options["session"])
        record = session_record.record(session)
        if not lifecycle.release_quarantine(session.pk, whoever_types()):
            raise CommandError(
                f"The slot of {called(record)} is not in quarantine; the session is {session.state}. "
                "'manage.py sessions quarantine' lists the slots that are."
            )
        if options["json"]:
            self._print_json({"released": True, "id": session.pk, "type": session.type_name, "slot": session.index})
            return
        self.stdout.write(f"The slot {session.index} of {record['type']} is back in service.")

    # ---- printing ---------------------------------------------------------------------------------------

    def _print(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.stdout.write(line)

    def _print_json(self, data: object, indent: int | None = 2) -> None:
        self.stdout.write(json.dumps(data, cls=DjangoJSONEncoder, indent=indent, ensure_ascii=False))
        self.stdout.flush()

    def _width(self) -> int | None:
        """Characters of the terminal's line; None where no terminal is."""
        return shutil.get_terminal_size().columns if self.stdout.isatty() else None


def _check_declaration(session: Session, *, declared: bool) -> None:
    """Only what nobody can tell is declared, and it is not done by accident.

    Raises:
        CommandError: it is not so.
    """
    if session.over:
        return
    if declared and session.unknown_since is None:
        raise CommandError(
            f"{session.reference} is {session.state}, and the server can tell that; only a session of which nobody can "
            "tell whether it lives is declared ended. Stop it without --declare-ended."
        )
    if not declared and session.unknown_since is not None:
        raise CommandError(
            f"Since {when(session.unknown_since)} UTC nobody can tell whether {session.reference} lives "
            f"({session.unknown_reason}). See that nothing of it is left, then add --declare-ended."
        )


def _wait_for_end(session: Session, patience: float) -> None:
    """Returns when it is over, or the time is, or when nobody supervises who could end it."""
    deadline = time.monotonic() + patience
    while not session.over and (left := deadline - time.monotonic()) > 0:
        if oversight.settled(conf.current()).lacking:
            return
        time.sleep(min(GAP, left))
        session.refresh_from_db()


def _why_not_over(session: Session, patience: float) -> str:
    if lacking := oversight.oversight(conf.current()).lacking:
        return (
            f"{session.reference} is {session.state}, and nobody supervises: {lacking}. Whoever does so next ends it. "
            f"{oversight.REMEDY}"
        )
    return (
        f"{session.reference} is {session.state} after {patience:g} s; it ends as soon as its script lets it. "
        f"'manage.py sessions log {session.reference} --follow' shows what it does."
    )
