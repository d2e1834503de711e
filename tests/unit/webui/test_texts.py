"""Every text of the pages can be translated, and Django's own tool finds them all."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from remote_service import details
from remote_service.relay import closing
from remote_service.states import ENDINGS
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

PLACES = {"index", "line", "column", "last"}
"""Numbers in modules' sentences that say which one it is, not how many there are."""

NO_NUMBERS = {
    "address", "at", "given", "left_out", "name", "owner", "place", "reference", "since", "why",  # texts
    "index", "number", "pages",  # which one it is
}  # fmt: skip
"""What stands in templates' sentences that count nothing."""


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


NOT_ON_PAGES = {
    "form.py": {"The name of an option: found ", " printable characters.", " printable characters", "at most "},  # REST
    "json_faults.py": {
        "Unterminated string", "Invalid control character", "Extra data", "Expecting property name",  # Python's words
    },
    "permissions.py": {"chmod go-w "},
    "tracebacks.py": {"an object of the type "},
}  # fmt: skip
"""Literals of the modules that judge a sessions file and that no page shows, or that stay as they are."""


@pytest.mark.parametrize("path", sorted((ROOT / "remote_service" / "config").glob("*.py")), ids=lambda path: path.name)
def test_what_is_wrong_with_a_sessions_file_can_be_translated(path: Path) -> None:
    known = NOT_ON_PAGES.get(path.name, set())
    assert [text for text in texts.clauses(path.read_text()) if text not in known] == []


def test_a_clause_that_is_not_translated_is_found() -> None:
    source = '"""A docstring of two words."""\nf(f"found {x} once more", _("each key once"), "utf-8", "chmod")'
    assert texts.clauses(source) == [" once more"]


SAYING = sorted([*texts.modules(ROOT), *(ROOT / "remote_service").rglob("*.py")])


@pytest.mark.parametrize("path", SAYING, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_counts_in_a_module_has_a_plural_form(path: Path) -> None:
    found = texts.of_one_number(path.read_text())
    assert [text for text, numbers in found.items() if not PLACES.issuperset(numbers.split(", "))] == []


@pytest.mark.parametrize("path", texts.templates(ROOT), ids=name)
def test_what_counts_in_a_template_has_a_plural_form(path: Path) -> None:
    plain = [names for counts, names in texts.blocks(path.read_text()) if not counts]
    assert [names - NO_NUMBERS for names in plain if names - NO_NUMBERS] == []


def test_a_number_without_a_plural_form_is_found() -> None:
    source = '_("%(count)d slots of %(name)r", count=3)\nngettext("a", "%(count)d", 3)\n_("%(name)s")'
    assert texts.of_one_number(source) == {"%(count)d slots of %(name)r": "count"}
    plain = "{% blocktranslate %}{{ n }} of {{ m }}{% endblocktranslate %}"
    counted = "{% blocktranslate count n=m %}one{% plural %}{{ n }}{% endblocktranslate %}"
    assert list(texts.blocks(plain + counted)) == [(False, {"n", "m"}), (True, {"n"})]


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
    catalogue = gathered(tmp_path, "webui")
    # Of a template, of a table, of a script's texts, one with a plural, and one with values.
    for text in (
        "Log in",
        "Waiting in the queue",
        "The line was cut",
        "%(count)d viewer",
        "%(count)d viewers",
        "Name of the session: expected at most %(most)d printable characters, found %(found)d.",
    ):
        assert text in catalogue


def test_djangos_tool_gathers_what_is_said_without_django(tmp_path: Path) -> None:
    catalogue = gathered(tmp_path, "remote_service")
    for text in (
        *(ending.sentence.template for ending in ENDINGS.values()),
        *(sentence.template for sentence in closing.SENTENCES),
        *(sentence.template for sentence in details.ALL),
        "%(label)s: found %(found)s; expected %(expected)s.",
        "%(low)s to %(high)s printable characters",
        "one of %(names)s",
        "that its import raised %(found)s",
        "a text of 1 to %(most)d printable characters",
        "write for example %(sample)s",
        "the object %(name)s of line %(line)d",
        "There is no session type %(name)r that you may use.",
        "All %(count)d slots of %(name)r are in use. Try again when somebody has finished.",
        "%(name)r was not blocked: %(why)s.",
    ):
        assert text in catalogue


def gathered(tmp_path: Path, package: str) -> set[str]:
    """The texts that makemessages finds in a package; a catalogue of them is well-formed."""
    ignored = shutil.ignore_patterns("vendor", "__pycache__", "*.png")
    copied = shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    (copied / "locale").mkdir()
    made = subprocess.run(
        [sys.executable, "-m", "django", "makemessages", "--locale", "de", "--no-location", "--no-wrap"],
        cwd=copied, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert (made.returncode, made.stderr) == (0, "")
    catalogue = copied / "locale" / "de" / "LC_MESSAGES" / "django.po"
    compiled = subprocess.run(
        ["msgfmt", "--check-format", "--output", "/dev/null", str(catalogue)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert compiled.returncode == 0, compiled.stderr
    found = re.findall(r'^msgid(?:_plural)? (".+")$', catalogue.read_text(), re.MULTILINE)
    return {json.loads(quoted) for quoted in found}  # the escapes of both are those of C
