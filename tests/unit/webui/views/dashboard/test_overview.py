"""The first page: how the site is, in numbers, and what staff did last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from remote_service import lifecycle
from remote_service.actors import Actor
from remote_service.models import Session, Site
from remote_service.states import State
from tests.unit.webui.views.dashboard.desk import Desk

MakeSession = Callable[..., Session]


def test_it_counts_what_there_is(
    desk: Desk, alice: User, make_type: Callable[..., Any], make_session: MakeSession
) -> None:
    make_type("Pattern", count=4)
    make_session(alice, index=0)
    make_session(alice, index=1, unknown_since=timezone.now())
    make_session(alice, State.FAILED, index=2, quarantined=True, unknown_since=timezone.now())
    page = desk.see("")
    for words in ("2 live sessions", "1 of 4 slots free", "1 unknown", "1 in quarantine", "0 drained"):
        assert words in page
    assert "0 problems of the catalogue" in page
    assert "The switch is off" not in page


def test_it_warns_of_vnc_servers_that_let_everybody_in(desk: Desk, alice: User, make_session: MakeSession) -> None:
    make_session(alice)
    assert "asks for no password" not in desk.see("")
    make_session(alice, index=1, unprotected=True)
    make_session(alice, State.ENDED, index=2, unprotected=True)

    assert (
        "The VNC server of 1 live session listens on a TCP port and asks for no password: whoever reaches the port is "
        "let in. Which they are" in desk.see("")
    )
    assert "no password" in desk.see("sessions/?state=unprotected")


def test_it_says_that_the_switch_is_off(desk: Desk) -> None:
    Site.objects.create(pk=1, external_sessions_enabled=False)
    assert "The switch is off: no session can be launched." in desk.see("")


def test_it_lists_what_staff_did_last(desk: Desk) -> None:
    assert "Nothing yet." in desk.see("")
    desk.do("site/switch", on="false")
    assert "Switch turned External sessions are off. mona" in desk.see("")


def test_each_act_says_to_what_it_was(
    desk: Desk, alice: User, manager: User, visit: Callable[[User], Client], make_session: MakeSession
) -> None:
    named, plain = make_session(alice, title="Turbine"), make_session(alice, index=1)
    for session in (named, plain):
        desk.do(f"sessions/{session.pk}/stop", reason="The node is rebooted.")
    lifecycle.note(None, "drained", by=Actor("mona", "", "dashboard"), type_name="Wall")
    page = desk.see("")
    assert f"Stop asked Turbine · {named.reference} · Pattern It was stopped by staff." in page
    assert f"Stop asked Pattern · {plain.reference} It was stopped by staff." in page
    assert "Drained Wall mona" in page
    assert f'href="/sessions/{named.pk}/details/"' in visit(manager).get("/dashboard/").content.decode()


def test_it_takes_as_many_queries_for_many_as_for_one(
    desk: Desk,
    alice: User,
    make_type: Callable[..., Any],
    make_session: MakeSession,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    def look(queries: int) -> int:
        with django_assert_max_num_queries(queries) as asked:
            desk.see("")
        return len(asked)

    lifecycle.note(make_session(alice).pk, "stop asked", by=Actor("mona", "", "dashboard"))
    Site.load()
    few = look(30)
    for number in range(5):
        make_type(f"Type {number}")
        lifecycle.note(make_session(alice).pk, "stop asked", by=Actor("mona", "", "dashboard"))
    assert look(few) == few
