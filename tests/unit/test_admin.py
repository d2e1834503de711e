"""Django's admin: staff turn the switch, and read sessions and events without being able to edit them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from remote_service.actors import Actor
from remote_service.models import Session, SessionEvent, Site
from remote_service.reservations import reserve_for_user


@pytest.fixture
def root(make_user: Callable[..., Any], client: Client) -> Any:
    """A superuser who is logged in."""
    user = make_user("root", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


@pytest.fixture
def session(alice: Any, make_type: Callable[..., Any], gateway_settings: Any) -> Session:
    """A session of Alice's."""
    make_type("Pattern")
    return reserve_for_user("Pattern", alice, {"size": "800x600"}, Actor("alice", "192.0.2.7", "web")).session


def test_the_switch_is_turned_and_an_event_says_by_whom(root: Any, client: Client) -> None:
    Site.load()
    Site.objects.update(reload_wanted=7)
    response = client.post("/admin/remote_service/site/1/change/", {}, REMOTE_ADDR="192.0.2.9")
    assert response.status_code == 302
    site = Site.load()
    assert not site.external_sessions_enabled
    assert site.reload_wanted == 7
    event = SessionEvent.objects.get(what="switch turned")
    assert (event.why, event.who, event.address, event.door) == (
        "External sessions are off.",
        "root",
        "192.0.2.9",
        "admin",
    )


@pytest.mark.parametrize("path", ["site/add/", "site/1/delete/", "session/add/", "sessionevent/add/"])
def test_rows_of_the_framework_are_neither_added_nor_deleted(root: Any, client: Client, path: str) -> None:
    Site.load()
    assert client.get(f"/admin/remote_service/{path}").status_code == 403


def test_a_session_is_shown_with_its_history_and_cannot_be_changed(root: Any, client: Client, session: Session) -> None:
    page = client.get(f"/admin/remote_service/session/{session.pk}/change/")
    assert page.status_code == 200
    text = page.content.decode()
    assert "192.0.2.7" in text and "reserved" in text
    assert 'name="_save"' not in text
    assert client.post(f"/admin/remote_service/session/{session.pk}/change/", {"state": "ended"}).status_code == 403
    assert client.post(f"/admin/remote_service/session/{session.pk}/delete/", {"post": "yes"}).status_code == 403


def test_no_secret_of_a_session_is_shown(root: Any, client: Client, session: Session) -> None:
    text = client.get(f"/admin/remote_service/session/{session.pk}/change/").content.decode()
    assert session.token_hash not in text
    assert session.sealed_token not in text


def test_lists_of_sessions_and_events_can_be_searched(root: Any, client: Client, session: Session) -> None:
    for name in ("session", "sessionevent"):
        page = client.get(f"/admin/remote_service/{name}/", {"q": str(session.pk)[:8]})
        assert page.status_code == 200
        assert "Pattern" in page.content.decode()


def test_events_are_listed_from_the_newest_with_seconds(root: Any, client: Client, session: Session) -> None:
    SessionEvent.objects.all().delete()
    for second in (7, 9, 8):
        SessionEvent.objects.create(at=datetime(2026, 1, 2, 3, 4, second, tzinfo=UTC), what="refused", session=session)
    expected = [f"2026-01-02 03:04:{second}" for second in ("09", "08", "07")]
    listed = client.get("/admin/remote_service/sessionevent/").content.decode()
    assert re.findall(r"2026-01-02 03:04:\d\d", re.sub(r"<title>.*?</title>", "", listed)) == expected
    assert "sortable" in listed[listed.index("column-time") - 60 : listed.index("column-time")]
    below = client.get(f"/admin/remote_service/session/{session.pk}/change/").content.decode()
    assert set(expected) <= set(re.findall(r"2026-01-02 03:04:\d\d", below))


def test_only_a_quarantined_session_is_marked_in_the_list(root: Any, client: Client, session: Session) -> None:
    def cells() -> list[str]:
        page = client.get("/admin/remote_service/session/").content.decode()
        return re.findall(r'<td class="field-quarantine">(.*?)</td>', page)

    assert cells() == [""]
    Session.objects.update(quarantined=True)
    assert cells() == ["quarantined"]


def test_an_unknown_session_leads_back_to_the_list(root: Any, client: Client) -> None:
    response = client.get(f"/admin/remote_service/session/{uuid.uuid4()}/change/")
    assert response.status_code == 302


def test_who_is_no_staff_is_sent_to_the_login(alice: Any, client: Client) -> None:
    client.force_login(alice)
    assert client.get("/admin/remote_service/session/").status_code == 302


def test_its_forms_can_be_posted_by_a_browser(root: Any, client: Client) -> None:
    """Under our Referrer-Policy a browser would send the Origin "null" with them, which the CSRF check refuses."""
    page = client.get("/admin/").content.decode()
    assert '<meta name="referrer" content="same-origin">' in page
    assert "Remote sessions" in page


def test_staff_release_a_slot_from_quarantine(root: Any, client: Client, session: Session) -> None:
    Session.objects.update(state="ended", quarantined=True)
    data = {"action": "release_from_quarantine", "_selected_action": [str(session.pk)]}
    page = client.post("/admin/remote_service/session/", data, follow=True).content.decode()
    assert "1 of 1 slots were in quarantine, and are free now." in page
    assert not Session.objects.get().quarantined
    assert SessionEvent.objects.get(what="released from quarantine").who == "root"


def test_who_may_only_view_sessions_cannot_release_them(
    make_user: Callable[..., Any], client: Client, session: Session
) -> None:
    Session.objects.update(state="ended", quarantined=True)
    client.force_login(make_user("viewer", is_staff=True, permissions=("view_session",)))
    data = {"action": "release_from_quarantine", "_selected_action": [str(session.pk)]}
    client.post("/admin/remote_service/session/", data)
    assert Session.objects.get().quarantined
