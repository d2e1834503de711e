"""When a candidate takes the lease, and what it says while it does not. With other supervisors: tests/integration."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from remote_service import lease, pid_file
from remote_service.conf import GatewaySettings
from remote_service.models import Lease, Site
from remote_service.supervision.candidate import EPOCH, Candidate
from tests.clock import Clock

LEASE_TIME = 5.0
ELSEWHERE = "n9:/srv/state/run"


@pytest.fixture
def clock() -> Clock:
    return Clock(0.0)


@pytest.fixture
def candidate(db: None, gateway_settings: GatewaySettings, clock: Clock) -> Iterator[Candidate]:
    found = Candidate(gateway_settings, clock)
    yield found
    found.close()


def looks(candidate: Candidate, clock: Clock, *times: float) -> list[int | None]:
    """The epochs of the leases that it takes at looks at these times."""
    epochs = []
    for clock.now in times:
        fence = candidate.look()
        epochs.append(None if fence is None else fence.epoch)
    return epochs


def held() -> None:
    """Somebody on another machine has the lease."""
    assert lease.take(lease.look(), ELSEWHERE)
    Lease.objects.update(process="another machine")


def test_a_lease_that_nobody_has_is_taken_at_once(candidate: Candidate, clock: Clock) -> None:
    assert looks(candidate, clock, 0.0) == [1]
    assert Lease.load().place


def test_one_that_stands_still_for_its_time_is_taken(candidate: Candidate, clock: Clock) -> None:
    held()

    assert looks(candidate, clock, 0.0, 4.9, LEASE_TIME) == [None, None, 2]


def test_who_begins_anew_gives_it_the_whole_time_again(candidate: Candidate, clock: Clock) -> None:
    held()
    assert looks(candidate, clock, 0.0) == [None]

    candidate.begin()

    assert looks(candidate, clock, 100.0, 104.9, 105.0) == [None, None, 2]


def test_it_says_once_who_has_it_and_knows_what_was_published(
    candidate: Candidate, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    held()
    caplog.set_level(logging.INFO)
    looks(candidate, clock, 0.0, 1.0)
    assert caplog.messages == [f"another supervisor is at work ({ELSEWHERE}, epoch 1); standing by"]
    assert (candidate.epoch, candidate.published) == (1, None)

    Site.objects.update_or_create(pk=1, defaults={"loaded_at": timezone.now(), "reload_done": 3})
    looks(candidate, clock, 2.0)
    assert (candidate.epoch, candidate.published) == (1, 3)


def test_beside_a_server_before_the_lease_it_waits_until_that_has_been_stopped(
    candidate: Candidate,
    clock: Clock,
    gateway_settings: GatewaySettings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    share = pid_file.share
    monkeypatch.setattr(pid_file, "share", lambda _state_dir: None)
    assert looks(candidate, clock, 0.0, 1.0) == [None, None]
    assert caplog.messages == [
        "a supervisor of an earlier release, which knows no lease, is at work on this database; standing by until it "
        "has been stopped"
    ]

    monkeypatch.setattr(pid_file, "share", share)
    assert looks(candidate, clock, 2.0) == [1]
    assert pid_file.is_held(gateway_settings.state_dir) is False  # others of this release may be started beside it


def test_types_that_nobody_with_the_lease_has_loaded_are_asked_about(
    candidate: Candidate, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    Site.objects.update_or_create(pk=1, defaults={"loaded_at": timezone.now() - timedelta(days=1)})
    caplog.set_level(logging.INFO)

    assert looks(candidate, clock, 0.0, 14.9, 15.0) == [None, None, 1]
    assert caplog.messages == [
        "looking whether a supervisor of an earlier release is at work on this database",
        "supervising, epoch 1",
    ]


def test_the_epoch_goes_on_where_it_was_though_the_database_was_restored(
    candidate: Candidate, clock: Clock, gateway_settings: GatewaySettings
) -> None:
    memory = Path(gateway_settings.state_dir, EPOCH)
    memory.write_text("7\n")

    assert looks(candidate, clock, 0.0) == [8]
    assert memory.read_text() == "8\n"
