"""Shares in the database."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from remote_service.models import Guest, Session, Share, ShareHolder, StaffLook


@pytest.fixture
def share(alice: Any) -> Share:
    session = Session.objects.create(type_name="Desktop", index=0, owner=alice, door="web", token_hash="hash")
    return Share.objects.create(session=session, secret_hash="secret hash", audience="anyone")


def test_somebody_holds_a_share_once(share: Share, bob: Any) -> None:
    ShareHolder.objects.create(share=share, user=bob)
    with pytest.raises(IntegrityError), transaction.atomic():
        ShareHolder.objects.create(share=share, user=bob)


def test_a_secret_leads_to_one_share(share: Share) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Share.objects.create(session=share.session, secret_hash="secret hash", audience="anyone")


def test_what_was_for_a_group_is_for_nobody_when_the_group_is_gone(share: Share, group: Any) -> None:
    Share.objects.create(session=share.session, secret_hash="another hash", audience="group", group=group)
    group.delete()
    assert list(Share.objects.all()) == [share]


def test_they_are_known_by_their_numbers(share: Share, bob: Any) -> None:
    assert str(share) == f"share {share.pk} of {share.session_id}"
    assert str(ShareHolder(share=share, user=bob)) == f"holder {bob.pk} of {share.pk}"
    assert str(StaffLook(session=share.session, user=bob)) == f"look of {bob.pk} at {share.session_id}"


def test_a_holder_is_a_user_or_a_guest(share: Share, bob: Any) -> None:
    guest = Guest.objects.create(session=share.session, browser_hash="b")
    assert str(guest) == f"guest {guest.pk} of {share.session_id}"
    assert str(ShareHolder.objects.create(share=share, guest=guest)) == f"holder {guest.pk} of {share.pk}"
    for wrong in ({}, {"user": bob, "guest": guest}, {"guest": guest}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ShareHolder.objects.create(share=share, **wrong)


@pytest.mark.parametrize(
    ("shared", "own", "control"),
    [(False, None, False), (True, None, True), (False, True, True), (True, False, False)],
)
def test_a_holders_own_control_goes_before_the_shares(
    share: Share, bob: Any, shared: bool, own: Any, control: bool
) -> None:
    share.control = shared
    holder = ShareHolder(share=share, user=bob, own_control=own)
    assert (holder.control, holder.person) == (control, bob)


def test_a_share_has_a_reference_that_does_not_open_it(share: Share) -> None:
    assert share.reference == f"share {str(share.pk)[:8]}"


def test_a_browser_is_one_guest_of_a_session(share: Share) -> None:
    Guest.objects.create(session=share.session, browser_hash="b")
    with pytest.raises(IntegrityError), transaction.atomic():
        Guest.objects.create(session=share.session, browser_hash="b")


def test_to_rules_that_ask_for_a_login_a_guest_is_nobody() -> None:
    assert not Guest().is_authenticated
    assert not Guest().is_active
