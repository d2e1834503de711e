"""What viewers have carried stands in their rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from remote_service.models import Viewer
from remote_service.relay.traffic import Traffic
from remote_service.relay.traffic_rows import write_traffic
from remote_service.reservations import Reservation

Reserve = Callable[..., Reservation]


def test_what_viewers_have_carried_is_written_to_each_ones_row(
    reserve: Reserve, alice: Any, bob: Any, django_assert_num_queries: Any
) -> None:
    session = reserve(alice).session
    first, second, third = (Viewer.objects.create(session=session, user=user).pk for user in (alice, bob, alice))
    write_traffic({first: Traffic(1, 2, 3, 4), second: Traffic(2**40, 6, 7, 8), 4711: Traffic(9, 9, 9, 9)})

    def carried(pk: int) -> tuple[int, ...]:
        found = Viewer.objects.get(pk=pk)
        return found.bytes_down, found.bytes_up, found.messages_down, found.messages_up

    assert [carried(pk) for pk in (first, second, third)] == [(1, 2, 3, 4), (2**40, 6, 7, 8), (0, 0, 0, 0)]
    with django_assert_num_queries(0):
        write_traffic({})
