"""Whether Redis can be reached, if the site has one. One that answers is in tests/integration."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from remote_service import channel_layer
from remote_service.channel_layer import address, trouble


def layers(*hosts: str) -> dict[str, Any]:
    return {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": list(hosts)}}}


def test_a_layer_in_memory_has_no_address_and_no_trouble(settings: Any) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    assert address(settings.CHANNEL_LAYERS) is None
    assert trouble() == ""


def test_nobody_at_the_address_is_trouble_that_names_the_variable_and_no_password(settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    settings.CHANNEL_LAYERS = layers(f"redis://:hush@127.0.0.1:{port}/0")
    said = trouble()
    assert said.startswith("the channel layer of CHANNEL_LAYER_URL cannot be reached: ")
    assert str(port) in said
    assert "hush" not in said


def test_the_address_is_found_where_the_settings_have_more_of_it() -> None:
    found: dict[str, Any] = {"default": {"CONFIG": {"hosts": [{"address": "redis://cache", "socket_timeout": 8.0}]}}}
    assert address(found) == "redis://cache"


def test_one_that_says_nothing_is_trouble(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_layer, "PATIENCE", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.CHANNEL_LAYERS = layers(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        assert "Timeout" in trouble()


def test_an_address_that_is_none_is_trouble(settings: Any) -> None:
    settings.CHANNEL_LAYERS = layers("nonsense")
    assert "must specify one of the following schemes" in trouble()


def test_a_start_complains_of_it_and_goes_on(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.CHANNEL_LAYERS = layers("nonsense")
    channel_layer.complain()
    assert caplog.messages == [f"{trouble()}; until it can be, changes are seen a second late"]
