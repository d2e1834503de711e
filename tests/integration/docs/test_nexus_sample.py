"""The script that was written for Nexus, with Debian's own `vncserver`: fails and works as the page says."""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.environment import folder
from tests.integration.docs.checkout import Checkout, free_display
from tests.unit.docs.pages import SCRIPTS, all_commands, blocks

CHAPTER = "Scripts written for Nexus"
PASSWORD_WANTED = "You will require a password to access your desktops."


@pytest.fixture
def home() -> Iterator[Path]:
    """A home directory of the session account's, instead of its real one."""
    with folder("home") as made:
        if os.geteuid() == 0:
            entry = pwd.getpwnam("remote-session")
            os.chown(made, entry.pw_uid, entry.pw_gid)
        yield made


@pytest.fixture
def nexus(own_checkout: Checkout, home: Path) -> Checkout:
    """A site with the sample; it finds its home where the test wants it, and takes a display that nobody has."""
    chapter = [block for block in blocks(SCRIPTS) if block.section == CHAPTER]
    (script,) = [block for block in chapter if block.language == "python"]
    (sessions,) = [json.loads(block.text) for block in chapter if block.language == "json"]
    # The account's own home is not ours to write to: HOME is set where the script is loaded.
    text = f"import os\nos.environ['HOME'] = {str(home)!r}\n{script.text}"
    (own_checkout.site.scripts / "simple_vnc.py").write_text(text)
    sessions["Simple VNC"]["options"]["display_base"] = free_display()
    own_checkout.site.write_sessions(sessions)
    return own_checkout


def log_of(checkout: Checkout) -> str:
    (log,) = (checkout.site.state / "logs" / "sessions").iterdir()
    return log.read_text(errors="replace")


TRY = '.venv/bin/python manage.py try_session "Simple VNC" --size 1280x1024'


def test_without_a_password_file_it_fails_as_the_page_says(nexus: Checkout) -> None:
    told = nexus.run(TRY)
    assert "start() returned False." in told.stdout
    assert PASSWORD_WANTED in log_of(nexus)
    assert PASSWORD_WANTED in " ".join(SCRIPTS.read_text().split())


def test_with_the_configuration_of_the_page_it_works(nexus: Checkout, home: Path) -> None:
    (command,) = [c.text for c in all_commands() if c.text.endswith("/.vnc/tigervnc.conf")]
    (home / ".vnc").mkdir()
    typed = nexus.run(command.replace("/var/lib/remote-session/", f"{home}/"))
    assert typed.returncode == 0, typed.stdout
    if os.geteuid() == 0:
        entry = pwd.getpwnam("remote-session")
        for path in (home / ".vnc", home / ".vnc" / "tigervnc.conf"):
            os.chown(path, entry.pw_uid, entry.pw_gid)
    told = nexus.run(TRY)
    assert told.returncode == 0, f"{told.stdout}\n{log_of(nexus)}"
    assert "a picture of 1280x1024 came" in told.stdout
