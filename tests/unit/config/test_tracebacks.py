"""A script's own traceback."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from remote_service.config.tracebacks import MAX_LINE, MAX_TRACEBACK, exit_argument, one_line, own_line, own_traceback

HEAD = "Traceback (most recent call last):\n"


def import_script(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("script_of_a_test", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def raised_by(call: Callable[[], object]) -> BaseException:
    with pytest.raises(BaseException) as caught:  # what a script raises can be anything
        call()
    return caught.value


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return tmp_path / "desktop.py"


def import_error(script: Path, text: str) -> BaseException:
    script.write_text(text)
    return raised_by(lambda: import_script(script))


def test_it_begins_with_the_scripts_own_frame(script: Path) -> None:
    error = import_error(script, "def helper():\n    1 / 0\n\nhelper()\n")
    assert own_traceback(error, script) == (
        HEAD + f'  File "{script}", line 4, in <module>\n'
        "    helper()\n"
        f'  File "{script}", line 2, in helper\n'
        "    1 / 0\n"
        "    ~~^~~\n"
        "ZeroDivisionError: division by zero\n"
    )
    assert own_line(error, script) == 2


def test_frames_of_libraries_that_the_script_called_stay(script: Path) -> None:
    error = import_error(script, "import json\njson.loads('{')\n")
    text = own_traceback(error, script)
    assert text.startswith(HEAD + f'  File "{script}", line 2, in <module>\n')
    assert 'json/decoder.py", line ' in text
    assert own_line(error, script) == 2


def test_frames_of_the_framework_go_also_behind_the_scripts(script: Path) -> None:
    error = import_error(
        script, "from remote_service.script import RemoteServiceScript\nRemoteServiceScript().scratch\n"
    )
    lines = own_traceback(error, script).splitlines()
    assert lines[:3] == [HEAD.rstrip(), f'  File "{script}", line 2, in <module>', "    RemoteServiceScript().scratch"]
    assert lines[3].startswith("remote_service.script.OutsideSessionError: ")


def test_a_syntax_error_shows_its_place(script: Path) -> None:
    error = import_error(script, "x = 1\nif x\n    pass\n")
    assert own_traceback(error, script).endswith(
        f"  File \"{script}\", line 2\n    if x\n        ^\nSyntaxError: expected ':'\n"
    )
    assert "importlib" not in own_traceback(error, script)
    assert (own_line(error, script), one_line(error)) == (2, "SyntaxError: expected ':'")


def test_a_syntax_error_in_a_module_of_the_script_is_raised_by_the_line_that_imports_it(
    script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (script.parent / "helper_of_a_test.py").write_text("\n\nif x\n")
    monkeypatch.syspath_prepend(script.parent)
    error = import_error(script, "\nimport helper_of_a_test\n")
    assert isinstance(error, SyntaxError)
    assert own_line(error, script) == 2
    assert f'  File "{script}", line 2, in <module>\n' in own_traceback(error, script)


def test_a_call_that_the_script_does_not_take_leaves_only_the_exception(script: Path) -> None:
    script.write_text("def realize_service():\n    return None\n")
    module = import_script(script)
    error = raised_by(lambda: module.realize_service(name="x"))
    assert own_traceback(error, script).endswith(
        "TypeError: realize_service() got an unexpected keyword argument 'name'\n"
    )
    assert own_line(error, script) is None


def test_causes_and_groups_are_cut_too(script: Path) -> None:
    error = import_error(
        script,
        "from remote_service.script import RemoteServiceScript\n"
        "try:\n"
        "    RemoteServiceScript().log\n"
        "except RuntimeError as error:\n"
        "    raise ExceptionGroup('several', [KeyError('x'), error]) from error\n",
    )
    text = own_traceback(error, script)
    assert "script.py" not in text.replace(str(script), "")
    assert text.count(f'File "{script}", line 3, in <module>') >= 2
    assert "The above exception was the direct cause of the following exception:" in text
    assert "KeyError: 'x'" in text


def test_a_long_traceback_keeps_head_and_tail(script: Path) -> None:
    error = import_error(script, "raise ValueError('a' * 20_000 + 'end')\n")
    text = own_traceback(error, script)
    assert len(text) == MAX_TRACEBACK + len("\n…\n")
    assert text.startswith(HEAD)
    assert text.endswith("aend\n")


def test_endless_recursion_is_no_problem(script: Path) -> None:
    error = import_error(script, "def f():\n    f()\n\nf()\n")
    assert "[Previous line repeated " in own_traceback(error, script)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("bad"), "ValueError: bad"),
        (ValueError(), "ValueError"),
        (ValueError("two\n  lines"), "ValueError: two lines"),
        (ValueError("x" * 300), "ValueError: " + "x" * (MAX_LINE - 13) + "…"),
        (KeyError("x"), "KeyError: 'x'"),
    ],
)
def test_an_exception_on_one_line(error: BaseException, text: str) -> None:
    assert one_line(error) == text


def test_notes_and_bad_manners_do_not_disturb_the_line() -> None:
    class Rude(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    noted = ValueError("bad")
    noted.add_note("a note")
    assert one_line(noted) == "ValueError: bad"
    assert one_line(Rude()).endswith("Rude: <exception str() failed>")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (None, "None"),
        (3, "3"),
        (True, "an object of the type bool"),
        ("usage: x", "'usage: x'"),
        pytest.param(10**5000, "an object of the type int", id="5000 digits"),
        (object(), "an object of the type object"),
    ],
)
def test_the_argument_of_sys_exit(code: object, text: str) -> None:
    assert exit_argument(SystemExit(code)) == text
