"""All sessions in one list, and their end by staff."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from remote_service.models import Session, Viewer
from remote_service.states import State
from tests.unit.webui.views.dashboard.desk import Desk, told
from webui import dashboard_fragments

MakeSession = Callable[..., Session]


# ---- the list ---------------------------------------------------------------------------------------------


def test_without_a_filter_live_sessions_are_listed(desk: Desk, alice: User, make_session: MakeSession) -> None:
    make_session(alice, title="Turbine", host="n8.example.org")
    make_session(alice, State.ENDED, title="Of yesterday")
    page = desk.see("sessions/")
    assert "1 session " in page and "Turbine Pattern" in page and "n8.example.org" in page
    assert "Of yesterday" not in page
    assert "Of yesterday" in desk.see("sessions/?state=any")


def test_nothing_found_says_what_to_do(desk: Desk) -> None:
    assert "There is no such session at the moment." in desk.see("sessions/")
    assert "No session fits all of that." in desk.see("sessions/?owner=nobody")


def test_a_session_of_which_nothing_is_known_says_since_when_and_why(
    desk: Desk, alice: User, make_session: MakeSession
) -> None:
    make_session(alice, unknown_since=timezone.now(), unknown_reason="The node does not answer.")
    page = desk.see("sessions/?state=unknown")
    assert "Unknown since" in page and "The node does not answer." in page and "Declare ended" in page


def test_long_lists_come_in_pages_that_keep_the_filter(
    desk: Desk,
    manager: User,
    visit: Callable[[User], Client],
    make_session: MakeSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dashboard_fragments, "ON_A_PAGE", 2)
    for number in range(5):
        make_session(manager, title=f"Number {number}", created_at=timezone.now() + timedelta(seconds=number))
    page = visit(manager).get("/dashboard/sessions/?owner=mona&page=2").content.decode()
    assert "Number 2" in page and "Number 1" in page and "Number 3" not in page
    assert "page 2 of 3" in page
    assert 'href="?owner=mona&amp;page=1"' in page and 'href="?owner=mona&amp;page=3"' in page
    assert "page 3 of 3" in desk.see("sessions/?page=99")
    assert "page 1 of 3" in desk.see("sessions/?page=x")


def test_it_takes_as_many_queries_for_many_as_for_one(
    desk: Desk, alice: User, make_session: MakeSession, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    def look(most: int) -> int:
        with django_assert_max_num_queries(most) as asked:
            desk.see("sessions/?state=any")
        return len(asked)

    Viewer.objects.create(session=make_session(alice))
    few = look(15)
    for _ in range(60):
        Viewer.objects.create(session=make_session(alice))
    assert look(few) == few


# ---- stopping ---------------------------------------------------------------------------------------------


def test_a_session_is_stopped_with_a_reason_that_its_owner_sees(
    desk: Desk, alice: User, make_session: MakeSession
) -> None:
    session = make_session(alice, title="Turbine")
    page = desk.see(f"sessions/{session.pk}/stop")
    assert "Stop “Turbine”?" in page and "alice" in page
    assert desk.do(f"sessions/{session.pk}/stop", reason="The node is rebooted.") == "“Turbine” is being ended."
    session.refresh_from_db()
    assert (session.wanted, session.wanted_reason, session.wanted_detail) == ("stop", "staff", "The node is rebooted.")
    assert told("stop asked") == ("It was stopped by staff. The node is rebooted.", "mona", "192.0.2.7", "dashboard")
    said = desk.do(f"sessions/{session.pk}/stop", reason="Once more.")
    assert said == "“Turbine” was ending already, or is over."
    assert "its end is asked for" in desk.see("sessions/")


def test_without_a_reason_nothing_is_stopped(desk: Desk, alice: User, make_session: MakeSession) -> None:
    session = make_session(alice)
    assert "This field is required." in desk.refused(f"sessions/{session.pk}/stop", reason=" ")
    session.refresh_from_db()
    assert session.wanted == ""


def test_a_session_of_which_nothing_is_known_is_declared_ended(
    desk: Desk, alice: User, make_session: MakeSession
) -> None:
    session = make_session(alice, unknown_since=timezone.now(), unknown_reason="The node does not answer.")
    page = desk.see(f"sessions/{session.pk}/stop")
    assert "Declare “Pattern” ended?" in page and "The node does not answer." in page
    desk.do(f"sessions/{session.pk}/stop", reason="The node burnt down.")
    session.refresh_from_db()
    assert (session.wanted, session.wanted_reason) == ("stop", "staff")
    assert told("declared ended") == ("The node burnt down.", "mona", "192.0.2.7", "dashboard")


def test_it_leads_back_to_the_list_as_it_was_filtered(
    manager: User, visit: Callable[[User], Client], make_session: MakeSession
) -> None:
    session = make_session(manager)
    address = f"/dashboard/sessions/{session.pk}/stop"
    page = visit(manager).get(f"{address}?next=/dashboard/sessions/%3Fstate%3Dunknown").content.decode()
    assert 'name="next" value="/dashboard/sessions/?state=unknown"' in page
    posted = {"reason": "A.", "next": "https://elsewhere.example/"}
    assert visit(manager).post(address, posted)["Location"] == "/dashboard/sessions/"


def test_a_session_that_is_not_there_is_404(desk: Desk) -> None:
    desk.see(f"sessions/{uuid.uuid4()}/stop", status=404)


# ---- releasing --------------------------------------------------------------------------------------------


def test_a_slot_is_released_from_quarantine_once(desk: Desk, alice: User, make_session: MakeSession) -> None:
    session = make_session(alice, State.FAILED, index=3, quarantined=True)
    assert desk.do(f"sessions/{session.pk}/release") == "Slot 3 of “Pattern” is out of quarantine."
    session.refresh_from_db()
    assert not session.quarantined
    assert told("released from quarantine")[1:] == ("mona", "192.0.2.7", "dashboard")
    assert desk.do(f"sessions/{session.pk}/release") == "Slot 3 of “Pattern” was not in quarantine."
