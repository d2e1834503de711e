"""`manage.py try_session NAME`: does what a user's launch does, and shows how long each step took."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from PIL import Image

from remote_service import conf, lifecycle
from remote_service.database import require_prepared_database
from remote_service.errors import RefusedError
from remote_service.hosting.account import AccountError, session_account
from remote_service.rfb.screenshot import Screenshot
from remote_service.trial import Trial, TrialError

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it: 128 and the signal's number."""


class Command(BaseCommand):
    """Exits with 0 when the session started, showed a picture and stopped; with 130 after Ctrl-C, with 1 otherwise."""

    help = "Try a session type: reserve, start, wait for its screen, save a picture of it, stop."
    requires_system_checks: list[str] = []  # noqa: RUF012 (Django's own way to say it)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The type and its options."""
        parser.add_argument("name", help="the session type, as the sessions file names it")
        parser.add_argument("--size", help="an entry of the size menu (default: the first)")
        parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="a launch option")
        parser.add_argument("--picture", type=Path, default=Path("session.png"), help="where to save it (%(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Tries."""
        require_prepared_database()
        check_folder(options["picture"])
        logging.getLogger().setLevel(logging.WARNING)
        # What becomes of the session is told by the steps.
        logging.getLogger(lifecycle.__name__).setLevel(logging.ERROR)
        asked = launch_options(options["option"])
        if options["size"]:
            asked["size"] = options["size"]
        trial = Trial(conf.current(), self.stdout.write)
        try:
            session_account(conf.current().session_user)
            picture = asyncio.run(trial.run(options["name"], asked))
        except (TrialError, RefusedError, AccountError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            # The trial has ended its session before this came out of it.
            self.stdout.write("Stopped.")
            sys.exit(INTERRUPTED)
        if picture is None:
            self.stdout.write("Its stream is no RFB, so there is no picture.")
            return
        save(picture, options["picture"])
        blank = " It has one colour only: is there a window manager?" if picture.blank else ""
        self.stdout.write(f"The picture is in {options['picture']}.{blank}")


def launch_options(given: list[str]) -> dict[str, str]:
    """The options of `--option NAME=VALUE`.

    Raises:
        CommandError: one has no value.
    """
    for option in given:
        if "=" not in option:
            raise CommandError(f"--option {option}: expected NAME=VALUE, such as cores=4.")
    return dict(option.partition("=")[::2] for option in given)


def check_folder(picture: Path) -> None:
    """Refuses a picture that could not be saved, before anything is tried.

    Raises:
        CommandError: its directory is not there, or not ours to write.
    """
    folder = picture.absolute().parent
    if not folder.is_dir():
        raise CommandError(
            f"--picture {picture}: the directory {folder} is not there; expected one that is. "
            f"Type 'mkdir -p {folder}', or name another file."
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CommandError(
            f"--picture {picture}: the directory {folder} cannot be written to; expected one of ours. "
            "Name another file."
        )


def save(picture: Screenshot, path: Path) -> None:
    """Writes the picture as PNG.

    Raises:
        CommandError: the file cannot be written.
    """
    size = (picture.width, picture.height)
    image = Image.frombytes("RGB", size, picture.pixels, "raw", "RGBX")
    try:
        image.save(path, "PNG")
    except OSError as error:
        raise CommandError(f"The picture cannot be saved as {path}: {error.strerror}.") from error
