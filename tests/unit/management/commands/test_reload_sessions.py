"""`manage.py reload_sessions` asks through the row that the supervisor looks at, and prints what that found."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F
from django.utils import timezone

from remote_service import conf, staff
from remote_service.actors import whoever_types
from remote_service.config.problems import Code, Problem, Severity
from remote_service.management.commands import reload_sessions
from remote_service.models import SessionEvent, Site

pytestmark = pytest.mark.django_db
NO_FILE = Problem("sessions.json", None, (), "no file", "a sessions file", "write one", Code.FILE_MISSING)
NO_SCRIPT = Problem("sessions.json", "Desk", ("script",), "nothing", "a script", "name one", Code.KEY_MISSING)
WRITABLE = Problem("a.py", "Desk", (), "w", "r", "chmod go-w", Code.SCRIPT_WRITABLE, Severity.WARNING)


@pytest.fixture(autouse=True)
def _a_server_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reload_sessions.pid_file, "is_held", lambda _state_dir: True)


@pytest.fixture
def served_by(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has a supervisor that finds these problems, as soon as it is nudged."""

    def served(*problems: Problem, **changes: Any) -> None:
        rows = [problem.as_dict() for problem in problems]

        def answer() -> None:
            found = {"problems": rows, "loaded_at": timezone.now(), **changes}
            Site.objects.filter(pk=1).update(reload_done=F("reload_wanted"), **found)

        monkeypatch.setattr(staff, "nudge_supervisor", answer)

    return served


def reload(*arguments: str) -> tuple[int, str]:
    """The exit code, and what was printed."""
    printed = io.StringIO()
    try:
        call_command("reload_sessions", *arguments, stdout=printed)
    except SystemExit as left:
        return int(str(left.code)), printed.getvalue()
    return 0, printed.getvalue()


def test_history_says_who_typed_it(served_by: Callable[..., None]) -> None:
    served_by()
    reload()
    event = SessionEvent.objects.get(what="reload asked")
    assert (event.who, event.door) == (whoever_types().name, "command")


def test_each_call_asks_for_one_more_reload_and_says_that_all_is_well(
    served_by: Callable[..., None], make_type: Callable[..., Any]
) -> None:
    served_by()
    make_type("Desk")
    Site.objects.all().delete()
    for times in (1, 2):
        assert reload() == (0, "The server has read the sessions file: 1 session type, 0 errors, 0 warnings.\n")
        assert Site.load().reload_wanted == times


def test_a_server_with_another_file_is_told_from_one_that_reads_ours(served_by: Callable[..., None]) -> None:
    ours = conf.current().sessions_file
    served_by(sessions_file=str(ours))
    assert "That is" not in reload()[1]
    served_by(sessions_file="/srv/site/sessions.json")
    assert reload() == (
        0,
        "The server has read the sessions file: 0 session types, 0 errors, 0 warnings.\n"
        f"That is /srv/site/sessions.json, which the server was started with; this command was told {ours}.\n",
    )


def test_a_warning_is_printed_and_is_no_failure(served_by: Callable[..., None]) -> None:
    served_by(WRITABLE)
    assert reload() == (
        0,
        f"warning W002 {WRITABLE}\nThe server has read the sessions file: 0 session types, 0 errors, 1 warning.\n",
    )


def test_an_error_is_printed_and_told_by_the_exit_code(served_by: Callable[..., None]) -> None:
    served_by(NO_SCRIPT)
    assert reload() == (
        1,
        f"error E021 {NO_SCRIPT}\nThe server has read the sessions file: 0 session types, 1 error, 0 warnings.\n",
    )


def test_of_a_file_that_cannot_be_read_it_says_so_and_what_is_served_instead(
    served_by: Callable[..., None], make_type: Callable[..., Any]
) -> None:
    served_by(NO_FILE)
    make_type("Desk")
    assert reload() == (
        1,
        f"error E001 {NO_FILE}\nThe server could not read the sessions file: 1 error, 0 warnings.\n"
        "What it read before stays in force: 1 session type.\n",
    )


def test_without_a_server_on_this_machine_it_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reload_sessions.pid_file, "is_held", lambda _state_dir: False)
    before = Site.load().reload_wanted
    with pytest.raises(CommandError) as refused:
        reload()
    assert str(refused.value) == (
        f"No server is running with the state directory {conf.current().state_dir}, so there is none to read the"
        " sessions file again; the next start does. Or set REMOTE_SERVICE_STATE_DIR to the server's."
    )
    assert Site.load().reload_wanted == before


def test_without_an_answer_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staff, "nudge_supervisor", lambda: None)
    with pytest.raises(CommandError) as refused:
        reload("--timeout=0")
    assert str(refused.value) == (
        "No server has read the sessions file within 0 s. Is one running, with the same REMOTE_SERVICE_STATE_DIR or"
        " DATABASE_URL as this command? If not, the next start reads the file."
    )


def test_it_waits_for_the_server(monkeypatch: pytest.MonkeyPatch, served_by: Callable[..., None]) -> None:
    served_by()
    answer = staff.nudge_supervisor
    monkeypatch.setattr(staff, "nudge_supervisor", lambda: None)
    monkeypatch.setattr(reload_sessions.time, "sleep", lambda _seconds: answer())
    assert reload()[0] == 0


def test_a_server_that_could_not_read_the_file_is_told_by_the_row(served_by: Callable[..., None]) -> None:
    served_by(loaded_at=None)
    with pytest.raises(CommandError, match=r"^The server could not read the sessions file again; its log says why\.$"):
        reload()
