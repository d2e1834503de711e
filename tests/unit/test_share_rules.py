"""What a share is worth: every reason against one, alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from remote_service.share_rules import (
    EXPIRED,
    FOR_OTHERS,
    GUEST,
    NO_GUESTS,
    NOT_IN_TYPES_GROUP,
    NOT_LIVE,
    NOT_SHARED,
    REVOKED,
    USED_UP,
    Audience,
    Person,
    Reach,
    Terms,
    admits,
    refusal,
    use_refusal,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
BOB = Person(2, True, {"Rendering"})
CHARLIE = Person(3, True, frozenset())
FOR_BOB = Terms(live=True, audience=Audience.USER, user_id=2)
FOR_GROUP = Terms(live=True, audience=Audience.GROUP, group="Rendering")
FOR_ANYONE = Terms(live=True, audience=Audience.ANYONE)
FOR_GUESTS = Terms(live=True, audience=Audience.GUESTS)


def why_not(terms: Terms, person: Person = BOB, reach: Reach | None = Reach.GROUP, groups: object = None) -> str:
    return refusal(terms, person, reach, groups, NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize("terms", [FOR_BOB, FOR_GROUP, FOR_ANYONE])
def test_it_is_worth_something_to_those_it_is_for(terms: Terms) -> None:
    assert why_not(terms) == ""


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        (replace(FOR_BOB, live=False), NOT_LIVE),
        (replace(FOR_BOB, revoked=True), REVOKED),
        (replace(FOR_BOB, expires_at=NOW), EXPIRED),
        (replace(FOR_BOB, expires_at=NOW - timedelta(days=1)), EXPIRED),
        (replace(FOR_BOB, user_id=4), FOR_OTHERS),
        (replace(FOR_GROUP, group="Staff"), FOR_OTHERS),
    ],
)
def test_each_reason_against_it_suffices(terms: Terms, sentence: str) -> None:
    assert why_not(terms) == sentence


def test_it_is_worth_something_until_the_moment_of_its_end() -> None:
    assert why_not(replace(FOR_BOB, expires_at=NOW + timedelta(microseconds=1))) == ""


@pytest.mark.parametrize("reach", [None, Reach.NO])
def test_a_type_that_is_not_shared_or_is_gone_counts_for_nobody(reach: Reach | None) -> None:
    assert why_not(FOR_BOB, reach=reach) == NOT_SHARED


def test_it_does_not_reach_outside_the_types_group_unless_the_type_says_so() -> None:
    for_charlie = replace(FOR_BOB, user_id=3)
    assert why_not(for_charlie, CHARLIE, Reach.GROUP, ("Rendering",)) == NOT_IN_TYPES_GROUP
    assert why_not(FOR_ANYONE, CHARLIE, Reach.GROUP, ("Rendering",)) == NOT_IN_TYPES_GROUP
    assert why_not(FOR_ANYONE, BOB, Reach.GROUP, ("Rendering", "Staff")) == ""
    assert why_not(for_charlie, CHARLIE, Reach.OUTSIDE, ("Rendering",)) == ""
    assert why_not(FOR_ANYONE, CHARLIE, Reach.OUTSIDE, ("Rendering",)) == ""
    assert why_not(FOR_ANYONE, CHARLIE, Reach.GROUP, None) == "", "a type without a group is everybody's"


def test_who_was_blocked_is_admitted_nowhere() -> None:
    assert not admits(replace(BOB, active=False), Reach.OUTSIDE, None)
    assert why_not(FOR_BOB, replace(BOB, active=False), Reach.OUTSIDE) == NOT_IN_TYPES_GROUP


@pytest.mark.parametrize(("left", "sentence"), [(None, ""), (3, ""), (1, ""), (0, USED_UP)])
def test_it_is_used_up_when_no_use_is_left(left: int | None, sentence: str) -> None:
    assert use_refusal(replace(FOR_ANYONE, uses_left=left)) == sentence


# ---- guests -------------------------------------------------------------------------------------------------


def with_guests(terms: Terms, person: Person, reach: Reach = Reach.GROUP, groups: tuple[str, ...] | None = None) -> str:
    return refusal(terms, person, reach, groups, NOW, guests=True)


@pytest.mark.parametrize("person", [GUEST, BOB])
def test_a_share_for_guests_is_worth_something_to_anybody_only_where_the_site_lets_them_in(person: Person) -> None:
    assert with_guests(FOR_GUESTS, person) == ""
    assert why_not(FOR_GUESTS, person) == NO_GUESTS


@pytest.mark.parametrize(
    "terms", [FOR_BOB, replace(FOR_BOB, user_id=None), FOR_GROUP, replace(FOR_GROUP, group=""), FOR_ANYONE]
)
def test_a_guest_holds_no_share_that_is_for_users(terms: Terms) -> None:
    assert with_guests(terms, GUEST) == FOR_OTHERS


def test_a_guest_is_in_no_group() -> None:
    assert with_guests(FOR_GUESTS, GUEST, groups=("Rendering",)) == NOT_IN_TYPES_GROUP
    assert with_guests(FOR_GUESTS, GUEST, groups=()) == NOT_IN_TYPES_GROUP
    assert with_guests(FOR_GUESTS, GUEST, Reach.OUTSIDE, ("Rendering",)) == ""
    assert with_guests(FOR_GUESTS, GUEST, Reach.NO) == NOT_SHARED
    assert with_guests(FOR_GUESTS, CHARLIE, groups=("Rendering",)) == NOT_IN_TYPES_GROUP


@pytest.mark.parametrize(
    ("change", "sentence"),
    [({"live": False}, NOT_LIVE), ({"revoked": True}, REVOKED), ({"expires_at": NOW}, EXPIRED)],
)
def test_what_ends_a_share_ends_it_for_guests(change: dict[str, object], sentence: str) -> None:
    assert with_guests(replace(FOR_GUESTS, **change), GUEST) == sentence  # type: ignore[arg-type]
