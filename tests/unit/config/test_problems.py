"""The record of a problem: its message, its JSON form, groups."""

from __future__ import annotations

import json

import pytest

from remote_service.config.problems import Code, Finding, Problem, Severity, by_entry, has_errors
from remote_service.texts import as_data, counted, sentence
from tests.unit.config.conftest import STEP


def a_problem(**changes: object) -> Problem:
    facts = {
        "file": "/site/sessions.json",
        "entry": "Desktop",
        "key": ("options", "sizes", 0),
        "found": "the number 5",
        "expected": "a text",
        "fix": 'write "5"',
        "code": Code.VALUE_INVALID,
    }
    return Problem(**{**facts, **changes})  # type: ignore[arg-type]  # the changes are of each field's own type


def test_the_message_says_where_what_and_how_to_mend_it() -> None:
    assert str(a_problem(line=4)) == (
        '/site/sessions.json:4: at "Desktop" \u203a options \u203a sizes[0]: '
        'found the number 5; expected a text. Fix: write "5".'
    )


def test_a_problem_of_the_whole_file_has_no_place() -> None:
    assert str(a_problem(entry=None, key=(), found="an empty file")) == (
        '/site/sessions.json: found an empty file; expected a text. Fix: write "5".'
    )


def test_a_question_needs_no_full_stop() -> None:
    assert str(a_problem(entry=None, key=(), fix='did you mean "script"?')) == (
        '/site/sessions.json: found the number 5; expected a text. Fix: did you mean "script"?'
    )


def test_the_detail_is_indented() -> None:
    message = str(a_problem(entry=None, key=(), detail="Traceback:\n  File x\nValueError\n"))
    assert message == (
        '/site/sessions.json: found the number 5; expected a text. Fix: write "5".\n'
        "    Traceback:\n"
        "      File x\n"
        "    ValueError"
    )


def test_odd_names_stand_in_quotes() -> None:
    place = a_problem(entry='a"\n', key=("with blank", "x" * 41, "plain")).place
    assert place == STEP.join([r'at "a\"\n"', '"with blank"', f'"{"x" * 41}"', "plain: "])


@pytest.mark.parametrize("severity", Severity)
def test_it_survives_json(severity: Severity) -> None:
    problem = a_problem(severity=severity, line=3, detail="more")
    assert Problem.from_dict(json.loads(json.dumps(problem.as_dict()))) == problem
    assert problem.as_dict()["code"] == "E023"


def test_json_keeps_what_its_clauses_were_made_of() -> None:
    fix = sentence("did you mean %(name)s?", name="x")
    problem = a_problem(found=counted("%(count)d slot", "%(count)d slots", 2, count=2), fix=fix)
    back = Problem.from_dict(json.loads(json.dumps(problem.as_dict())))
    assert back == problem
    assert (back.found, back.expected, back.remedy) == ("2 slots", "a text", "did you mean x?")
    assert [as_data(clause) for clause in (back.found, back.fix)] == [as_data(problem.found), as_data(fix)]
    assert type(back.expected) is str


def test_from_dict_refuses_what_is_no_problem() -> None:
    with pytest.raises(ValueError, match="'fatal' is not a valid Severity"):
        Problem.from_dict({**a_problem().as_dict(), "severity": "fatal"})


def test_only_errors_count_as_errors() -> None:
    warning = a_problem(severity=Severity.WARNING)
    assert not has_errors([])
    assert not has_errors([warning])
    assert has_errors([warning, a_problem()])


def test_problems_are_grouped_by_entry_with_those_of_the_file_first() -> None:
    one, two, whole = a_problem(), a_problem(line=9), a_problem(entry=None)
    other = a_problem(entry="Wall")
    assert by_entry([one, other, whole, two]) == {None: (whole,), "Desktop": (one, two), "Wall": (other,)}
    assert list(by_entry([one, whole])) == [None, "Desktop"]
    assert by_entry([]) == {}


def test_a_finding_becomes_a_problem_in_its_place() -> None:
    finding = Finding(("count",), "true", "a number", "write 1", Code.VALUE_INVALID)
    assert finding.at("/f", "Desktop", ("count",), 7) == Problem(
        "/f", "Desktop", ("count",), "true", "a number", "write 1", "E023", Severity.ERROR, 7
    )


def test_no_two_kinds_share_a_code() -> None:
    codes = [code.value for code in Code.__members__.values()]
    assert len(codes) == len(set(codes)) == len(Code.__members__)
    assert all(len(code) == 4 and code[0] in "EW" and code[1:].isdigit() for code in codes)
