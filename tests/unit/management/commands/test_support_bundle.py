"""`manage.py support_bundle`: which session is meant, and the file."""

from __future__ import annotations

import io
import tarfile
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from remote_service.models import Session

ONE = uuid.UUID("1e392889-41dd-4afa-8000-000000000001")

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def session(gateway_settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """One session; the directory in which the command is typed is empty."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return Session.objects.create(pk=ONE, type_name="Desk", index=0, door="web", token_hash="1")


def write(*arguments: str) -> str:
    printed = io.StringIO()
    call_command("support_bundle", *arguments, stdout=printed)
    return printed.getvalue()


@pytest.mark.parametrize("wanted", [str(ONE), "1e392889"])
def test_it_writes_a_file_that_nobody_else_can_read(wanted: str) -> None:
    said = write(wanted)
    path = Path("support-1e392889.tar.gz")
    assert said.startswith(f"{path}: what is known of the session {ONE} (Desk), without secrets.\n")
    assert path.stat().st_mode & 0o777 == 0o600
    with tarfile.open(path) as archive:
        names = archive.getnames()
        assert {"support-1e392889/session.json", "support-1e392889/session.log"} <= set(names)
        assert all(member.isfile() and member.mode == 0o600 for member in archive)


def test_the_file_can_be_named() -> None:
    write("1e392889", "--output", "mine.tgz")
    assert [path.name for path in Path().iterdir()] == ["mine.tgz"]


def test_no_file_is_written_over() -> None:
    Path("mine.tgz").write_text("precious")
    with pytest.raises(CommandError) as refused:
        write("1e392889", "--output", "mine.tgz")
    assert str(refused.value) == "mine.tgz is there already; name another file with --output, or remove it."
    assert Path("mine.tgz").read_text() == "precious"


def test_a_file_that_cannot_be_written_is_told() -> None:
    with pytest.raises(CommandError) as refused:
        write("1e392889", "--output", "nowhere/mine.tgz")
    assert str(refused.value) == "nowhere/mine.tgz cannot be written: No such file or directory."


def test_a_session_that_is_not_there_is_told() -> None:
    with pytest.raises(CommandError, match=r"^There is no session whose id is 00000000, or begins so\."):
        write("00000000")
