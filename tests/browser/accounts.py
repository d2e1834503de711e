"""The users of the browser tests' sites, made once in the state directory that the sites are copies of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.conftest import GROUP
from tests.integration.server.own_site import PROJECT


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can log in."""

    name: str
    password: str
    in_group: bool = False


ADMIN = Account("admin", "the admin's own words")
ALICE = Account("alice", "correct horse battery", in_group=True)
BOB = Account("bob", "staple of another sort", in_group=True)
CHARLIE = Account("charlie", "nobody let me into it")
FORGETFUL = Account("forgetful", "what was it once more")
"""Enters wrong passwords until the door is locked."""
CHANGING = Account("changing", "yesterday's pass phrase")
"""Changes the password."""
ALL = (ADMIN, ALICE, BOB, CHARLIE, FORGETFUL, CHANGING)

_MAKE_ACCOUNTS = f"""
import json, os
from django.contrib.auth.models import Group, User
group, _ = Group.objects.get_or_create(name={GROUP!r})
for account in json.loads(os.environ["TEST_ACCOUNTS"]):
    user = User.objects.create_user(account["name"], password=account["password"])
    user.groups.set([group] if account["in_group"] else [])
"""


def prepare_state(state: Path) -> Path:
    """Makes a state directory as `manage.py prepare` leaves it, with all accounts."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("REMOTE_SERVICE_", "WEBSOCKETSERVER_"))}
    variables["REMOTE_SERVICE_STATE_DIR"] = str(state)
    _manage(["prepare"], {**variables, "REMOTE_SERVICE_ADMIN_PASSWORD": ADMIN.password})
    further = json.dumps([asdict(account) for account in ALL if account is not ADMIN])
    _manage(["shell", "--verbosity", "0", "--command", _MAKE_ACCOUNTS], {**variables, "TEST_ACCOUNTS": further})
    return state


def _manage(arguments: list[str], variables: dict[str, str]) -> None:
    subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True, timeout=60,
    )  # fmt: skip
