"""The page of details as it is followed: for whom it is there, and that it changes only when something did."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from remote_service import lifecycle
from remote_service.actors import Actor
from remote_service.models import Session
from remote_service.states import EndReason
from webui.details_fragments import details_page
from webui.live.pages import Address, fragments_of

MakeSession = Callable[..., Session]


def test_it_is_there_for_those_who_may_see_the_session(
    alice: User, bob: User, manager: User, make_session: MakeSession
) -> None:
    session = make_session(alice)
    asked = {"session": str(session.pk)}
    for user, there in ((alice, True), (manager, True), (bob, False)):
        assert (details_page(user, asked) is not None) is there
    assert set(fragments_of(alice.pk, Address("details", tuple(asked.items()))) or {}) == {
        "details", "shares", "watchers", "site-notes",
    }  # fmt: skip


@pytest.mark.parametrize("wanted", ["", "nonsense", str(uuid.UUID(int=1))])
def test_what_is_no_session_is_not_there(alice: User, wanted: str) -> None:
    assert details_page(alice, {"session": wanted}) is None


def test_it_is_one_element_that_changes_only_when_something_did(alice: User, make_session: MakeSession) -> None:
    session = make_session(alice)
    asked = {"session": str(session.pk)}
    first = details_page(alice, asked)
    assert first is not None and first["details"].startswith('<div id="details"')
    assert first["details"].rstrip().endswith("</div>")
    assert details_page(alice, asked) == first
    lifecycle.ask_to_stop(session.pk, EndReason.USER, Actor("alice", "", "web"))
    assert "Its end was asked for" in (details_page(alice, asked) or {})["details"]
