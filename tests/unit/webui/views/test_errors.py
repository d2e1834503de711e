"""Tests of the pages of errors."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import Client, RequestFactory
from django.urls import get_resolver

from webui.views import errors


@pytest.mark.parametrize(
    ("view", "status", "heading"),
    [
        (errors.bad_request, 400, "This request makes no sense"),
        (errors.forbidden, 403, "You may not do this"),
        (errors.not_found, 404, "There is no such page"),
    ],
)
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
