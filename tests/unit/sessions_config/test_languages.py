"""Which languages the pages have."""

from __future__ import annotations

from pathlib import Path

from sessions_config.languages import languages


def test_without_catalogues_there_is_english_alone(tmp_path: Path) -> None:
    assert languages(tmp_path / "locale") == [("en", "English")]


def test_a_compiled_catalogue_adds_its_language(tmp_path: Path) -> None:
    for name in ("pt_BR/LC_MESSAGES/django.mo", "de/LC_MESSAGES/django.mo", "fr/LC_MESSAGES/django.po",
                 "en/LC_MESSAGES/django.mo", "xx/LC_MESSAGES/django.mo"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    assert languages(tmp_path) == [
        ("en", "English"), ("de", "German"), ("pt-br", "Brazilian Portuguese"), ("xx", "xx"),
    ]  # fmt: skip
