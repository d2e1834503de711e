"""The sessions file with its scripts: what is usable, and every problem in one run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from remote_service.config.loader import LoadedType, SessionsFile, find_scripts, load_sessions_file
from remote_service.config.problems import Code, has_errors
from tests.unit.config.conftest import GOOD_ENTRY, Site
from tests.unit.config.test_locator import JSON

BARE = 'the bare name of a Python file, such as "desktop_session.py"'


def test_it_loads_the_types_in_the_order_of_the_file(site: Site) -> None:
    site.add_script("wall.py", directory=site.scripts)
    loaded = site.load({"Wall": {**GOOD_ENTRY, "script": "wall.py"}, "A/B": GOOD_ENTRY})
    assert isinstance(loaded, SessionsFile)
    assert (loaded.path, loaded.problems) == (site.file, ())
    assert [(one.type.name, one.script_path) for one in loaded.types] == [
        ("Wall", site.scripts / "wall.py"),
        ("A/B", site.directory / "desktop.py"),
    ]


def test_types_may_share_a_script(site: Site) -> None:
    loaded = site.load({"A": GOOD_ENTRY, "B": GOOD_ENTRY})
    assert [one.script_path.name for one in loaded.types] == ["desktop.py", "desktop.py"]


def test_no_types_at_all_are_no_problem(site: Site) -> None:
    assert site.load("{}") == SessionsFile(site.file, (), ())


def test_it_knows_where_the_group_is_named(site: Site) -> None:
    loaded = site.load('{"A":\n{"script": "desktop.py", "count": 1,\n"options": {\n"group": "Staff"}}}')
    assert isinstance(loaded.types[0], LoadedType)
    assert loaded.types[0].group_line == 4


def test_relative_paths_are_made_absolute(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add_script("wall.py", directory=site.scripts)
    site.write({"Wall": {**GOOD_ENTRY, "script": "wall.py"}})
    monkeypatch.chdir(site.directory)
    loaded = load_sessions_file(Path("sessions.json"), [Path("scripts")])
    assert (loaded.path, loaded.types[0].script_path) == (site.file, site.scripts / "wall.py")


def test_scripts_of_types_that_were_loaded_before_are_found_again_without_the_file(site: Site) -> None:
    site.add_script("wall.py", directory=site.scripts)
    before = site.load({"Wall": {**GOOD_ENTRY, "script": "wall.py"}, "Desktop": GOOD_ENTRY})
    site.file.unlink()
    types = [one.type for one in before.types]
    found = find_scripts(site.file, types, [site.scripts])
    assert [one.script_path for one in found.types] == [one.script_path for one in before.types]
    (site.scripts / "wall.py").unlink()
    found = find_scripts(site.file, types, [site.scripts])
    assert [one.type.name for one in found.types] == ["Desktop"]
    assert [(problem.entry, problem.key, problem.code) for problem in found.problems] == [
        ("Wall", ("script",), Code.SCRIPT_MISSING)
    ]


def test_an_entry_with_an_error_is_left_out_and_the_others_stay(site: Site) -> None:
    loaded = site.load({"A": GOOD_ENTRY, "B": {**GOOD_ENTRY, "count": 0}, "C": GOOD_ENTRY})
    assert [one.type.name for one in loaded.types] == ["A", "C"]
    assert [problem.entry for problem in loaded.problems] == ["B"]


@pytest.mark.parametrize("content", ["", "[", b"\xff", "[]"])
def test_a_file_that_cannot_be_used_has_no_types_and_one_error(site: Site, content: str | bytes) -> None:
    loaded = site.load(content)
    assert loaded.types == ()
    assert [(problem.entry, problem.is_error) for problem in loaded.problems] == [(None, True)]


def test_a_missing_file_has_no_types_and_one_error(site: Site) -> None:
    loaded = load_sessions_file(site.file, [site.scripts])
    assert loaded.types == ()
    assert [str(problem) for problem in loaded.problems] == [
        f"{site.file}: found no such file; expected the sessions file. "
        "Fix: create it, or name another one in REMOTE_SERVICE_CONFIG."
    ]


def test_a_duplicate_key_disables_its_entry_only(site: Site) -> None:
    good = json.dumps(GOOD_ENTRY)
    loaded = site.load(f'{{"A": {good},\n"B": {good[:-1]}, "count": 2}},\n"C": {good},\n"C": {good}}}')
    assert [one.type.name for one in loaded.types] == ["A"]
    assert [str(problem) for problem in loaded.problems] == [
        site.at("count", entry="B") + 'found the key "count" a second time (first in line 2); '
        "expected each key once. Fix: remove or rename one of them.",
        site.at(line=4, entry="C") + 'found the key "C" a second time (first in line 3); '
        "expected each key once. Fix: remove or rename one of them.",
    ]


def test_of_a_value_that_the_parser_refused_nothing_else_is_said(site: Site) -> None:
    assert site.messages('{\n"Desktop": {"script": "desktop.py", "count": NaN, "options": {}}}') == [
        site.at("count") + "found the number NaN; expected a finite number, of at most about 300 digits. "
        "Fix: write another number."
    ]


def test_an_entry_with_half_a_character_disables_itself(site: Site) -> None:
    loaded = site.load('{"A": ' + json.dumps(GOOD_ENTRY) + ',\n"Desktop": {"script": "\\udc00"}}')
    assert [one.type.name for one in loaded.types] == ["A"]
    assert [str(problem) for problem in loaded.problems] == [
        site.at("script") + 'found the text "\\udc00", which holds half of a surrogate pair; '
        "expected whole characters. Fix: write the character itself, or both halves of the pair."
    ]


def test_a_missing_script(site: Site) -> None:
    assert site.entry_messages(script="dektop.py") == [
        site.at("script") + f'found no file "dektop.py" in {site.directory} and {site.scripts}; '
        'expected a script in one of these. Fix: did you mean "desktop.py"? Otherwise put it into '
        f"{site.directory}, or name its directory in REMOTE_SERVICE_SCRIPT_DIRS."
    ]


@pytest.mark.parametrize("script", ["../x.py", "/opt/scripts/x.py"])
def test_a_script_given_by_a_path(site: Site, script: str) -> None:
    assert site.entry_messages(script=script) == [
        site.at("script") + f'found the path "{script}"; expected {BARE}. Fix: write "x.py", and put the file '
        "beside the sessions file or name its directory in REMOTE_SERVICE_SCRIPT_DIRS."
    ]


def test_a_script_that_is_a_link_out(site: Site) -> None:
    link = site.directory / "link.py"
    link.symlink_to("/etc/hostname")
    assert site.entry_messages(script="link.py") == [
        site.at("script") + f"found that {link} is a link to /etc/hostname, outside its directory; "
        f"expected a file in {site.directory}. "
        "Fix: copy the script there, or name its own directory in REMOTE_SERVICE_SCRIPT_DIRS."
    ]


def test_a_script_that_is_a_directory(site: Site) -> None:
    path = site.directory / "folder.py"
    path.mkdir()
    assert site.entry_messages(script="folder.py") == [
        site.at("script") + f"found that {path} is a directory; expected a Python file. "
        "Fix: give the name of the Python file itself."
    ]


def test_a_script_that_is_empty(site: Site) -> None:
    path = site.add_script("empty.py", "")
    assert site.entry_messages(script="empty.py") == [
        site.at("script") + f"found that {path} is empty; expected a Python script. "
        "Fix: write realize_service() into it, or copy one of the example scripts."
    ]


def test_the_script_is_looked_for_although_other_keys_are_wrong(site: Site) -> None:
    loaded = site.load({"A": {"script": "x.py", "count": True}})
    assert [problem.key for problem in loaded.problems] == [("options",), ("script",), ("count",)]


def test_problems_stand_in_the_order_of_their_lines(site: Site) -> None:
    loaded = site.load('{"A": {\n"count": 0,\n"options": {"a": 1, "a": 1},\n"script": "x.py",\n"rest": 1}}')
    assert [problem.line for problem in loaded.problems] == [2, 3, 4, 5]


def test_it_warns_of_what_others_may_write(site: Site) -> None:
    script = site.add_script("wall.py", directory=site.scripts)
    entry = {**GOOD_ENTRY, "script": "wall.py"}
    site.write({"A": entry, "B": entry, "C": {**GOOD_ENTRY, "count": 0}})
    for path, mode in ((site.file, 0o666), (site.directory, 0o777), (site.scripts, 0o775), (script, 0o664)):
        path.chmod(mode)
    loaded = load_sessions_file(site.file, [site.scripts, site.scripts, site.directory])
    assert [str(problem) for problem in loaded.problems if problem.entry is None] == [
        f"{path}: found the mode {mode}, with which {who} may write it; expected that only its owner may. "
        f"Fix: chmod go-w {path}."
        for path, mode, who in (
            (site.file, "0666", "everybody"),
            (site.directory, "0777", "everybody"),
            (site.scripts, "0775", "its group"),
            (script, "0664", "its group"),
        )
    ]
    assert [problem.entry for problem in loaded.problems] == [None, None, None, None, "C"]
    assert [one.type.name for one in loaded.types] == ["A", "B"]
    assert has_errors(loaded.problems)
    assert not has_errors(problem for problem in loaded.problems if problem.entry is None)


def test_it_warns_of_a_limit_that_leaves_no_time_and_serves_the_type(site: Site) -> None:
    loaded = site.load(json.dumps({"A": {**GOOD_ENTRY, "limits": {"idle_timeout": 0, "linger": 0}}}))
    (problem,) = loaded.problems
    assert (problem.entry, problem.key, problem.is_error) == ("A", ("limits", "idle_timeout"), False)
    assert str(problem).endswith(
        "found 0, with which every session ends as soon as it runs; expected a number of seconds above 0, or null for "
        'no limit. Fix: write "idle_timeout": null if there is to be no such limit.'
    )
    assert [one.type.name for one in loaded.types] == ["A"]


ANYTHING = JSON | st.sampled_from(["desktop.py", "../x.py", "a\0.py", "x" * 300 + ".py", 1, -1, 1e400, "\ud800"])
ENTRY = st.dictionaries(
    st.sampled_from([*GOOD_ENTRY, "form", "limits", "name", "stream", "rest", "icon", "description"]) | st.text(),
    ANYTHING
    | st.dictionaries(st.sampled_from(["sizes", "group", "file_ext", "linger", "per_user"]), ANYTHING)
    | st.lists(
        st.dictionaries(
            st.sampled_from(["name", "type", "label", "default", "choices", "min", "max", "unit", "show_if"]),
            ANYTHING | st.sampled_from(["a", "b", "text", "number", "choice", "checkbox"]),
        ),
        max_size=3,
    ),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(data=JSON | st.dictionaries(st.text() | st.just("Desktop"), ENTRY | ANYTHING, max_size=3))
def test_no_json_makes_it_raise(site: Site, data: Any) -> None:
    loaded = site.load(json.dumps(data))
    for problem in loaded.problems:
        assert str(problem).encode()
        assert json.dumps(problem.as_dict())
        assert str(problem).count("\n") == 0
    named = {problem.entry for problem in loaded.problems if problem.is_error}
    assert named.isdisjoint(one.type.name for one in loaded.types)


FIELD = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["a", "b", "c"]),
        "type": st.sampled_from(["text", "number", "choice", "checkbox"]),
    },
    optional={
        "default": st.sampled_from(["x", 1, 0.5, True, None]),
        "choices": st.lists(st.sampled_from(["x", "y"]), max_size=3),
        "min": st.sampled_from([-1, 0, 1, 2.5, None]),
        "max": st.sampled_from([-1, 0, 1, 5000, None]),
        "show_if": st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), st.sampled_from(["x", 1, True, ["y", 1]])),
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(fields=st.lists(FIELD, max_size=4))
def test_no_form_makes_it_raise(site: Site, fields: list[dict[str, Any]]) -> None:
    loaded = site.load({"Desktop": {**GOOD_ENTRY, "form": fields}})
    assert bool(loaded.types) is not bool(loaded.problems)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary() | st.text(alphabet='{}[],:"\\ \nau1').map(str.encode))
def test_no_bytes_make_it_raise(site: Site, content: bytes) -> None:
    assert isinstance(site.load(content), SessionsFile)
