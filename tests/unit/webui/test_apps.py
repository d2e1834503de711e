"""Tests of the pages as a Django app."""

from __future__ import annotations

from django.apps import apps

from webui.apps import WebUiConfig


def test_the_pages_are_an_app_without_models() -> None:
    config = apps.get_app_config("webui")
    assert isinstance(config, WebUiConfig)
    assert list(config.get_models()) == []
