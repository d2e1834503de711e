"""The row of the one that supervises."""

from __future__ import annotations

import pytest

from remote_service.models import Lease

pytestmark = pytest.mark.django_db


def test_there_is_one_row_and_it_is_nobodys_at_first() -> None:
    Lease.objects.all().delete()
    found = Lease.load()
    assert (found.holder, found.epoch, found.renewals, found.process) == ("", 0, 0, "")
    assert Lease.load() == found
    assert Lease.objects.count() == 1


def test_its_text_says_who_has_it() -> None:
    assert str(Lease(epoch=3)) == "epoch 3, nobody"
    assert str(Lease(epoch=4, place="n8:/state/run")) == "epoch 4, n8:/state/run"
