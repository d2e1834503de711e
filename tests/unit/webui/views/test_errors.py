"""Tests of the pages of errors."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import InterfaceError, OperationalError
from django.test import Client, RequestFactory
from django.urls import get_resolver

from remote_service import database
from webui.views import errors


@pytest.mark.parametrize(
    ("view", "status", "heading"),
    [
        (errors.bad_request, 400, "This request makes no sense"),
        (errors.forbidden, 403, "You may not do this"),
        (errors.not_found, 404, "There is no such page"),
    ],
)
@pytest.mark.django_db
def test_each_says_what_happened_and_leads_on(view: object, status: int, heading: str) -> None:
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    response = view(request, Exception("a detail that is not for users"))  # type: ignore[operator]
    page = response.content.decode()
    assert response.status_code == status
    assert f"<h1>{heading}</h1>" in page
    assert f"<title>{heading} " in page
    assert "a detail" not in page
    assert "To your sessions" in page


def test_the_page_of_a_server_error_needs_neither_user_nor_database() -> None:
    response = errors.server_error(RequestFactory().get("/"))
    assert response.status_code == 500
    assert "<h1>Something went wrong here</h1>" in response.content.decode()


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_the_site_uses_them(status: int) -> None:
    expected = {400: errors.bad_request, 403: errors.forbidden, 404: errors.not_found, 500: errors.server_error}
    assert get_resolver().resolve_error_handler(status) is expected[status]


def test_an_address_that_does_not_exist_has_the_page_of_404(client: Client, alice: User) -> None:
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    response = client.get("/nowhere/<script>")
    assert response.status_code == 404
    assert "There is no such page" in response.content.decode()
    assert "<script>" not in response.content.decode()


def test_a_form_without_its_token_has_a_page_that_says_what_to_do(db: None) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.cookies["theme"] = "dark"
    response = browser.post("/login/", {"username": "alice"})
    page = response.content.decode()
    assert response.status_code == 403
    assert "<h1>This form is out of date</h1>" in page
    assert 'data-theme="dark"' in page
    assert "To your sessions" in page


@pytest.mark.django_db
def test_maintenance_has_a_page_with_the_text_of_staff() -> None:
    request = RequestFactory().get("/sessions/")
    request.user = AnonymousUser()
    response = errors.under_maintenance(request, "New disks.\nUntil <noon>.")
    page = response.content.decode()
    assert response.status_code == 503
    assert "<h1>Closed for maintenance</h1>" in page
    assert "New disks.<br>Until &lt;noon&gt;." in page


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], None]:
    """Has the next questions to the database raise this."""
    monkeypatch.setattr(database._Said, "at", -database.SAID_EVERY)

    def fails_with(error: Exception) -> None:
        def fails(**_filters: object) -> None:
            raise error

        monkeypatch.setattr("webui.maintenance.Site.objects.filter", fails)

    return fails_with


def test_without_a_database_there_is_a_page_that_says_so_and_tries_again(
    fail: Callable[[Exception], None], caplog: pytest.LogCaptureFixture
) -> None:
    fail(OperationalError("connection timeout expired"))
    browser = Client(raise_request_exception=False)
    browser.cookies["theme"] = "dark"
    response = browser.get("/sessions/?page=2")
    page = response.content.decode()
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "no-store" in response["Cache-Control"] and "Content-Security-Policy" in response
    assert "<h1>The gateway cannot reach its database</h1>" in page
    assert '<meta http-equiv="refresh" content="5">' in page
    assert 'href="/sessions/?page=2"' in page and 'data-theme="dark"' in page
    assert "Sessions go on running" in page and "connection timeout" not in page
    # One line, whoever else asks, and no traceback.
    browser.get("/")
    assert caplog.messages == [
        "the database cannot be reached, and who asks for a page is told so (503): connection timeout expired"
    ]
    assert caplog.records[0].exc_info is None


def test_what_was_sent_meanwhile_is_not_sent_again_by_itself(fail: Callable[[Exception], None]) -> None:
    fail(InterfaceError("connection already closed"))
    response = Client(raise_request_exception=False).post("/launch/", {"type": "Desktop"})
    page = response.content.decode()
    assert response.status_code == 503
    assert '<meta http-equiv="refresh" content="5; url=/">' in page
    assert "What you sent may not have been done" in page


def test_a_database_without_its_tables_is_a_server_error(fail: Callable[[Exception], None]) -> None:
    fail(OperationalError("no such table: remote_service_site"))
    response = Client(raise_request_exception=False).get("/")
    assert response.status_code == 500
    assert "<h1>Something went wrong here</h1>" in response.content.decode()
    assert "no such table" not in response.content.decode()
