"""Twenty clients at once for three slots: three sessions, seventeen refusals, however often."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from remote_service.actors import Actor
from remote_service.errors import NoFreeSlotError
from remote_service.models import Session, SessionEvent
from remote_service.reservations import reserve_for_rest
from remote_service.states import State

CLIENTS, SLOTS, ROUNDS = 20, 3, 10
"""Fifty rounds are played through a real server, in test_rest.py."""
REFUSAL = "All 3 slots of 'Pattern' are in use. Try again when somebody has finished."


@pytest.mark.django_db(transaction=True)
def test_twenty_clients_for_three_slots_make_three_sessions_every_time(
    make_type: Callable[..., Any],
) -> None:
    make_type(count=SLOTS)
    at_once = threading.Barrier(CLIENTS)

    def client(_number: int) -> str:
        at_once.wait()
        try:
            return f"slot {reserve_for_rest('Pattern', {}, Actor('', '', 'rest')).session.index}"
        except NoFreeSlotError as refusal:
            return str(refusal)

    def hang_up(_number: int) -> None:
        at_once.wait()
        connection.close()

    expected = Counter({"slot 0": 1, "slot 1": 1, "slot 2": 1, REFUSAL: CLIENTS - SLOTS})
    with ThreadPoolExecutor(CLIENTS) as clients:
        for _ in range(ROUNDS):
            assert Counter(clients.map(client, range(CLIENTS))) == expected
            assert sorted(Session.objects.live().values_list("index", flat=True)) == [0, 1, 2]
            Session.objects.live().update(state=State.ENDED)
        list(clients.map(hang_up, range(CLIENTS)))
    assert Session.objects.count() == ROUNDS * SLOTS
    # The same refusal within a minute is one event.
    assert 1 <= SessionEvent.objects.filter(what="refused").count() < CLIENTS - SLOTS
