"""What of the site sessions must not reach, out of Django's settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from remote_service.relay.own_services import CHANNEL_LAYER, DATABASE, STATE, OwnService, own_path, own_services

STATE_DIR = Path("/srv/state")
POSTGRESQL = "django.db.backends.postgresql"


def of_database(**settings: Any) -> list[OwnService]:
    return list(own_services({"default": settings}, {}, STATE_DIR))[1:]


def of_layer(host: Any) -> list[OwnService]:
    return list(own_services({}, {"default": {"CONFIG": {"hosts": [host]}}}, STATE_DIR))[1:]


def test_the_state_directory_is_always_among_them() -> None:
    layers = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    assert own_services({"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "x"}}, layers, STATE_DIR) == (
        OwnService(STATE, path="/srv/state"),
    )


@pytest.mark.parametrize(
    ("database", "found"),
    [
        ({"ENGINE": POSTGRESQL, "HOST": "db", "PORT": 6543}, [OwnService(DATABASE, "db", 6543)]),
        ({"ENGINE": POSTGRESQL, "HOST": "db", "PORT": ""}, [OwnService(DATABASE, "db", 5432)]),
        ({"ENGINE": POSTGRESQL, "HOST": "/run/pg"}, [OwnService(DATABASE, path="/run/pg/.s.PGSQL.5432")]),
        ({"ENGINE": "django.db.backends.mysql", "HOST": "/run/my.sock"}, [OwnService(DATABASE, path="/run/my.sock")]),
    ],
)
def test_the_database_is_where_its_settings_say(database: dict[str, Any], found: list[OwnService]) -> None:
    assert of_database(**database) == found


def test_a_database_without_a_host_is_where_clients_look() -> None:
    found = of_database(ENGINE=POSTGRESQL, HOST="")
    assert OwnService(DATABASE, "localhost", 5432) in found
    assert OwnService(DATABASE, path="/var/run/postgresql/.s.PGSQL.5432") in found


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("redis://cache:6380/0", OwnService(CHANNEL_LAYER, "cache", 6380)),
        ("rediss://user:pw@cache/0", OwnService(CHANNEL_LAYER, "cache", 6379)),
        ("unix:///run/redis.sock?db=1", OwnService(CHANNEL_LAYER, path="/run/redis.sock")),
        (("cache", 6380), OwnService(CHANNEL_LAYER, "cache", 6380)),
        ({"address": "redis://cache"}, OwnService(CHANNEL_LAYER, "cache", 6379)),
        ({"host": "cache", "port": 1}, OwnService(CHANNEL_LAYER, "cache", 1)),
    ],
)
def test_the_channel_layer_is_where_its_settings_say(host: Any, found: OwnService) -> None:
    assert of_layer(host) == [found]


def test_what_is_below_a_path_is_found_through_links_too(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "state")
    services = own_services({}, {}, tmp_path / "state")

    assert own_path(tmp_path / "link" / "run" / "x.sock", services) == STATE
    assert own_path(tmp_path / "state-of-others" / "x.sock", services) == ""
