"""Tests of the table of pages."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from remote_service.models import Session, Site
from webui.live.pages import PAGES, Address, first_look, fragments_of


def test_a_page_is_made_for_its_user(alice: User, make_type: Callable[..., Any]) -> None:
    make_type()
    assert set(fragments_of(alice.pk, Address("picker")) or ()) >= {"yours", "ended", "others", "types"}


def test_there_is_no_page_for_who_is_blocked_and_none_that_the_table_does_not_name(alice: User) -> None:
    assert fragments_of(alice.pk, Address("nothing")) is None
    User.objects.update(is_active=False)
    assert fragments_of(alice.pk, Address("picker")) is None
    assert fragments_of(0, Address("picker")) is None


def test_the_parameters_reach_the_page(charlie: User, make_type: Callable[..., Any]) -> None:
    row = make_type("Mine")
    assert set(fragments_of(charlie.pk, Address("launch", (("type", "Mine"),))) or ()) == {
        f"foot-{row.pk}",
        "switch",
        "site-notes",
    }
    assert fragments_of(charlie.pk, Address("launch", (("type", "Other"),))) is None


def test_a_template_gets_fragments_with_their_parts_and_where_to_listen(alice: User) -> None:
    parts = {"list": '<ul><template data-part="a"></template></ul>', "a": "<li>"}
    look = first_look(alice, "launch", parts, type="My type")
    assert look.parts["list"] == "<ul><li></ul>"
    assert look.address == "/live/?page=launch&type=My+type"


@pytest.mark.parametrize("page", PAGES)
def test_the_same_state_gives_the_same_texts(
    page: str, manager: User, make_type: Callable[..., Any], make_session: Callable[..., Session]
) -> None:
    make_type("Pattern", form=[{"name": "gpu", "type": "checkbox"}])
    address = Address(page, (("type", "Pattern"), ("session", str(make_session(manager).pk))))
    assert fragments_of(manager.pk, address) == fragments_of(manager.pk, address) != None  # noqa: E711


def test_what_the_page_shows_at_first_is_what_it_would_be_sent(alice: User, make_type: Callable[..., Any]) -> None:
    make_type()
    client = Client()
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    context = client.get("/").context
    assert context is not None
    found = fragments_of(alice.pk, Address("picker"))
    assert found is not None
    assert context["live"].digest == first_look(alice, "picker", found).digest


def test_while_the_pages_are_closed_there_is_none_but_for_who_may_manage(alice: User, manager: User) -> None:
    Site.objects.create(pk=1, maintenance="New disks.")
    assert fragments_of(alice.pk, Address("picker")) is None
    assert "New disks." in (fragments_of(manager.pk, Address("picker")) or {})["site-notes"]


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("dashboard")])
def test_the_dashboard_is_for_those_who_may_manage_sessions(page: str, alice: User, watcher: User) -> None:
    assert [fragments_of(user.pk, Address(page)) for user in (alice, watcher)] == [None, None]


def test_for_a_guest_there_is_the_sessions_screen_and_nothing_else(
    alice: User,
    make_session: Callable[..., Session],
    make_type: Callable[..., Any],
    with_guests: Any,
    come_as_guest: Callable[..., Any],
) -> None:
    make_type("Pattern")
    session = make_session(alice)
    guest = come_as_guest(session)
    parameters = (("session", str(session.pk)),)
    shown = fragments_of(guest.pk, Address("viewer", parameters))
    assert set(shown or ()) == {"rights", "ending", "site-notes"}
    for page in set(PAGES) - {"viewer"}:
        assert fragments_of(guest.pk, Address(page, parameters)) is None
    other = fragments_of(guest.pk, Address("viewer", (("session", str(make_session(alice).pk)),)))
    assert set(other or ()) == {"site-notes"}
    guest.delete()
    assert fragments_of(guest.pk or uuid.uuid4(), Address("viewer", parameters)) is None
