"""The dashboard's pages as fragments; what they say is tested with their views."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.models import User

from remote_service.models import Session
from webui import dashboard_fragments
from webui.dashboard_fragments import sessions

MakeSession = Callable[..., Session]


def test_a_row_of_the_list_is_a_fragment_of_its_own(alice: User, manager: User, make_session: MakeSession) -> None:
    made = [make_session(alice, title=f"Number {number}") for number in range(2)]
    fragments = sessions(manager, {}) or {}
    assert set(fragments) == {"changing", *(f"row-{session.pk}" for session in made)}
    assert all(f'<template data-part="row-{session.pk}"></template>' in fragments["changing"] for session in made)
    assert all(session.title not in fragments["changing"] for session in made)


def test_what_changes_of_one_session_changes_its_row_alone(
    alice: User, manager: User, make_session: MakeSession
) -> None:
    one, _ = make_session(alice), make_session(alice)
    before = sessions(manager, {}) or {}
    Session.objects.filter(pk=one.pk).update(title="Renamed")
    after = sessions(manager, {}) or {}
    assert {key for key in after if after[key] != before[key]} == {f"row-{one.pk}"}


def test_the_way_back_from_a_row_leads_to_the_same_page_of_the_list(
    alice: User, manager: User, make_session: MakeSession, monkeypatch: object
) -> None:
    make_session(alice), make_session(alice)
    fragments = sessions(manager, {"owner": "alice", "number": "1"}) or {}
    (row, _) = (html for key, html in fragments.items() if key.startswith("row-"))
    assert "?next=%2Fdashboard%2Fsessions%2F%3Fowner%3Dalice%26page%3D1" in row


def test_every_page_is_none_for_who_may_not_manage_sessions(alice: User, watcher: User) -> None:
    pages = (
        dashboard_fragments.overview,
        dashboard_fragments.sessions,
        dashboard_fragments.slots,
        dashboard_fragments.catalogue,
    )
    assert [page(user, {}) for page in pages for user in (alice, watcher)] == [None] * 8
