"""What is wrong with the sessions file, how to mend it, and reading it again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from remote_service.config.problems import Problem, Severity
from remote_service.models import Site
from tests.unit.webui.views.dashboard.desk import Desk, told

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
BROKEN = Problem(
    "/srv/site/broken.py",
    "Broken",
    ("script",),
    "an import that raised <ModuleNotFoundError>",
    "a script that can be imported",
    "install the module",
    "E041",
    line=3,
    detail="Traceback (most recent call last):\nModuleNotFoundError: numpy",
)
UNREADABLE = Problem("sessions.json", None, (), "a file of 0 bytes", "a JSON object", "write {} at least", "E006")
GROUP = Problem("sessions.json", "Desk", (), "a group", "one that exists", "add it", "W004", severity=Severity.WARNING)


def loaded(*problems: Problem, **columns: Any) -> None:
    Site.objects.create(pk=1, problems=[p.as_dict() for p in problems], loaded_at=timezone.now(), **columns)


def test_each_problem_has_its_place_its_remedy_and_its_traceback(desk: Desk) -> None:
    loaded(BROKEN, GROUP)
    page = desk.see("catalogue/")
    for words in (
        "Error E041 Broken",
        "/srv/site/broken.py:3",
        "at &quot;Broken&quot; \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} script",
        "an import that raised &lt;ModuleNotFoundError&gt;",
        "a script that can be imported",
        "Install the module.",
        "ModuleNotFoundError: numpy",
        "Warning W004 Desk",
    ):
        assert words in page
    assert "0 session types serve. Entries with an error are left out." in page


def test_a_traceback_is_folded(manager: User, client: Client) -> None:
    loaded(BROKEN)
    client.force_login(manager, backend="django.contrib.auth.backends.ModelBackend")
    assert '<details class="more"><summary>Traceback</summary>' in client.get("/dashboard/catalogue/").content.decode()


def test_a_file_that_cannot_be_used_leaves_the_one_before_in_force(desk: Desk) -> None:
    loaded(UNREADABLE)
    page = desk.see("catalogue/")
    assert "The file cannot be used. What was read before stays in force: 0 session types." in page
    assert "The whole file" in page


def test_a_catalogue_without_problems_says_so(desk: Desk) -> None:
    loaded()
    assert "0 session types serve, without any problem." in desk.see("catalogue/")


def test_a_file_that_was_never_read_says_so(desk: Desk) -> None:
    assert "The sessions file has not been read yet." in desk.see("catalogue/")


def test_a_reload_is_asked_for_and_the_page_waits_for_its_outcome(desk: Desk) -> None:
    loaded()
    said = desk.do("catalogue/reload")
    assert said == "The server was asked to read the sessions file again. Sessions that run go on."
    assert told("reload asked") == ("", "mona", "192.0.2.7", "dashboard")
    assert "The server is reading the file." in desk.see("catalogue/")
    Site.objects.update(reload_done=1, loaded_at=timezone.now())
    assert "0 session types serve, without any problem." in desk.see("catalogue/")
