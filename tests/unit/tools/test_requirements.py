"""The requirements files: exact, explained, and one list without contradictions."""

from __future__ import annotations

import re

import pytest

from tools.setup import ROOT

FILES = ("requirements.txt", "tests/requirements.txt", "tests/fuzz/requirements.txt")
LINE = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(\[[a-z,]+\])?==(?P<version>[0-9][^ ;]*)( ; [^#]+)?  # \S.*")


def requirement_lines(name: str) -> list[str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("name", FILES)
def test_each_line_pins_one_version_and_says_who_needs_it(name: str) -> None:
    lines = requirement_lines(name)
    assert lines
    assert [line for line in lines if not LINE.fullmatch(line)] == []


def test_no_package_is_pinned_twice() -> None:
    names = [
        re.sub(r"[-_.]+", "-", match["name"]).lower()
        for name in FILES
        for line in requirement_lines(name)
        if (match := LINE.fullmatch(line))
    ]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("name", FILES)
def test_no_package_index_is_named(name: str) -> None:
    assert "://" not in (ROOT / name).read_text(encoding="utf-8")
