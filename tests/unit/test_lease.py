"""Who may supervise, and that nobody else's writes arrive: with a clock of the test's own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from remote_service.hosting.machine import identity
from remote_service.lease import Claim, Fence, FencedError, Wait, look, take
from remote_service.models import Lease, Site

PLACE = "n8:/state/run"
NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
HELD = Claim(holder="somebody", epoch=3, renewals=7, place=PLACE, process="4711 99 boot pid", renewed_at=NOON)


def lives(_process: str) -> bool:
    return False


def ended(process: str) -> bool:
    return process == HELD.process


# ---- waiting ----------------------------------------------------------------------------------------------


def test_one_that_was_given_back_is_free_at_once() -> None:
    assert Wait(5.0, lives).may_take(replace(HELD, holder=""), 0.0)


def test_one_that_stands_still_for_its_time_is_free() -> None:
    wait = Wait(5.0, lives)
    assert [wait.may_take(HELD, now) for now in (100.0, 104.9, 105.0)] == [False, False, True]


def test_one_that_moves_is_not_free_however_long_it_lasts() -> None:
    wait = Wait(5.0, lives)
    assert not any(wait.may_take(replace(HELD, renewals=step), step * 4.9) for step in range(50))


def test_one_that_somebody_else_took_meanwhile_has_its_whole_time_again() -> None:
    wait = Wait(5.0, lives)
    taken = replace(HELD, epoch=4, renewals=HELD.renewals)
    assert not wait.may_take(HELD, 0.0)
    assert [wait.may_take(taken, now) for now in (5.0, 9.9, 10.0)] == [False, False, True]


def test_one_whose_holder_has_ended_for_sure_is_free_at_once() -> None:
    assert Wait(5.0, ended).may_take(HELD, 0.0)
    assert not Wait(5.0, ended).may_take(replace(HELD, process="another"), 0.0)


# ---- taking -----------------------------------------------------------------------------------------------


@pytest.fixture
def fence(db: None) -> Fence:
    """Ours, taken just now."""
    taken = take(look(), PLACE)
    assert taken is not None
    return taken


def overtake() -> Fence:
    """Another supervisor takes the lease."""
    taken = take(look(), "n9:/state/run")
    assert taken is not None
    return taken


def test_who_takes_it_stands_in_the_row_under_an_epoch_of_its_own(fence: Fence) -> None:
    seen = look()
    assert seen == Claim(fence.holder, 1, 0, PLACE, identity(), seen.renewed_at)
    assert (fence.epoch, repr(fence)) == (1, "<Fence epoch 1>")
    other = overtake()
    assert (other.epoch, look().place) == (2, "n9:/state/run")
    assert other.holder != fence.holder


def test_of_two_that_saw_the_same_one_takes_it(db: None) -> None:
    seen = look()
    assert take(seen, PLACE) is not None
    assert take(seen, "n9:/state/run") is None
    assert (look().epoch, look().place) == (1, PLACE)


def test_what_was_renewed_since_it_was_seen_is_not_taken(fence: Fence) -> None:
    seen = look()
    fence.renew()
    assert take(seen, "n9:/state/run") is None
    assert look() == replace(seen, renewals=1, renewed_at=look().renewed_at)
    assert look().renewed_at > seen.renewed_at


def test_one_that_was_given_back_is_taken_under_the_next_epoch(fence: Fence) -> None:
    fence.give_back()
    assert (look().holder, look().process, look().epoch) == ("", "", 1)
    assert overtake().epoch == 2


def test_who_takes_it_knows_for_how_long_nobody_had_it(fence: Fence) -> None:
    assert fence.gap == 0.0, "nobody ever had it"
    Lease.objects.update(renewed_at=timezone.now() - timedelta(seconds=100))
    assert overtake().gap == pytest.approx(100.0, abs=5.0)


def test_a_clock_that_was_put_back_makes_no_gap(fence: Fence) -> None:
    Lease.objects.update(renewed_at=timezone.now() + timedelta(hours=1))
    assert overtake().gap == 0.0


# ---- the fence --------------------------------------------------------------------------------------------


def test_the_holder_renews_checks_and_writes(fence: Fence) -> None:
    fence.renew()
    fence.renew()
    fence.check()
    assert look().renewals == 2
    assert fence.write(lambda value, *, times: value * times, "ab", times=2) == "abab"


def test_whoever_was_overtaken_neither_renews_nor_checks_nor_writes(fence: Fence) -> None:
    overtake()
    seen, called = look(), []
    for attempt in (fence.renew, fence.check, lambda: fence.write(called.append, "a row")):
        with pytest.raises(FencedError) as caught:
            attempt()
        assert str(caught.value) == "epoch 1 is over"
    assert (called, look()) == ([], seen)


def test_whoever_was_overtaken_gives_nothing_back(fence: Fence) -> None:
    other = overtake()
    fence.give_back()
    assert look().holder == other.holder


def test_what_fails_in_a_write_leaves_nothing_of_it(fence: Fence) -> None:
    def half_done() -> None:
        Site.objects.update_or_create(pk=1, defaults={"maintenance": "Back at noon."})
        raise ValueError("no further")

    with pytest.raises(ValueError, match=r"^no further$"):
        fence.write(half_done)
    assert Site.maintenance_text() == ""
    fence.check()


def test_without_a_row_there_is_no_holder_and_the_next_look_makes_one(fence: Fence) -> None:
    Lease.objects.all().delete()
    with pytest.raises(FencedError):
        fence.check()
    assert (look().holder, look().epoch) == ("", 0)


def test_in_a_restored_database_the_epoch_goes_on_where_runners_heard_it_last(db: None, tmp_path: Path) -> None:
    memory = tmp_path / "epoch"
    for epoch in (1, 2, 3):
        taken = take(look(), PLACE, memory)
        assert taken is not None
        assert taken.epoch == epoch
    Lease.objects.update(epoch=1, holder="")
    restored = take(look(), PLACE, memory)
    assert restored is not None
    assert (restored.epoch, look().epoch, memory.read_text()) == (4, 4, "4\n")


@pytest.mark.parametrize("content", ["", "rubbish"])
def test_a_memory_that_cannot_be_read_or_written_keeps_nobody_from_taking_it(
    db: None, tmp_path: Path, content: str
) -> None:
    memory = tmp_path / "epoch"
    if content:
        memory.write_text(content)
    else:
        memory.mkdir()
    taken = take(look(), PLACE, memory)
    assert taken is not None
    assert taken.epoch == 1
