"""The chapter on another language: its commands make a catalogue of all that pages say, and the site then speaks it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.docs.pages import ADMINS, ROOT, all_commands

CHAPTER = "Another language"
SPEAKS = """from django.conf import settings
from django.utils.translation import gettext, override
from remote_service.config.words import did_you_mean
from webui.words import translated
with override("de"):
    print(dict(settings.LANGUAGES), gettext("Log in"), translated(did_you_mean("count")))"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A copy of the checkout, as far as catalogues are concerned."""
    for name in ("remote_service", "webui", "sessions_config", "example_scripts"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "manage.py", tmp_path)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


def typed(command: str, place: Path) -> str:
    """What a command printed."""
    environment = {**os.environ, "REMOTE_SERVICE_STATE_DIR": str(place / "var")}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    ended = subprocess.run(
        ["bash", "-c", command],
        cwd=place, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def test_the_commands_make_a_catalogue_that_the_site_speaks(place: Path) -> None:
    make, compile_ = [c.text for c in all_commands() if c.block.page == ADMINS and c.block.section == CHAPTER]
    typed(make, place)
    catalogue = place / "locale" / "de" / "LC_MESSAGES" / "django.po"
    text = catalogue.read_text()
    for english, german in {"Log in": "Anmelden", "did you mean %(name)s?": "vielleicht %(name)s?"}.items():
        assert f'msgid "{english}"\nmsgstr ""\n' in text
        text = text.replace(f'msgid "{english}"\nmsgstr ""\n', f'msgid "{english}"\nmsgstr "{german}"\n')
    catalogue.write_text(text)
    typed(compile_, place)
    said = typed(f".venv/bin/python manage.py shell -c '{SPEAKS}'", place)
    assert said.splitlines()[-1] == """{'en': 'English', 'de': 'German'} Anmelden vielleicht "count"?"""
    typed(make, place)
    assert 'msgstr "Anmelden"' in catalogue.read_text()
