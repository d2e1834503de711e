"""Whether anybody supervises, by the lease; the clock of the last sign of life is the test's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from remote_service import lease, oversight, pid_file
from remote_service.conf import GatewaySettings
from remote_service.models import Lease
from remote_service.oversight import FRESH, REMEDY, settled

pytestmark = pytest.mark.django_db

ELSEWHERE = "n8:/srv/state/run"


def take(place: str = ELSEWHERE, *, ago: float = 0.0, **changed: Any) -> str:
    """Somebody supervises; returns when the last sign of life was, as people read it."""
    assert lease.take(lease.look(), place)
    at = timezone.now() - timedelta(seconds=ago)
    Lease.objects.update(renewed_at=at, **changed)
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def test_whoever_has_the_lease_and_lives_supervises(gateway_settings: GatewaySettings) -> None:
    take(process="1 2 boot 3")
    assert oversight.oversight(gateway_settings) == oversight.Oversight(ELSEWHERE, False, "", False)
    take()
    assert oversight.oversight(gateway_settings).ours


@pytest.mark.parametrize(("ago", "lacks"), [(FRESH - 1, False), (FRESH + 1, True), (-FRESH + 1, False)])
def test_one_that_gives_no_sign_of_life_does_not(gateway_settings: GatewaySettings, ago: float, lacks: bool) -> None:
    at = take(ago=ago)
    why = f"the last one, at {ELSEWHERE}, has given no sign of life since {at}"
    assert oversight.oversight(gateway_settings).lacking == (why if lacks else "")


def test_nor_one_that_has_left(gateway_settings: GatewaySettings) -> None:
    at = take(holder="")
    assert oversight.oversight(gateway_settings).lacking == f"the last one, at {ELSEWHERE}, left at {at}"


def test_nor_one_that_has_died(gateway_settings: GatewaySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oversight, "has_ended", lambda process: process == "dead")
    at = take(process="dead")
    assert oversight.oversight(gateway_settings).lacking == (
        f"the last one, at {ELSEWHERE}, has died; its last sign of life was at {at}"
    )


def test_where_there_never_was_one_there_is_none(gateway_settings: GatewaySettings) -> None:
    assert oversight.oversight(gateway_settings) == oversight.Oversight("", False, "nobody ever has", False)


def test_nobody_is_waited_for_where_nobody_is_about_to(gateway_settings: GatewaySettings) -> None:
    take(holder="")
    assert settled(gateway_settings, lambda _seconds: pytest.fail("it waits")).lacking


@pytest.mark.parametrize("name", [pid_file.SERVER, pid_file.SUPERVISOR])
def test_one_that_takes_over_is_waited_for(gateway_settings: GatewaySettings, name: str) -> None:
    take(holder="")
    with pid_file.hold(gateway_settings.state_dir, name):
        assert settled(gateway_settings, lambda _seconds: take() and None).lacking == ""


def test_but_not_for_ever(gateway_settings: GatewaySettings) -> None:
    take(holder="")
    with pid_file.hold(gateway_settings.state_dir):
        found = settled(replace(gateway_settings, lease_time=0.01))
    assert (found.expected, bool(found.lacking)) == (True, True)


@pytest.mark.parametrize(("ago", "expected"), [(1.0, True), (60.0, False)])
def test_of_other_machines_it_is_expected_for_a_while(
    gateway_settings: GatewaySettings, monkeypatch: pytest.MonkeyPatch, ago: float, expected: bool
) -> None:
    take(holder="", ago=ago)
    monkeypatch.setattr(oversight, "connection", SimpleNamespace(vendor="postgresql"))
    assert oversight.oversight(gateway_settings).expected is expected


def test_what_to_do_is_named() -> None:
    assert "'manage.py supervise'" in REMEDY
