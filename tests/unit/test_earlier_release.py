"""Whether a supervisor that knows no lease is at work, with a clock of the test's own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from remote_service.earlier_release import EarlierRelease
from remote_service.lease import look, take
from remote_service.models import Lease, Site

PLACE = "n8:/state/run"
SECONDS = 5.0


@pytest.fixture
def asking(db: None) -> EarlierRelease:
    """On a site whose types were loaded once, when there was no lease."""
    Site.load()
    Site.objects.update(loaded_at=timezone.now() - timedelta(hours=1))
    return EarlierRelease(SECONDS)


def load_again() -> None:
    """What every supervisor does when that is asked for."""
    Site.objects.update(reload_done=F("reload_wanted"), loaded_at=timezone.now())


def test_on_a_new_site_nobody_is_and_nothing_is_asked(db: None) -> None:
    assert EarlierRelease(SECONDS).is_at_work(look(), 0.0) is False
    assert Site.load().reload_wanted == 0


def test_nobody_is_when_no_answer_comes_in_its_time(asking: EarlierRelease) -> None:
    assert [asking.is_at_work(look(), now) for now in (100.0, 114.9, 115.0)] == [None, None, False]
    assert Site.load().reload_wanted == 1, "it is asked for once"


def test_one_is_that_reads_the_sessions_file_again_and_it_is_asked_from_time_to_time(asking: EarlierRelease) -> None:
    assert asking.is_at_work(look(), 100.0) is None
    load_again()
    assert [asking.is_at_work(look(), now) for now in (101.0, 115.9, 116.0)] == [True, True, None]
    load_again()
    assert asking.is_at_work(look(), 117.0) is True
    assert [asking.is_at_work(look(), now) for now in (132.0, 146.9, 147.0)] == [None, None, False]


def test_one_that_knows_the_lease_is_not_taken_for_it(asking: EarlierRelease) -> None:
    seen = look()
    assert asking.is_at_work(seen, 100.0) is None
    assert take(seen, PLACE)
    load_again()
    assert asking.is_at_work(seen, 101.0) is None


def test_after_a_lease_nobody_is_suspected_unless_types_were_loaded_long_after_it(asking: EarlierRelease) -> None:
    taken = take(look(), PLACE)
    assert taken is not None
    load_again()
    taken.give_back()
    assert asking.is_at_work(look(), 0.0) is False
    Lease.objects.update(renewed_at=timezone.now() - timedelta(seconds=SECONDS + 1))
    assert asking.is_at_work(look(), 0.0) is None
