"""The README has every command of ours and every option of `serve`, as the programs themselves list them."""

from __future__ import annotations

from argparse import Action, ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from django.core.management import load_command_class

from remote_service.management.commands.serve import Command as Serve
from tests.unit.docs.pages import PAGES, README, ROOT, all_commands, table

COMMANDS = {
    path.stem: path.parts[len(ROOT.parts)]
    for folder in ("remote_service", "webui")
    for path in (ROOT / folder / "management" / "commands").glob("*.py")
    if path.stem != "__init__"
}
"""Command to the application that has it."""

OF_DJANGO = {
    "help",
    "check",
    "shell",
    "createsuperuser",
    "changepassword",
    "axes_reset_username",
    "clearsessions",
    "makemessages",
    "compilemessages",
}


def own_options(command: str) -> dict[str, Action]:
    """A command's options, those of its acts too, without those of all commands."""
    parser = load_command_class(COMMANDS[command], command).create_parser("manage.py", command)
    common = {"--help", "--version", "--verbosity", "--settings", "--pythonpath", "--traceback", "--no-color"}
    common |= {"--force-color", "--skip-checks"}
    options = {max(action.option_strings, key=len): action for action in actions(parser) if action.option_strings}
    return {name: action for name, action in options.items() if name not in common}


def actions(parser: ArgumentParser) -> Iterator[Action]:
    """What a parser, and those below it, know."""
    for action in parser._actions:
        yield action
        if isinstance(action, _SubParsersAction):
            for below in action.choices.values():
                yield from actions(below)


def test_every_command_of_ours_is_there() -> None:
    rows = {row[0].strip("`").split()[0] for row in table(README, "`manage.py` … | does")}
    assert rows == {*COMMANDS, "check"}


def test_every_option_of_serve_is_there() -> None:
    rows = [option.strip("` ") for row in table(README, "option | default") for option in row[0].split(",")]
    assert rows == list(own_options("serve"))


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_option_of_the_other_commands_is_there(command: str) -> None:
    rows = [row for row in table(README, "`manage.py` … | does") if row[0].strip("`").split()[0] == command]
    said = " ".join(row[1] for row in rows)
    if command != "serve":
        assert [name for name in own_options(command) if f"`{name}" not in said] == []


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_no_page_speaks_of_a_command_that_is_not_there(file: Path) -> None:
    words = file.read_text().replace("`", " ").split()
    named = {after.rstrip(".,;:)'") for word, after in pairwise(words) if word == "manage.py"}
    assert named - {"…"} <= {*COMMANDS, *OF_DJANGO}


def test_the_samples_use_no_option_that_is_not_there() -> None:
    for command in all_commands():
        words = command.text.split()
        if "manage.py" in words and words[words.index("manage.py") + 1] in COMMANDS:
            name = words[words.index("manage.py") + 1]
            assert {word for word in words if word.startswith("--")} <= {*own_options(name)}, str(command)


def test_the_number_of_processes_is_the_one_that_holds() -> None:
    (workers,) = [row for row in table(README, "option | default") if row[0] == "`--workers`"]
    parser = Serve().create_parser("manage.py", "serve")
    (action,) = [action for action in parser._actions if "--workers" in action.option_strings]
    assert workers[1] == str(action.default)
