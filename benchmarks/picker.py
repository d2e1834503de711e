"""What the picker costs the server.

What:  CPU time for one `GET /` of an ordinary user, through all of Django's middleware, with 200 session types of which
       half have a form, and 2000 sessions in the database, of which 20 are the user's and live.
Peers: the page of another user of the same site, who may use one type and has no session; both take turns.
Bar:   less than 50 ms of CPU time. The first look makes each card once and is reported beside it.
Run:   python -m benchmarks.picker [--rounds 30]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.figures import Figures, bar, compared
from benchmarks.product import PROJECT, Template, inherited, make_state

TYPES = 200
SESSIONS = 2000
LIVE = 20
MOST = 50.0
"""Milliseconds of CPU time."""
FORM = [
    {"name": "memory", "type": "number", "label": "Memory", "min": 1, "max": 64, "default": 2, "unit": "GB"},
    {"name": "queue", "type": "choice", "label": "Queue", "choices": ["short", "long"]},
    {"name": "gpu", "type": "checkbox", "label": "With a graphics card"},
]


def fill(types: int, sessions: int, prefix: str) -> Any:
    """Makes a user with sessions, and types that only this user may use; returns the user's browser."""
    from django.contrib.auth.models import Group, User
    from django.test import Client
    from django.utils import timezone

    from remote_service.config.schema import SessionType as Definition
    from remote_service.models import Session, SessionType

    user = User.objects.create_user(prefix)
    user.groups.add(Group.objects.create(name=prefix))
    for number in range(types):
        name = f"{prefix} type {number}"
        entry = {
            "name": name, "script": "a.py", "count": 20, "description": "A desktop to work on.",
            "category": f"Category {number % 8}", "options": {"group": prefix}, "form": FORM if number % 2 else [],
        }  # fmt: skip
        stored = Definition.model_validate(entry).model_dump(mode="json")
        SessionType.objects.create(name=name, position=number, stored_definition=stored)
    now = timezone.now()
    Session.objects.bulk_create(
        Session(
            type_name=f"{prefix} type {number % types}",
            index=number // types,
            owner=user,
            username=prefix,
            door="web",
            state="running" if number < LIVE else "ended",
            running_at=now,
            ended_at=None if number < LIVE else now - timedelta(minutes=number),
            end_reason="" if number < LIVE else "user",
            options={"size": "1280x720", "queue": "long"},
            token_hash=f"{prefix} {number}",
        )
        for number in range(sessions)
    )
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def cpu(browser: Any) -> float:
    """Milliseconds of this process's CPU time for one page."""
    began = time.process_time()
    response = browser.get("/")
    took = time.process_time() - began
    if response.status_code != 200:
        raise RuntimeError(f"the picker answered {response.status_code}; expected 200")
    return 1000 * took


def measure(rounds: int, types: int, sessions: int) -> None:
    """Measures in this process, whose environment names a state directory of its own, and prints."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sessions_config.settings")
    django.setup()
    from django.conf import settings

    settings.ALLOWED_HOSTS = ["testserver"]
    empty, full = fill(1, 0, "empty"), fill(types, sessions, "full")
    first_empty, first_full = cpu(empty), cpu(full)
    found = [(cpu(full), cpu(empty)) for _ in range(rounds)]
    ours = Figures.of(f"picker, {types} types, {sessions} sessions", "ms", [one for one, _ in found])
    peer = Figures.of("picker, 1 type, no session", "ms", [other for _, other in found])
    print(Figures.of("the first look at the full one", "ms", [first_full]))
    print(Figures.of("the first look at the empty one", "ms", [first_empty]))
    print(ours)
    print(peer)
    print(compared(ours, peer))
    print(bar("CPU time of a full picker", ours.median, "ms", at_most=MOST))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.picker", description="CPU time of the picker.")
    parser.add_argument("--rounds", type=int, default=30, help="looks at each (default %(default)s)")
    parser.add_argument("--types", type=int, default=TYPES, help="of the full picker (default %(default)s)")
    parser.add_argument("--sessions", type=int, default=SESSIONS, help="of the full picker (default %(default)s)")
    options = parser.parse_args(arguments)
    template = Template.given()
    for name in os.environ.keys() - inherited().keys():
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="rsg-bench-") as folder:
        log = Path(folder, "prepare.log")
        os.environ["REMOTE_SERVICE_STATE_DIR"] = str(Path(folder, "state"))
        with log.open("wb") as output:
            make_state(template, os.environ, output, log)
        sys.path.insert(0, str(PROJECT))
        measure(options.rounds, options.types, options.sessions)


if __name__ == "__main__":
    main()
