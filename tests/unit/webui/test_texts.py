"""Every text of the pages can be translated, and Django's own tool finds them all."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_layout import ROOT
from tests.unit.webui import texts
from tools.system_packages import TEST_NEEDS

NAMES = {"Remote sessions"}
"""Of the product: the same in the administration's frame, which Django translates by itself."""

NOT_FOR_USERS = {
    "announcements.py": {"Lax"},
    "apps.py": {"Pages"},
    "theme.py": {"Lax"},
}
"""Module to literals that look like a text and are none that a user reads."""


def name(path: Path) -> str:
    return str(path.relative_to(ROOT / "webui"))


@pytest.mark.parametrize("path", texts.templates(ROOT), ids=name)
def test_a_template_has_no_text_outside_of_translate_tags(path: Path) -> None:
    allowed = NAMES if name(path) == "templates/admin/base_site.html" else set()
    assert [text for text in texts.of_template(path.read_text()) if text.strip("| ") not in allowed] == []


@pytest.mark.parametrize("path", texts.modules(ROOT), ids=name)
def test_a_module_has_no_text_that_is_not_translated(path: Path) -> None:
    known = NOT_FOR_USERS.get(name(path), set())
    assert [text for text in texts.of_module(path.read_text()) if text not in known] == []


def test_the_lists_of_exceptions_name_only_what_is_there() -> None:
    for module, literals in NOT_FOR_USERS.items():
        found = texts.of_module((ROOT / "webui" / module).read_text())
        assert literals <= set(found), module


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>Hello there</p>", ["Hello there"]),
        ('<p>{% translate "Hello there" %}</p>', []),
        ("{% blocktranslate %}Hello <b>{{ x }}</b>{% endblocktranslate %}", []),
        ("{# Hello #}<code>manage.py</code><kbd>Ctrl</kbd>{{ name }} · 5", []),
        ('<a title="Go there" href="/there">{% icon "x" %}</a>', ["Go there"]),
        ('<input type="submit" value="Send"><input type="hidden" value="false">', ["Send"]),
        ("<script src='x'></script><b>a</b>{% if a == 'b' %}or{% endif %}", ["or"]),
    ],
)
def test_what_stands_in_a_template_is_found(source: str, found: list[str]) -> None:
    assert texts.of_template(source) == found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('x = "The session has ended."', ["The session has ended."]),
        ('x = _("The session has ended.")', []),
        ('x = ngettext("One more", "%(n)d more", 2)', []),
        ('x = f(label="Started")', ["Started"]),
        ('"""A docstring of a module."""\nlog.info("It went well today")\nraise E("Not a chance at all")', []),
        ('x: "List of" = a["Some key"] + "stop asked for" + "webui/picker.html" + "utf-8"', []),
    ],
)
def test_what_stands_in_a_module_is_found(source: str, found: list[str]) -> None:
    assert texts.of_module(source) == found


def test_gettext_is_among_the_packages_of_the_tests() -> None:
    assert ("gettext", "xgettext") in [(need.package, need.shown_by) for need in TEST_NEEDS]


def test_djangos_tool_gathers_the_texts(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("vendor", "__pycache__", "*.png")
    copied = shutil.copytree(ROOT / "webui", tmp_path / "webui", ignore=ignored)
    (copied / "locale").mkdir()
    made = subprocess.run(
        [sys.executable, "-m", "django", "makemessages", "--locale", "de", "--no-location"],
        cwd=copied, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert (made.returncode, made.stderr) == (0, "")
    catalogue = (copied / "locale" / "de" / "LC_MESSAGES" / "django.po").read_text()
    # Of a template, of a table, of a script's texts, and one with a plural.
    for text in ("Log in", "Waiting in the queue", "The line was cut", "%(count)d viewer"):
        assert f'msgid "{text}"\n' in catalogue
    compiled = subprocess.run(
        ["msgfmt", "--check-format", "--output", "/dev/null", str(copied / "locale/de/LC_MESSAGES/django.po")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert compiled.returncode == 0, compiled.stderr
