"""Each type's slots: free, used, in quarantine; and what keeps new sessions away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from pytest_django import DjangoAssertNumQueries

from remote_service.models import Drain, Session
from remote_service.states import State
from webui.slot_table import list_slots

MakeSession = Callable[..., Session]


def test_slots_are_free_used_or_in_quarantine(
    alice: User,
    make_type: Callable[..., Any],
    make_session: MakeSession,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    make_type("Pattern", count=4)
    make_type("Desktop", count=1)
    make_session(alice, index=0)
    make_session(alice, State.RESERVED, index=1)
    make_session(alice, State.FAILED, index=2, quarantined=True)
    make_session(alice, State.ENDED, index=3)
    # Of an older sessions file, with more slots; and a type that is gone.
    make_session(alice, index=9)
    make_session(alice, index=0, type_name="Gone")
    with django_assert_num_queries(2):
        rows = list_slots([])
    assert [(row.name, row.total, row.free, row.used, row.quarantined) for row in rows] == [
        ("Pattern", 4, 1, 2, 1),
        ("Desktop", 1, 1, 0, 0),
    ]


def test_a_row_says_what_is_drained(make_type: Callable[..., Any]) -> None:
    make_type("Pattern")
    make_type("On n8", options={"host": "n8"})
    make_type("Free")
    drains = [
        Drain.objects.create(kind=Drain.Kind.TYPE, name="Pattern"),
        Drain.objects.create(kind=Drain.Kind.HOST, name="n8"),
    ]
    assert [(row.name, row.drain, row.own_drain) for row in list_slots(drains)] == [
        ("Pattern", drains[0], True),
        ("On n8", drains[1], False),
        ("Free", None, False),
    ]
