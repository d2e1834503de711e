"""The addresses of PostgreSQL and Redis: which are taken, what is said of others, and that no password is shown."""

from __future__ import annotations

import pytest

from sessions_config.addresses import (
    POSTGRESQL_OPTIONS,
    REDIS_OPTIONS,
    channel_layer,
    check_channel_layer,
    check_database,
    database,
    without_password,
)


@pytest.mark.parametrize(
    "url",
    [
        "postgres://user:p%2Fw%3A@db.example.org:5432/name",
        "postgresql://user@db/name?sslmode=verify-full",
        "postgres://user:password@%2Frun%2Fpostgresql/name",
        "postgres:///name",
        "postgres://?service=gateway",
    ],
)
def test_addresses_of_postgresql_are_taken(url: str) -> None:
    assert check_database(url) == url


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "it is no address"),
        ("user:hush@db/name", "it is no address"),
        ("postgres://[db/name", "it is no address"),
        ("mysql://user:hush@db/name", "its scheme is none of postgres, postgresql, pgsql"),
        ("sqlite:///name", "its scheme is none of postgres, postgresql, pgsql"),
        ("postgres://user:hush@db:http/name", "its port is no number from 0 to 65535"),
        ("postgres://user:hush@db:65536/name", "its port is no number from 0 to 65535"),
        ("postgres://user:hush@db", "it names no database"),
        ("postgres://user:hush@db/", "it names no database"),
        ("postgres://u@db/name?answer_timeout=long", "its answer_timeout 'long' is no number of seconds"),
    ],
)
def test_what_is_no_address_of_postgresql_is_told_with_an_example(url: str, says: str) -> None:
    with pytest.raises(ValueError) as caught:
        check_database(url)
    assert str(caught.value) == (
        f"{says}; expected postgres://user:password@host:5432/name, such as "
        "postgres://gateway:secret@db.example.org/gateway; without DATABASE_URL the database is SQLite in the state "
        "directory"
    )


@pytest.mark.parametrize(
    "url",
    [
        "redis://:p%2Fw@cache.example.org:6379/0",
        "rediss://cache",
        "unix://:password@/run/redis/redis.sock?db=0",
        "redis://cache/1?socket_timeout=20",
    ],
)
def test_addresses_of_redis_are_taken(url: str) -> None:
    assert check_channel_layer(url) == url


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "it is no address"),
        ("http://cache", "its scheme is none of redis, rediss, unix"),
        ("redis://:hush@cache:x/0", "its port is no number from 0 to 65535"),
        ("redis://cache/first", "its database is no number"),
        ("unix://:hush@", "it names no socket"),
        ("redis://cache?socket_timeout=long", "invalid value for 'socket_timeout' in connection URL"),
    ],
)
def test_what_is_no_address_of_redis_is_told_with_an_example(url: str, says: str) -> None:
    with pytest.raises(ValueError) as caught:
        check_channel_layer(url)
    assert str(caught.value) == (
        f"{says}; expected redis://:password@host:6379/0, such as redis://:secret@cache.example.org:6379/0, or "
        "unix://:password@/run/redis/redis.sock?db=0"
    )


def test_every_wait_for_postgresql_is_bounded_unless_the_address_says_otherwise() -> None:
    found = database("postgres://u:p@db/name")
    assert (found["ENGINE"], found["OPTIONS"]) == ("remote_service.postgresql", POSTGRESQL_OPTIONS)
    told = database("postgres://u:p@db/name?connect_timeout=9&answer_timeout=60&options=-c%20jit%3Doff&sslmode=require")
    assert told["OPTIONS"] == POSTGRESQL_OPTIONS | {
        "connect_timeout": 9, "answer_timeout": 60, "options": "-c jit=off", "sslmode": "require",
    }  # fmt: skip


def test_the_server_gives_up_before_its_client_does() -> None:
    limits = dict(part.split("=") for part in POSTGRESQL_OPTIONS["options"].split() if "=" in part)
    assert int(limits["lock_timeout"]) < int(limits["statement_timeout"]) < 1000 * POSTGRESQL_OPTIONS["answer_timeout"]


def test_every_wait_for_redis_is_bounded() -> None:
    assert channel_layer("redis://cache") == {"address": "redis://cache", **REDIS_OPTIONS}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgres://user:hush@db:5432/name", "postgres://user:***@db:5432/name"),
        ("postgres://user@db/name", "postgres://user@db/name"),
        ("postgres://user:h@u@sh@db/name", "postgres://user:***@db/name"),
        ("postgres://user:hu/sh@db/name", "postgres://user:***@db/name"),
        ("user:hush@db/name", "user:***@db/name"),
        ("postgres:/user:hush@db/name", "postgres:***@db/name"),
        ("postgres://user:hush", "postgres://user:***"),
        ("postgres://db:5432/name", "postgres://db:5432/name"),
        ("postgres://db/name?user=u&password=hush&sslpassword=hush#x", "postgres://db/name?user=u&password=***&sslpassword=***#x"),
        ("redis://:hush@cache/0", "redis://:***@cache/0"),
        ("unix://:hush@/run/redis.sock", "unix://:***@/run/redis.sock"),
        ("nonsense", "nonsense"),
    ],
)  # fmt: skip
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown
