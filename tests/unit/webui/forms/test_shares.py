"""What an owner enters for a link."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from remote_service.models import Session
from remote_service.sharing import Offer
from tests.conftest import GROUP
from webui.forms.shares import ShareForm, WatchForm

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MakeSession = Callable[..., Session]
MakeType = Callable[..., Any]


def form_of(session: Session, **entered: Any) -> ShareForm:
    assert session.owner is not None
    data = {"control": "view", "audience": "anyone", "lasts": "day", **entered}
    return ShareForm(data, session=session, owner=session.owner)


def offered(session: Session, **entered: Any) -> Offer:
    form = form_of(session, **entered)
    assert form.is_valid(), form.errors
    return form.offer(NOW)


@pytest.fixture
def session(alice: User, make_session: MakeSession, make_type: MakeType) -> Session:
    make_type("Pattern", options={"group": GROUP})
    return make_session(alice)


def test_what_is_entered_is_what_is_offered(session: Session, bob: User, group: Group) -> None:
    tomorrow = NOW + timedelta(days=1)
    assert offered(session, audience="user", user=" bob ", most_uses="7") == Offer(user=bob, expires_at=tomorrow)
    assert offered(session, audience="group", group=str(group.pk), control="control", most_uses="7") == Offer(
        control=True, group=group, expires_at=tomorrow, most_uses=7
    )
    assert offered(session, user="bob", group=str(group.pk)) == Offer(expires_at=tomorrow)


@pytest.mark.parametrize(
    ("lasts", "until"),
    [("hour", NOW + timedelta(hours=1)), ("week", NOW + timedelta(days=7)), ("session", None)],
)
def test_it_lasts_as_long_as_was_chosen(session: Session, lasts: str, until: datetime | None) -> None:
    assert offered(session, lasts=lasts).expires_at == until


@pytest.mark.parametrize(
    ("entered", "field", "sentence"),
    [
        ({"audience": "user"}, "user", "Enter the name that they log in with."),
        ({"audience": "user", "user": "nobody"}, "user", "There is no user “nobody”."),
        ({"audience": "user", "user": "charlie"}, "user", "“charlie” may not see sessions of this type."),
        (
            {"audience": "user", "user": "alice"},
            "user",
            "This is your own session: share it with somebody else.",
        ),
        ({"audience": "group"}, "group", "Choose a group."),
        ({"most_uses": "0"}, "most_uses", "Ensure this value is greater than or equal to 1."),
        ({"most_uses": "1001"}, "most_uses", "Ensure this value is less than or equal to 1000."),
        (
            {"lasts": "ever"},
            "lasts",
            "Select a valid choice. ever is not one of the available choices.",
        ),
    ],
)
def test_what_cannot_be_is_told_beside_its_field(
    session: Session, charlie: User, entered: dict[str, str], field: str, sentence: str
) -> None:
    assert form_of(session, **entered).errors == {field: [sentence]}


def test_a_blocked_user_is_none(session: Session, bob: User) -> None:
    bob.is_active = False
    bob.save()
    assert form_of(session, audience="user", user="bob").errors == {"user": ["There is no user “bob”."]}


def audiences(session: Session) -> dict[str, str]:
    field: Any = form_of(session).fields["audience"]
    return dict(field.choices)


def test_it_says_how_far_a_link_for_anyone_reaches(
    session: Session, alice: User, make_session: MakeSession, make_type: MakeType
) -> None:
    make_type("Open")
    make_type("Outside", options={"group": GROUP}, share="outside")
    assert audiences(session) == {
        "user": "one user", "group": "a group of yours", "anyone": "all who may use this type",
    }  # fmt: skip
    assert audiences(make_session(alice, type_name="Open"))["anyone"] == "all who log in"
    assert audiences(make_session(alice, type_name="Outside"))["anyone"] == "all who log in"


def test_a_group_is_offered_only_when_its_members_may_come(
    session: Session, alice: User, make_session: MakeSession, make_type: MakeType
) -> None:
    alice.groups.add(Group.objects.create(name="Chess"))
    make_type("Outside", options={"group": GROUP}, share="outside")

    def groups(of: Session) -> list[str]:
        field: Any = form_of(of).fields["group"]
        return [found.name for found in field.queryset]

    assert groups(session) == [GROUP]
    assert groups(make_session(alice, type_name="Outside")) == ["Chess", GROUP]
    alice.groups.clear()
    assert "group" not in audiences(session)


def test_staff_reads_who_reads_the_reason() -> None:
    assert WatchForm().fields["reason"].help_text == (
        "A sentence. The owner of the session reads it at once, and it stands in the history."
    )


def test_guests_are_offered_only_where_they_may_come(
    alice: User, make_session: MakeSession, make_type: MakeType, session: Session, settings: Any
) -> None:
    make_type("Open")
    make_type("Open house", options={"group": GROUP}, share="outside")
    of_all = {name: make_session(alice, type_name=name) for name in ("Pattern", "Open", "Open house")}

    def offering() -> set[str]:
        fields = {name: form_of(one).fields["audience"] for name, one in of_all.items()}
        return {name for name, field in fields.items() if "guests" in dict(field.choices)}  # type: ignore[attr-defined]

    assert offering() == set()
    assert "audience" in form_of(of_all["Open"], audience="guests").errors
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, guests=True)
    assert offering() == {"Open", "Open house"}
    helps = {name: form_of(one).fields["most_uses"].help_text for name, one in of_all.items()}
    assert helps["Open"] == "Empty: any number, but 100 guests."
    assert helps["Pattern"] == "Empty: any number."
    assert "audience" in form_of(session, audience="guests").errors
    offer = offered(of_all["Open"], audience="guests", user="bob", most_uses="3")
    assert offer == Offer(guests=True, expires_at=NOW + timedelta(days=1), most_uses=3)
