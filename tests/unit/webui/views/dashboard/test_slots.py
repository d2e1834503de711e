"""Slots of each type, those in quarantine, and drains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from remote_service.lifecycle import SUPERVISOR, note
from remote_service.models import Drain, Session
from remote_service.states import State
from tests.unit.webui.views.dashboard.desk import Desk, told

MakeSession = Callable[..., Session]


def test_each_type_has_a_row_and_each_slot_in_quarantine_its_reason(
    desk: Desk, alice: User, make_type: Callable[..., Any], make_session: MakeSession
) -> None:
    make_type("Pattern", count=3)
    make_session(alice, index=0)
    session = make_session(alice, State.FAILED, index=1, quarantined=True)
    note(session.pk, "quarantined", why="processes 4711 could not be ended", by=SUPERVISOR)
    page = desk.see("slots/")
    assert "Pattern 1 1 1 3 yes Drain" in page
    assert "Pattern , slot 1 processes 4711 could not be ended" in page and "Release" in page


def test_a_site_without_types_says_where_to_look(desk: Desk) -> None:
    assert "There is no session type. The catalogue says why." in desk.see("slots/")


def test_a_type_is_drained_with_a_text_and_the_drain_is_ended(desk: Desk, make_type: Callable[..., Any]) -> None:
    make_type("Pattern")
    said = desk.do("drains/", kind="type", name="Pattern", text="New licences come at noon.")
    assert said == "“Pattern” takes no new sessions now. Those that run go on."
    assert told("drained") == ("session type Pattern. New licences come at noon.", "mona", "192.0.2.7", "dashboard")
    drain = Drain.objects.get()
    assert "drained" in desk.see("slots/") and "New licences come at noon." in desk.see("slots/")
    assert desk.do(f"drains/{drain.pk}/end") == "“Pattern” takes new sessions again."
    assert desk.do(f"drains/{drain.pk}/end") == "That drain had been ended already."
    assert told("drain ended")[0] == "session type Pattern."


def test_the_form_names_the_hosts_that_can_be_drained(desk: Desk, make_type: Callable[..., Any]) -> None:
    make_type(options={"host": "n8.example.org"})
    assert "Hosts that types name: n8.example.org" in desk.see("drains/?kind=host")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"kind": "type", "name": "Patern", "text": "A."}, "There is no session type “Patern”."),
        ({"kind": "host", "name": "n8", "text": ""}, "This field is required."),
    ],
)
def test_a_drain_that_cannot_be_says_why(desk: Desk, fields: dict[str, str], sentence: str) -> None:
    assert sentence in desk.refused("drains/", **fields)
    assert not Drain.objects.exists()


def test_a_drained_host_is_said_of_the_types_on_it(desk: Desk, make_type: Callable[..., Any]) -> None:
    make_type("On n8", options={"host": "n8"})
    desk.do("drains/", kind="host", name="n8", text="A fan is broken.")
    assert "On n8 2 0 0 2 host n8 is drained" in desk.see("slots/")
