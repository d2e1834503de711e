"""The sessions file as a file, and as JSON."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from remote_service.config.problems import Code
from remote_service.config.source import MAX_FILE_SIZE, parse_source, read_source
from tests.unit.config.conftest import Site

AN_OBJECT = (
    "an object with one member per session type, such as "
    '{"Desktop": {"script": "desktop_session.py", "count": 2, "options": {}}}'
)


def messages(path: Path) -> list[str]:
    source = read_source(path)
    assert source.data == {}
    return [str(problem) for problem in source.problems]


def test_it_reads_data_and_lines(site: Site) -> None:
    site.write('{\n"Desktop":\n{"count": 3}}')
    source = read_source(site.file)
    assert (source.path, source.data, source.problems) == (site.file, {"Desktop": {"count": 3}}, ())
    assert source.line_of(("Desktop", "count")) == 3
    assert source.line_of(("Desktop", "script")) == 2


def test_it_skips_a_byte_order_mark(site: Site) -> None:
    site.write(b'\xef\xbb\xbf{"Desktop": 1}')
    assert read_source(site.file).data == {"Desktop": 1}


def test_a_missing_file(site: Site) -> None:
    assert messages(site.file) == [
        f"{site.file}: found no such file; expected the sessions file. "
        "Fix: create it, or name another one in REMOTE_SERVICE_CONFIG."
    ]


def test_a_relative_path_is_shown_resolved(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(site.directory)
    assert read_source(Path("sessions.json")).problems[0].file == str(site.file)


def test_a_directory(site: Site) -> None:
    assert messages(site.scripts) == [
        f"{site.scripts}: found a directory; expected a JSON file. Fix: give the path of the sessions file itself."
    ]


def test_a_fifo_is_not_opened(site: Site) -> None:
    os.mkfifo(site.file)
    assert messages(site.file) == [
        f"{site.file}: found something that is no regular file; expected a JSON file. "
        "Fix: give the path of the sessions file itself."
    ]


def test_a_file_that_cannot_be_read(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.write("{}")

    def refuse(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert messages(site.file) == [
        f"{site.file}: found that it cannot be read (Permission denied); "
        "expected a file that the server's account may read. "
        f"Fix: give it to the server's group, and run: chmod g+r {site.file}."
    ]


def test_a_path_that_cannot_be_one() -> None:
    (problem,) = read_source(Path("/tmp/\0")).problems
    assert (problem.code, problem.found) == ("E002", "that it cannot be read (embedded null byte)")


def test_a_file_that_is_too_large(site: Site) -> None:
    site.write(b" " * (MAX_FILE_SIZE + 1))
    assert messages(site.file) == [
        f"{site.file}: found a file of 4194305 bytes; expected at most 4194304 bytes. "
        "Fix: check whether this is the sessions file."
    ]


@pytest.mark.parametrize("content", ["", " \n\t\n", "\ufeff"])
def test_an_empty_file(site: Site, content: str) -> None:
    site.write(content)
    assert messages(site.file) == [
        f"{site.file}: found an empty file; expected {AN_OBJECT}. Fix: write the session types, or {{}} for none."
    ]


def test_a_file_that_is_not_utf8(site: Site) -> None:
    site.write('{\n"Büro": 1, "Café": 2}'.encode().replace("é".encode(), b"\xe9"))
    assert messages(site.file) == [
        f"{site.file}:2: found the byte 0xe9 in column 16, which is not UTF-8; expected a file in UTF-8. "
        "Fix: save it as UTF-8 in your editor."
    ]


def test_truncated_json(site: Site) -> None:
    site.write('{\n"Desktop": {"script": "desktop.py",\n"options": {"sizes": [')
    assert messages(site.file) == [
        f"{site.file}:3: found the end of the file (column 23), with the object of line 1, the object "
        '"Desktop" of line 2, the object "options" of line 3 and the list "sizes" of line 3 still open; '
        "expected all of it closed, by ]}}} at the end. Fix: complete the file: its end is missing."
    ]


def test_invalid_json(site: Site) -> None:
    site.write('{\n"Desktop": {},\n}')
    assert messages(site.file) == [
        f'{site.file}:2: found a comma before the closing "}}" (column 14); '
        "expected none after the last one. Fix: remove the comma."
    ]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("[]", "an empty list"),
        ('["Desktop"]', 'the list ["Desktop"]'),
        ('"Desktop"', 'the text "Desktop"'),
        ("null", "null"),
        ("3", "the number 3"),
        ("[1e999]", "the list [Infinity]"),
    ],
)
def test_a_top_level_that_is_no_object(site: Site, content: str, found: str) -> None:
    site.write(content)
    assert messages(site.file) == [
        f"{site.file}:1: found {found} at the top level; expected {AN_OBJECT}. "
        "Fix: put the session types into one object."
    ]


@pytest.mark.parametrize("depth", [65, 100_000])
def test_a_file_that_is_too_deep(site: Site, depth: int) -> None:
    site.write('{"A":\n' + "[" * depth + "]" * depth + "}")
    assert messages(site.file) == [
        f"{site.file}:2: found more than 64 objects and lists inside each other; expected at most 64. "
        "Fix: take out the innermost ones."
    ]


def test_duplicate_keys_at_any_depth(site: Site) -> None:
    site.write('{\n"Desktop": {"options": {"a": 1,\n"a": 2}},\n"Wall": 1,\n"Wall": 2}')
    source = read_source(site.file)
    assert source.data == {"Desktop": {"options": {"a": 2}}, "Wall": 2}
    assert [str(problem) for problem in source.problems] == [
        site.at("options", "a", line=3) + 'found the key "a" a second time (first in line 2); expected each key once. '
        "Fix: remove or rename one of them.",
        site.at(line=5, entry="Wall") + 'found the key "Wall" a second time (first in line 4); expected each key once. '
        "Fix: remove or rename one of them.",
    ]


@pytest.mark.parametrize("token", ["NaN", "-Infinity", "1e999", "9" * 79])
def test_numbers_that_are_not_finite(site: Site, token: str) -> None:
    number = token if len(token) < 79 else "9" * 5000
    shown = token if len(token) < 79 else token + "…"
    site.write(f'{{"Desktop":\n{{"count": {number}}}}}')
    source = read_source(site.file)
    assert list(source.data) == ["Desktop"]
    assert [str(problem) for problem in source.problems] == [
        site.at("count") + f"found the number {shown}; expected a finite number, of at most about 300 digits. "
        "Fix: write another number."
    ]


def test_half_characters_take_their_entry_away(site: Site) -> None:
    site.write('{"Wall": 1,\n"Desktop": {"options": {"a": "\\ud800"}},\n"B\\ud800": 1}')
    source = read_source(site.file)
    assert source.data == {"Wall": 1}
    assert [str(problem) for problem in source.problems] == [
        site.at("options", "a") + 'found the text "\\ud800", which holds half of a surrogate pair; '
        "expected whole characters. Fix: write the character itself, or both halves of the pair.",
        site.at(line=3, entry="B\\ud800") + 'found the text "B\\ud800", which holds half of a surrogate pair; '
        "expected whole characters. Fix: write the character itself, or both halves of the pair.",
    ]
    assert [problem.entry for problem in source.problems] == ["Desktop", "B\\ud800"]


def test_parsing_needs_no_file() -> None:
    source = parse_source(Path("/nowhere/sessions.json"), b'{"A": 1, "A": 2}')
    assert [problem.code for problem in source.problems] == [Code.DUPLICATE_KEY]
