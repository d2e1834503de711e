"""Where a script may be."""

from __future__ import annotations

import os
from pathlib import Path
from unittest.mock import Mock

import pytest

from remote_service.config.problems import Finding
from remote_service.config.script_files import find_script
from tests.unit.config.conftest import Site

BARE = 'the bare name of a Python file, such as "desktop_session.py"'


def look_for(site: Site, name: str) -> Path | Finding:
    return find_script(name, [site.directory, site.scripts])


def clauses(site: Site, name: str) -> tuple[str, str, str, str]:
    finding = look_for(site, name)
    assert isinstance(finding, Finding)
    assert finding.key == ("script",)
    return finding.code.value, finding.found, finding.expected, finding.fix


def test_a_script_beside_the_sessions_file_comes_first(site: Site) -> None:
    site.add_script("desktop.py", directory=site.scripts)
    assert look_for(site, "desktop.py") == site.directory / "desktop.py"


def test_a_script_may_be_in_a_script_directory(site: Site) -> None:
    site.add_script("wall.py", directory=site.scripts)
    assert look_for(site, "wall.py") == site.scripts / "wall.py"


@pytest.mark.parametrize(
    ("name", "base"),
    [("../x.py", "x.py"), ("/opt/x.py", "x.py"), ("scripts/wall.py", "wall.py"), ("..\\x.py", "x.py")],
)
def test_it_refuses_a_path(site: Site, name: str, base: str) -> None:
    shown = name.replace("\\", "\\\\")
    assert clauses(site, name) == (
        "E030",
        f'the path "{shown}"',
        BARE,
        f'write "{base}", and put the file beside the sessions file or name its directory in '
        "REMOTE_SERVICE_SCRIPT_DIRS",
    )


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("", "an empty text"),
        ("..", 'the text ".."'),
        ("desktop.sh", 'the text "desktop.sh"'),
        ("a\0.py", r'the text "a\u0000.py"'),
        ("a\n.py", r'the text "a\n.py"'),
        ("é" * 127 + ".py", f'the text "{"é" * 78}…'),
    ],
)
def test_it_refuses_a_name_that_is_none_of_a_python_file(site: Site, name: str, found: str) -> None:
    assert clauses(site, name) == ("E030", found, BARE, "write the name of a file that ends in .py")


def test_it_asks_whether_the_ending_was_forgotten(site: Site) -> None:
    assert clauses(site, "desktop") == ("E030", 'the text "desktop"', BARE, 'did you mean "desktop.py"?')


def test_a_missing_script_says_where_it_looked_and_what_is_there(site: Site) -> None:
    site.add_script("wall.py", directory=site.scripts)
    assert clauses(site, "wal.py") == (
        "E031",
        f'no file "wal.py" in {site.directory} and {site.scripts}',
        "a script in one of these",
        f'did you mean "wall.py"? Otherwise put it into {site.directory}, or name its directory in '
        "REMOTE_SERVICE_SCRIPT_DIRS",
    )


@pytest.mark.parametrize("text", ["", "application = None\n", None], ids=["empty", "another program", "unreadable"])
def test_a_file_that_is_no_script_is_not_what_was_meant(
    site: Site, text: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    near = site.add_script("wall.py", directory=site.scripts)
    if text is None:
        monkeypatch.setattr(Path, "read_bytes", Mock(side_effect=PermissionError))
    else:
        near.write_text(text)
    os.mkfifo(site.scripts / "wa.py")
    assert clauses(site, "wal.py")[3].startswith("put it into ")


def test_a_missing_script_says_which_directories_are_missing(site: Site) -> None:
    (site.directory / "file").touch()
    nowhere = [site.directory / "none", site.directory / "file"]
    finding = find_script("wall.py", nowhere)
    assert isinstance(finding, Finding)
    assert finding.found == (
        f'no file "wall.py" in {nowhere[0]} (no such directory) and {nowhere[1]} (no such directory)'
    )
    assert finding.fix == f"put it into {nowhere[0]}, or name its directory in REMOTE_SERVICE_SCRIPT_DIRS"


def test_it_refuses_a_link_out_of_its_directory(site: Site) -> None:
    outside = site.add_script("outside.py", directory=site.scripts)
    link = site.directory / "linked.py"
    link.symlink_to("/etc/hostname")
    assert clauses(site, "linked.py") == (
        "E032",
        f"that {link} is a link to /etc/hostname, outside its directory",
        f"a file in {site.directory}",
        "copy the script there, or name its own directory in REMOTE_SERVICE_SCRIPT_DIRS",
    )
    inside = site.scripts / "inside.py"
    inside.symlink_to(outside)
    assert look_for(site, "inside.py") == inside


def test_it_refuses_a_link_whose_target_only_begins_like_its_directory(site: Site) -> None:
    sibling = site.directory / "scripts-old"
    sibling.mkdir()
    site.add_script("x.py", directory=sibling)
    (site.scripts / "x.py").symlink_to(sibling / "x.py")
    assert clauses(site, "x.py")[0] == "E032"


def test_the_directory_itself_may_be_a_link(site: Site) -> None:
    site.add_script("wall.py", directory=site.scripts)
    linked = site.directory / "linked"
    linked.symlink_to(site.scripts)
    assert find_script("wall.py", [linked]) == linked / "wall.py"


def test_the_first_that_has_the_name_decides_even_when_it_is_broken(site: Site) -> None:
    site.add_script("wall.py", directory=site.scripts)
    broken = site.directory / "wall.py"
    broken.symlink_to("gone.py")
    assert clauses(site, "wall.py") == (
        "E031",
        f"that {broken} is a link to {site.directory / 'gone.py'}, which does not exist",
        "a script",
        "correct the link or remove it",
    )


def test_it_refuses_a_directory(site: Site) -> None:
    path = site.directory / "folder.py"
    path.mkdir()
    assert clauses(site, "folder.py") == (
        "E033",
        f"that {path} is a directory",
        "a Python file",
        "give the name of the Python file itself",
    )


def test_it_refuses_a_fifo_without_opening_it(site: Site) -> None:
    path = site.directory / "pipe.py"
    os.mkfifo(path)
    assert clauses(site, "pipe.py") == (
        "E033",
        f"that {path} is no regular file",
        "a Python file",
        "give the name of the Python file itself",
    )


def test_it_refuses_an_empty_script(site: Site) -> None:
    path = site.add_script("empty.py", "")
    assert clauses(site, "empty.py") == (
        "E034",
        f"that {path} is empty",
        "a Python script",
        "write realize_service() into it, or copy one of the example scripts",
    )


def test_it_refuses_a_script_that_cannot_be_read(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: Path, _mode: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    path = site.directory / "desktop.py"
    assert clauses(site, "desktop.py") == (
        "E035",
        f"that {path} cannot be read (Permission denied)",
        "a file that the server's account may read",
        f"as its owner or root run: chmod a+r {path}",
    )


def test_it_refuses_a_directory_that_cannot_be_entered(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "lstat", refuse)
    assert clauses(site, "desktop.py")[1] == (
        f"that {site.directory / 'desktop.py'} cannot be read (Permission denied)"
    )
