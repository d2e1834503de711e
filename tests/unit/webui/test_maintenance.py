"""While there is a maintenance text: who sees it, and what goes on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from remote_service.models import Session, Site
from webui import maintenance

Visit = Callable[[User], Client]
MakeSession = Callable[..., Session]

TEXT = "New disks <until> noon."


@pytest.fixture
def closed(db: None) -> None:
    """The pages are closed."""
    Site.objects.create(pk=1, maintenance=TEXT)


@pytest.mark.parametrize("path", ["/", "/sessions/", "/password/", "/nowhere/", "/dashboard/", "/admin/"])
def test_users_see_the_text_instead_of_the_pages(closed: None, alice: User, visit: Visit, path: str) -> None:
    response = visit(alice).get(path)
    page = response.content.decode()
    assert response.status_code == 503
    assert "<h1>Closed for maintenance</h1>" in page
    assert "New disks &lt;until&gt; noon." in page
    assert "Log in as staff" not in page
    assert "You see them because" not in page
    assert (response["Retry-After"], "no-store" in response["Cache-Control"]) == ("300", True)


def test_who_is_not_logged_in_sees_it_with_a_way_in_for_staff(closed: None, client: Client) -> None:
    response = client.get("/")
    assert response.status_code == 503
    assert 'href="/login/?next=%2F"' in response.content.decode()


def test_staff_without_the_permission_sees_it_too(closed: None, watcher: User, visit: Visit) -> None:
    assert visit(watcher).get("/password/").status_code == 503


def test_nothing_can_be_launched(closed: None, alice: User, visit: Visit) -> None:
    assert visit(alice).post("/launch/", {"type": "Pattern"}).status_code == 503
    assert not Session.objects.exists()


def test_who_may_manage_sessions_sees_the_pages_and_what_the_others_are_told(
    closed: None, manager: User, visit: Visit
) -> None:
    response = visit(manager).get("/password/")
    page = response.content.decode()
    assert response.status_code == 200
    assert "The pages are closed for maintenance." in page
    assert "New disks &lt;until&gt; noon." in page


def test_logging_in_and_out_goes_on(closed: None, alice: User, client: Client) -> None:
    page = client.get("/login/")
    assert page.status_code == 200
    assert "New disks" not in page.content.decode()
    assert client.get("/favicon.ico").status_code == 200
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    assert client.post("/logout/").status_code == 302


def test_a_viewer_that_is_open_goes_on_and_can_stop_its_session(
    closed: None, alice: User, visit: Visit, make_session: MakeSession
) -> None:
    session = make_session(alice)
    browser = visit(alice)
    assert browser.get(f"/sessions/{session.pk}/status").json()["state"] == "running"
    assert browser.get(f"/sessions/{session.pk}/").status_code == 503
    assert browser.post(f"/sessions/{session.pk}/stop").status_code == 303


def test_the_stand_alone_rest_goes_on(closed: None, client: Client) -> None:
    assert client.get("/v1/status").status_code in (401, 403)


def test_an_open_page_loads_itself_again_and_shows_it(closed: None, alice: User, manager: User, visit: Visit) -> None:
    """What a page without a websocket asks for: 404 says that there is no such page for its user any more."""
    assert visit(alice).get("/live/?page=picker").status_code == 404
    assert visit(manager).get("/live/?page=picker").status_code == 200


@pytest.mark.django_db
def test_an_empty_text_closes_nothing(alice: User, visit: Visit) -> None:
    assert visit(alice).get("/password/").status_code == 200
    Site.objects.create(pk=1, maintenance="")
    assert visit(alice).get("/password/").status_code == 200


@pytest.mark.django_db
def test_it_costs_a_page_one_query(client: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        client.post("/theme/", {"theme": "dark"})


def test_it_stands_just_before_the_one_that_keeps_a_request_in_one_thread(settings: Settings) -> None:
    assert settings.MIDDLEWARE[-2:] == ["webui.maintenance.maintenance", "webui.one_thread.one_thread"]
    assert maintenance.maintenance.sync_capable and not maintenance.maintenance.async_capable  # type: ignore[attr-defined]
