"""What an admin reads about a script: every message, whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from remote_service.config.loader import LoadedType
from remote_service.config.schema import SessionType
from remote_service.config.script_report import ScriptFault, ScriptReport, how_it_ended, problem_of_report

SCRIPT = Path("/site/desktop.py")
AT = 'at "Desktop" \u203a script: found '
ONLY_DEFINES = "that importing the script only defines things"
INSTANCES = "an instance of a subclass of RemoteServiceScript for every index from 0 to 2"


def loaded(count: int = 3) -> LoadedType:
    entry = {"name": "Desktop", "script": "desktop.py", "count": count, "options": {}}
    return LoadedType(SessionType.model_validate(entry), SCRIPT)


F = ScriptFault


@pytest.mark.parametrize(
    ("report", "code", "message"),
    [
        (
            ScriptReport(F.SYNTAX, found="SyntaxError: expected ':'", line=2, traceback="  File x\n"),
            "E040",
            f"{SCRIPT}:2: {AT}SyntaxError: expected ':'; expected Python source. "
            "Fix: correct the line, or the one before it.\n      File x",
        ),
        (
            ScriptReport(F.IMPORT_RAISED, found="ValueError: bad", line=3, traceback="Traceback:\nValueError: bad\n"),
            "E041",
            f"{SCRIPT}:3: {AT}that its import raised ValueError: bad; expected {ONLY_DEFINES}. "
            "Fix: correct what the traceback shows.\n    Traceback:\n    ValueError: bad",
        ),
        (
            ScriptReport(F.IMPORT_RAISED, found="ModuleNotFoundError: No module named 'x'", line=1),
            "E041",
            f"{SCRIPT}:1: {AT}that its import raised ModuleNotFoundError: No module named 'x'; "
            f"expected {ONLY_DEFINES}. "
            "Fix: install the module into the server's Python environment, or put it beside the script.",
        ),
        (
            ScriptReport(F.IMPORT_EXITED, found="3", line=7),
            "E042",
            f"{SCRIPT}:7: {AT}that its import left by sys.exit(3); expected {ONLY_DEFINES}. "
            'Fix: put what belongs to a program of its own below if __name__ == "__main__":.',
        ),
        (
            ScriptReport(F.DIED, found="exit status 7"),
            "E043",
            f"{SCRIPT}: {AT}that its import ended its process (exit status 7); "
            "expected that importing the script and realize_service() leave the process alone. "
            "Fix: look for os._exit, os.abort, os.kill and native modules that crash.",
        ),
        (
            ScriptReport(F.DIED, index=1, found="killed by SIGSEGV"),
            "E043",
            f"{SCRIPT}: {AT}that realize_service() for the index 1 ended its process (killed by SIGSEGV); "
            "expected that importing the script and realize_service() leave the process alone. "
            "Fix: look for os._exit, os.abort, os.kill and native modules that crash.",
        ),
        (
            ScriptReport(F.IMPORT_TIMEOUT, found="30 seconds"),
            "E044",
            f"{SCRIPT}: {AT}that its import had not come to an end after 30 seconds; "
            "expected that importing the script and realize_service() are quick. Fix: move what takes long, or waits "
            "for something, into start(); its log in logs/types shows where it was.",
        ),
        (
            ScriptReport(F.NO_REALIZE_SERVICE, names=("main",)),
            "E045",
            f"{SCRIPT}: {AT}no function realize_service; expected one at the top level of the script. "
            'Fix: define realize_service(name="", count=1, index=0, common_options=None).',
        ),
        (
            ScriptReport(F.NO_REALIZE_SERVICE, names=("main", "realise_service")),
            "E045",
            f"{SCRIPT}: {AT}no function realize_service; expected one at the top level of the script. "
            'Fix: rename the function "realise_service" to realize_service.',
        ),
        (
            ScriptReport(F.REALIZE_RAISED, index=2, found="KeyError: 'host'", line=9, traceback="T\n"),
            "E046",
            f"{SCRIPT}:9: {AT}that realize_service() for the index 2 raised KeyError: 'host'; "
            f"expected {INSTANCES}. Fix: correct what the traceback shows.\n    T",
        ),
        (
            ScriptReport(F.REALIZE_EXITED, index=0, found="None"),
            "E047",
            f"{SCRIPT}: {AT}that realize_service() for the index 0 left by sys.exit(None); "
            f"expected {INSTANCES}. Fix: return the instance, and let start() return False when it cannot start.",
        ),
        (
            ScriptReport(F.WRONG_TYPE, index=0, found="dict"),
            "E048",
            f"{SCRIPT}: {AT}that realize_service() for the index 0 returned an object of the type dict; "
            f"expected {INSTANCES}. Fix: derive the class from RemoteServiceScript and return an instance of it.",
        ),
        (
            ScriptReport(F.WRONG_TYPE, index=0, found="NoneType"),
            "E048",
            f"{SCRIPT}: {AT}that realize_service() for the index 0 returned an object of the type NoneType; "
            f"expected {INSTANCES}. Fix: end realize_service() with a return of the instance.",
        ),
        (
            ScriptReport(F.MISSING_METHODS, index=0, found="Desktop", names=("start", "stop")),
            "E049",
            f"{SCRIPT}: {AT}the class Desktop without start and stop; "
            "expected a class that defines start(token, timestamp=None, options=None) and stop(). "
            "Fix: define start and stop in it.",
        ),
        (
            ScriptReport(F.WRONG_SIGNATURE, index=0, found="Desktop", names=("start",)),
            "E051",
            f"{SCRIPT}: {AT}the class Desktop, whose start cannot take the arguments that the server gives; "
            "expected start(token, timestamp=None, options=None) and stop(). "
            "Fix: define start with these parameters.",
        ),
        (
            ScriptReport(F.UNREADABLE, found="Permission denied", names=("remote-session",)),
            "E050",
            f"{SCRIPT}: {AT}that the account remote-session, which runs scripts, cannot read it "
            "(Permission denied); expected a file that this account can read, in directories that it can enter. "
            "Fix: chmod a+r the script and chmod a+x the directories above it.",
        ),
        (
            ScriptReport(F.THREADS, names=("Thread-1 (watch)", "pool")),
            "W005",
            f"{SCRIPT}: {AT}that its import started 2 threads (Thread-1 (watch) and pool); "
            "expected none: sessions are forks, and a fork keeps no other threads. "
            "Fix: start threads in start().",
        ),
    ],
)
def test_the_problem_of(report: ScriptReport, code: str, message: str) -> None:
    problem = problem_of_report(report, loaded())
    assert str(problem) == message
    assert (problem.code, problem.entry, problem.key) == (code, "Desktop", ("script",))
    assert problem.is_error is (report.fault is not F.THREADS)


@pytest.mark.parametrize("fault", F)
def test_every_fault_has_a_message_that_braces_cannot_spoil(fault: ScriptFault) -> None:
    problem = problem_of_report(ScriptReport(fault, found="{x} {0}", names=("{y}",), traceback="{z}"), loaded())
    assert problem.detail == "{z}"


def test_with_one_slot_there_is_one_index() -> None:
    problem = problem_of_report(ScriptReport(F.WRONG_TYPE, index=0, found="int"), loaded(count=1))
    assert problem.expected == "an instance of a subclass of RemoteServiceScript for the index 0"


def test_hostile_text_of_a_script_is_harmless() -> None:
    report = ScriptReport(F.IMPORT_RAISED, found="E: \x1b[2J", traceback="a\x1b[31m\n\tb", names=())
    problem = problem_of_report(report, loaded())
    assert problem.found == "that its import raised E: \\u001b[2J"
    assert problem.detail == "a\\u001b[31m\n\tb"


def test_a_sound_script_is_no_problem() -> None:
    with pytest.raises(ValueError) as caught:
        problem_of_report(ScriptReport(None), loaded())
    assert str(caught.value) == f"the report on {SCRIPT} has no fault; only faults are problems"


@pytest.mark.parametrize("fault", [*F, None])
def test_a_report_survives_json(fault: ScriptFault | None) -> None:
    report = ScriptReport(fault, 1, "found", "traceback", 3, ("a", "b"))
    assert ScriptReport.from_dict(json.loads(json.dumps(report.as_dict()))) == report


def test_a_report_is_made_of_an_exception(tmp_path: Path) -> None:
    path = tmp_path / "desktop.py"
    code = compile("\nraise ValueError('bad')", str(path), "exec")
    with pytest.raises(ValueError) as caught:
        exec(code, {})  # the script of this test, from the line above
    assert ScriptReport.of_exception(F.IMPORT_RAISED, caught.value, path) == ScriptReport(
        F.IMPORT_RAISED,
        None,
        "ValueError: bad",
        f'Traceback (most recent call last):\n  File "{path}", line 2, in <module>\nValueError: bad\n',
        2,
    )
    report = ScriptReport.of_exception(F.REALIZE_EXITED, SystemExit("bye"), path, 1)
    assert (report.fault, report.index, report.found, report.line) == (F.REALIZE_EXITED, 1, "'bye'", None)


@pytest.mark.parametrize(
    ("exit_code", "text"),
    [(0, "exit status 0"), (7, "exit status 7"), (-11, "killed by SIGSEGV"), (-40, "killed by signal 40")],
)
def test_how_a_process_ended(exit_code: int, text: str) -> None:
    assert how_it_ended(exit_code) == text


def test_it_needs_the_standard_library_only() -> None:
    code = (
        "import sys, remote_service.config.script_report\n"
        "print([name for name in ('pydantic', 'django', 'asyncio') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
