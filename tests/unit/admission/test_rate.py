"""How often an address may do something; the clock is the test's."""

from __future__ import annotations

import pytest

from remote_service.admission import rate
from remote_service.admission.rate import RateLimit, source_of
from tests.clock import Clock


@pytest.mark.parametrize("per_minute", [1, 7, 60, 600])
def test_a_minutes_worth_may_come_all_at_once_and_no_more(clock: Clock, per_minute: int) -> None:
    limit = RateLimit(per_minute, clock)
    assert [limit.take("192.0.2.7") for _ in range(per_minute)] == [0.0] * per_minute
    assert limit.take("192.0.2.7") == pytest.approx(60 / per_minute)


def test_who_waits_as_long_as_told_is_let_in(clock: Clock) -> None:
    limit = RateLimit(2, clock)
    limit.take("192.0.2.7"), limit.take("192.0.2.7")
    wait = limit.take("192.0.2.7")
    clock.now += wait / 2
    assert limit.take("192.0.2.7") == pytest.approx(wait / 2)
    clock.now += wait / 2
    assert limit.take("192.0.2.7") == 0.0
    assert limit.take("192.0.2.7") > 0


def test_in_an_hour_it_is_no_more_than_so_many_a_minute(clock: Clock) -> None:
    limit = RateLimit(30, clock)
    granted = 0
    for _ in range(3600):
        granted += limit.take("192.0.2.7") == 0.0
        clock.now += 1.0
    assert granted == 30 * 60 + 29


def test_others_are_not_held_back(clock: Clock) -> None:
    limit = RateLimit(1, clock)
    assert limit.take("192.0.2.7") == 0.0
    assert limit.take("192.0.2.7") > 0
    assert limit.take("192.0.2.8") == 0.0


def test_what_is_given_back_does_not_count(clock: Clock) -> None:
    limit = RateLimit(1, clock)
    for _ in range(100):
        assert limit.take("192.0.2.7") == 0.0
        limit.give_back("192.0.2.7")
    limit.give_back("192.0.2.99")
    assert limit.take("192.0.2.99") == 0.0
    assert limit.take("192.0.2.99") > 0


def test_memory_is_bounded_and_forgets_who_came_longest_ago(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate, "MOST_ADDRESSES", 2)
    limit = RateLimit(1, clock)
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.3"):
        limit.take(address)
    assert limit.take("192.0.2.1") > 0
    assert limit.take("192.0.2.2") == 0.0


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
        ("no address", "no address"),
    ],
)
def test_an_ipv6_network_is_one_source(address: str, source: str) -> None:
    assert source_of(address) == source
