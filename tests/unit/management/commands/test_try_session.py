"""`manage.py try_session`: what it asks for, what it prints and how it exits; the trial itself is played."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from remote_service.errors import NoFreeSlotError
from remote_service.hosting.account import AccountError
from remote_service.management.commands import try_session as command
from remote_service.rfb.screenshot import Screenshot
from remote_service.trial import TrialError

RED, BLUE = b"\xff\x00\x00\x00", b"\x00\x00\xff\x00"


@pytest.fixture(autouse=True)
def _level_of_the_log() -> Iterator[None]:
    level = logging.getLogger().level
    yield
    logging.getLogger().setLevel(level)


@pytest.fixture
def trial(monkeypatch: pytest.MonkeyPatch, session_account: Any) -> Any:
    """A trial that says one line and gives (or raises) what its `result` is."""

    class Played:
        result: Any = None
        asked: tuple[Any, ...] = ()

        def __init__(self, settings: Any, say: Any) -> None:
            assert settings == session_account
            self.say = say

        async def run(self, *asked: Any) -> Screenshot | None:
            type(self).asked = asked
            self.say("  0.001 s  reserved slot 0")
            if isinstance(self.result, BaseException):
                raise self.result
            return self.result

    monkeypatch.setattr(command, "Trial", Played)
    monkeypatch.setattr(command, "require_prepared_database", lambda: None)
    return Played


def run(*arguments: str) -> str:
    printed = io.StringIO()
    call_command("try_session", *arguments, stdout=printed)
    return printed.getvalue()


def test_it_saves_the_picture(trial: Any, tmp_path: Path) -> None:
    trial.result = Screenshot("a desktop", 2, 1, RED + BLUE)
    path = tmp_path / "it.png"
    assert run("Desktop", "--picture", str(path)) == f"  0.001 s  reserved slot 0\nThe picture is in {path}.\n"
    with Image.open(path) as picture:
        assert (picture.format, picture.size) == ("PNG", (2, 1))
        assert [picture.getpixel((x, 0)) for x in (0, 1)] == [(255, 0, 0), (0, 0, 255)]
    assert trial.asked == ("Desktop", {})


def test_it_passes_size_and_options_on(trial: Any) -> None:
    run("Desktop", "--size", "1x1", "--option", "cores=4", "--option", "title=a=b", "--option", "empty=")
    assert trial.asked == ("Desktop", {"cores": "4", "title": "a=b", "empty": "", "size": "1x1"})


def test_a_picture_of_one_colour_is_remarked_on(trial: Any, tmp_path: Path) -> None:
    trial.result = Screenshot("a desktop", 2, 1, RED + RED)
    path = tmp_path / "it.png"
    assert run("Desktop", "--picture", str(path)).splitlines()[-1] == (
        f"The picture is in {path}. It has one colour only: is there a window manager?"
    )


def test_of_a_stream_that_is_no_rfb_there_is_no_picture(trial: Any) -> None:
    assert run("Desktop") == "  0.001 s  reserved slot 0\nIts stream is no RFB, so there is no picture.\n"


@pytest.mark.parametrize(
    "error",
    [
        TrialError("It failed: It could not be started."),
        NoFreeSlotError("All 1 slots are in use."),
        AccountError("There is no account for scripts."),
    ],
)
def test_what_went_wrong_is_its_last_line(trial: Any, error: Exception) -> None:
    trial.result = error
    with pytest.raises(CommandError) as caught:
        run("Desktop")
    assert str(caught.value) == str(error)


def test_without_an_account_for_scripts_nothing_is_tried(trial: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_wanted: str) -> None:
        raise AccountError("the account 'nobody-here' does not exist")

    monkeypatch.setattr(command, "session_account", refuse)
    with pytest.raises(CommandError) as caught:
        run("Desktop")
    assert (str(caught.value), trial.asked) == ("the account 'nobody-here' does not exist", ())


def test_an_option_without_a_value_is_refused(trial: Any) -> None:
    with pytest.raises(CommandError) as caught:
        run("Desktop", "--option", "cores")
    assert str(caught.value) == "--option cores: expected NAME=VALUE, such as cores=4."
    assert trial.asked == ()


def test_a_picture_into_a_missing_directory_is_refused_before_the_trial(trial: Any, tmp_path: Path) -> None:
    path = tmp_path / "none" / "it.png"
    with pytest.raises(CommandError) as caught:
        run("Desktop", "--picture", str(path))
    assert str(caught.value) == (
        f"--picture {path}: the directory {path.parent} is not there; expected one that is. "
        f"Type 'mkdir -p {path.parent}', or name another file."
    )
    assert trial.asked == ()


def test_a_picture_into_somebody_elses_directory_is_refused_before_the_trial(
    trial: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    with pytest.raises(CommandError) as caught:
        run("Desktop", "--picture", str(tmp_path / "it.png"))
    assert str(caught.value) == (
        f"--picture {tmp_path / 'it.png'}: the directory {tmp_path} cannot be written to; expected one of ours. "
        "Name another file."
    )
    assert trial.asked == ()


def test_a_place_where_no_picture_can_be_saved_is_named(trial: Any, tmp_path: Path) -> None:
    trial.result = Screenshot("a desktop", 2, 1, RED + BLUE)
    with pytest.raises(CommandError) as caught:
        run("Desktop", "--picture", str(tmp_path))
    assert str(caught.value) == f"The picture cannot be saved as {tmp_path}: Is a directory."


def test_ctrl_c_says_one_word_and_exits_as_shells_expect(trial: Any, capsys: pytest.CaptureFixture[str]) -> None:
    trial.result = KeyboardInterrupt()
    with pytest.raises(SystemExit) as caught:
        call_command("try_session", "Desktop")
    assert caught.value.code == 130
    assert capsys.readouterr().out == "  0.001 s  reserved slot 0\nStopped.\n"
