"""Tests of the digest that decides whether static files are collected again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pytest_django import Settings

from webui.static_digest import STAMP_NAME, collect_if_changed, digest, static_digest


@pytest.fixture
def source(tmp_path: Path, settings: Settings) -> Path:
    """A folder that is the only source of static files, holding page.js, to be collected into ../root."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "page.js").write_text("let a = 1;\n")
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATICFILES_DIRS = [source]
    settings.STATIC_ROOT = str(tmp_path / "root")
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "webui.storage.ModuleStorage"},
    }
    return source


def write(path: Path, text: str) -> tuple[str, Path]:
    path.write_text(text)
    return path.name, path


def test_it_is_the_same_in_any_order(tmp_path: Path) -> None:
    files = [write(tmp_path / "a.js", "a"), write(tmp_path / "b.js", "b")]
    assert digest("recipe", files) == digest("recipe", reversed(files))
    assert len(digest("recipe", files)) == 64


def test_it_depends_on_the_recipe_each_name_and_each_content(tmp_path: Path) -> None:
    name, path = write(tmp_path / "a.js", "a")
    _, other = write(tmp_path / "b.js", "b")
    digests = {
        digest("recipe", [(name, path)]),
        digest("another", [(name, path)]),
        digest("recipe", [("c.js", path)]),
        digest("recipe", [(name, other)]),
        digest("recipe", [(name, path), ("c.js", path)]),
        digest("recipe", []),
    }
    assert len(digests) == 6


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        digest("recipe", [("a.js", tmp_path / "a.js")])


def test_an_edit_that_keeps_size_and_time_changes_it(source: Path) -> None:
    before, stat = static_digest(), (source / "page.js").stat()
    (source / "page.js").write_text("let a = 2;\n")
    os.utime(source / "page.js", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (source / "page.js").stat().st_mtime_ns == stat.st_mtime_ns
    assert static_digest() != before


def test_a_new_time_alone_does_not_change_it(source: Path) -> None:
    before = static_digest()
    os.utime(source / "page.js", (1, 1))
    assert static_digest() == before


def test_a_new_file_changes_it(source: Path) -> None:
    before = static_digest()
    (source / "more.js").write_text("")
    assert static_digest() != before


def test_a_file_that_collectstatic_ignores_does_not_change_it(source: Path) -> None:
    before = static_digest()
    (source / ".page.js.swp").write_text("half an edit")
    (source / "page.js~").write_text("the text before")
    assert static_digest() == before


def test_of_two_files_with_one_name_only_the_first_counts(source: Path, tmp_path: Path, settings: Settings) -> None:
    before = static_digest()
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "page.js").write_text("never seen")
    settings.STATICFILES_DIRS = [source, hidden]
    assert static_digest() == before
    settings.STATICFILES_DIRS = [hidden, source]
    assert static_digest() != before


def test_the_prefix_of_a_folder_is_part_of_the_name(source: Path, settings: Settings) -> None:
    before = static_digest()
    settings.STATICFILES_DIRS = [("site", source)]
    assert static_digest() != before


def test_a_setting_that_changes_the_outcome_changes_it(source: Path, settings: Settings) -> None:
    before = static_digest()
    settings.SERVESTATIC_USE_GZIP = False
    assert static_digest() != before


def test_it_collects_once_and_again_after_an_edit(source: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    assert [collect_if_changed(), collect_if_changed()] == [True, False]
    (first,) = root.glob("page.*.js")
    assert (root / STAMP_NAME).read_text() == static_digest()

    (source / "page.js").write_text("let a = 2;\n")
    assert [collect_if_changed(), collect_if_changed()] == [True, False]
    assert (root / "page.js").read_text() == "let a = 2;\n"
    (second,) = set(root.glob("page.*.js")) - {first}
    assert second.read_text() == "let a = 2;\n"


def test_what_a_server_of_the_release_before_serves_stays_for_one_more(source: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    for number in range(4):
        (source / "page.js").write_text(f"let a = {number};\n")
        os.utime(source / "page.js", (1, 1))
        (root / "stray.js").parent.mkdir(exist_ok=True)
        (root / "stray.js").write_text("")
        assert collect_if_changed()
        texts = {path.read_text() for path in root.glob("page.*.js")}
        assert texts == {f"let a = {each};\n" for each in (number - 1, number) if each >= 0}
        assert not (root / "stray.js").exists()


def test_it_collects_again_when_the_folder_was_deleted(source: Path, tmp_path: Path) -> None:
    collect_if_changed()
    (tmp_path / "root").rename(tmp_path / "gone")
    assert collect_if_changed()
    assert (tmp_path / "root" / "staticfiles.json").is_file()


def test_a_collection_that_fails_is_tried_again(source: Path, tmp_path: Path) -> None:
    collect_if_changed()
    (source / "page.css").write_text("body { background: url(missing.png) }\n")
    for _ in range(2):
        with pytest.raises(ValueError, match=r"^The file 'missing\.png' could not be found with "):
            collect_if_changed()
        assert not (tmp_path / "root" / STAMP_NAME).exists()
    (source / "page.css").unlink()
    assert collect_if_changed()
