"""Blocking users, and letting them in again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from remote_service.models import Session
from tests.unit.webui.views.dashboard.desk import Desk, told
from webui.views.dashboard import users

MakeSession = Callable[..., Session]


def test_those_are_listed_who_are_blocked_or_have_sessions(
    desk: Desk, alice: User, bob: User, make_user: Callable[..., User], make_session: MakeSession
) -> None:
    make_user("mallory", is_active=False)
    make_session(alice)
    page = desk.see("users/")
    assert "mallory blocked 0 live sessions Unblock" in page
    assert "alice 1 live session Block" in page
    assert " bob " not in page


def test_anybody_is_found_by_a_part_of_the_name(
    desk: Desk, bob: User, make_user: Callable[..., User], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "bob 0 live sessions Block" in desk.see("users/?text=BO")
    assert "No user has that in the name." in desk.see("users/?text=nobody")
    assert "mona 0 live sessions you" in desk.see("users/?text=mon")
    make_user("bobby")
    monkeypatch.setattr(users, "MOST_LISTED", 1)
    assert "And more: search for a longer part of the name." in desk.see("users/?text=bob")


def test_a_user_is_blocked_with_all_sessions_and_let_in_again(
    desk: Desk, alice: User, visit: Callable[[User], Client], make_session: MakeSession
) -> None:
    session, hers = make_session(alice), visit(alice)
    asked = desk.see(f"users/{alice.pk}/block")
    assert "Block “alice”?" in asked
    assert "It stands in the history, and with the sessions that are ended." in asked
    assert "The owner of the session reads it" not in asked
    said = desk.do(f"users/{alice.pk}/block", reason="Her account was stolen.")
    assert said == "“alice” is blocked, and 1 session is being ended."
    session.refresh_from_db()
    assert (session.wanted, session.wanted_reason, session.wanted_detail) == (
        "stop",
        "staff",
        "Her account was stolen.",
    )
    assert told("user blocked") == ("alice: Her account was stolen.", "mona", "192.0.2.7", "dashboard")
    assert hers.get("/password/")["Location"] == "/login/?next=/password/"
    assert desk.do(f"users/{alice.pk}/unblock") == "“alice” may log in again."
    assert desk.do(f"users/{alice.pk}/unblock") == "“alice” was not blocked."
    assert told("user unblocked")[:2] == ("alice", "mona")


def test_superusers_and_oneself_cannot_be_blocked(desk: Desk, manager: User, make_user: Callable[..., User]) -> None:
    root = make_user("root", is_superuser=True)
    assert "root 0 live sessions a superuser" in desk.see("users/?text=root")
    said = desk.do(f"users/{root.pk}/block", reason="A bad day.")
    assert said == "&#x27;root&#x27; was not blocked: superusers cannot be blocked."
    said = desk.do(f"users/{manager.pk}/block", reason="A bad day.")
    assert said == "&#x27;mona&#x27; was not blocked: nobody can block themselves."
    assert not User.objects.filter(is_active=False).exists()


def test_nobody_is_blocked_without_a_reason(desk: Desk, alice: User) -> None:
    assert "This field is required." in desk.refused(f"users/{alice.pk}/block")
    alice.refresh_from_db()
    assert alice.is_active


def test_a_user_who_is_not_there_is_404(desk: Desk) -> None:
    desk.see("users/4711/block", status=404)
