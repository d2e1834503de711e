"""The document of `/v1/status`: every type and slot, no token."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone

from remote_service.actors import Actor
from remote_service.models import Session, Viewer
from remote_service.reservations import Reservation, reserve_for_rest
from remote_service.rest.status import status_document
from remote_service.states import LIVE, State

SINCE = datetime(2026, 5, 17, 8, 30, 15, 250000, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("gateway_settings")


def reserved(name: str = "Pattern") -> Reservation:
    return reserve_for_rest(name, {"size": "800x600"}, Actor("", "192.0.2.7", "rest"))


def put(session: Session, state: State, **columns: Any) -> None:
    Session.objects.filter(pk=session.pk).update(state=state, state_since=SINCE, **columns)


def free(index: int) -> dict[str, Any]:
    return {"index": index, "state": "free", "since": None, "viewers": 0}


def test_a_site_without_types_has_no_services(db: None) -> None:
    assert status_document() == {"services": {}}


def test_a_free_type_shows_every_slot(make_type: Callable[..., Any]) -> None:
    make_type("Pattern", count=2)

    assert status_document() == {
        "services": {"Pattern": {"count": 2, "free": 2, "group": None, "file_ext": [], "instances": [free(0), free(1)]}}
    }


@pytest.mark.parametrize(
    ("options", "group", "file_ext"),
    [
        ({"group": "Rendering", "file_ext": "case"}, ["Rendering"], ["case"]),
        ({"group": ["A", "B"], "file_ext": ["case", "encas"]}, ["A", "B"], ["case", "encas"]),
    ],
)
def test_groups_and_extensions_are_lists(
    make_type: Callable[..., Any], options: dict[str, Any], group: list[str], file_ext: list[str]
) -> None:
    make_type("Pattern", options=options)

    service = status_document()["services"]["Pattern"]
    assert (service["group"], service["file_ext"]) == (group, file_ext)


@pytest.mark.parametrize("state", sorted(LIVE))
def test_a_slot_in_use_shows_the_state_and_since_when(make_type: Callable[..., Any], state: State) -> None:
    make_type("Pattern", count=2)
    put(reserved().session, state)

    service = status_document()["services"]["Pattern"]
    assert service["free"] == 1
    assert service["instances"] == [
        {"index": 0, "state": state.value, "since": "2026-05-17T08:30:15.250000+00:00", "viewers": 0},
        free(1),
    ]


@pytest.mark.parametrize("state", [State.ENDED, State.FAILED])
def test_a_slot_is_free_again_after_its_session(make_type: Callable[..., Any], state: State) -> None:
    make_type("Pattern", count=1)
    put(reserved().session, state)

    assert status_document()["services"]["Pattern"]["instances"] == [free(0)]


@pytest.mark.parametrize(
    ("state", "shown"), [(State.ENDED, "quarantined"), (State.FAILED, "quarantined"), (State.STOPPING, "stopping")]
)
def test_a_slot_in_quarantine_is_not_free(make_type: Callable[..., Any], state: State, shown: str) -> None:
    make_type("Pattern", count=1)
    put(reserved().session, state, quarantined=True)

    service = status_document()["services"]["Pattern"]
    assert (service["free"], service["instances"][0]["state"]) == (0, shown)


def test_only_open_viewers_are_counted(make_type: Callable[..., Any]) -> None:
    make_type("Pattern", count=2)
    watched, unwatched = reserved().session, reserved().session
    for closed_at in (None, None, timezone.now()):
        Viewer.objects.create(session=watched, closed_at=closed_at)
    Viewer.objects.create(session=unwatched, closed_at=timezone.now())

    instances = status_document()["services"]["Pattern"]["instances"]
    assert [instance["viewers"] for instance in instances] == [2, 0]


def test_sessions_of_a_type_that_is_not_served_any_more_are_left_out(make_type: Callable[..., Any]) -> None:
    make_type("Old").delete()
    make_type("Pattern", count=1)
    Session.objects.create(type_name="Old", index=0, door="rest", token_hash="1")
    Session.objects.create(type_name="Pattern", index=7, door="rest", token_hash="2")

    assert status_document()["services"] == {
        "Pattern": {"count": 1, "free": 1, "group": None, "file_ext": [], "instances": [free(0)]}
    }


def test_the_types_stand_in_the_order_of_the_sessions_file(make_type: Callable[..., Any]) -> None:
    for name in ("Zebra", "Apple", "Mango"):
        make_type(name)

    assert list(status_document()["services"]) == ["Zebra", "Apple", "Mango"]


def test_it_takes_three_queries_whatever_there_is(
    make_type: Callable[..., Any], django_assert_num_queries: Any
) -> None:
    for name in ("A", "B", "C"):
        make_type(name, count=5)
        for _ in range(3):
            reserved(name)

    with django_assert_num_queries(3):
        status_document()


def test_it_holds_no_token_and_no_id(make_type: Callable[..., Any]) -> None:
    make_type("Pattern")
    reservation = reserved()

    shown = str(status_document())
    assert reservation.token not in shown
    assert reservation.session.token_hash not in shown
    assert str(reservation.session.pk) not in shown
