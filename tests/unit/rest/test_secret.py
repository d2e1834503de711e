"""The secret of the stand-alone REST: before everything else, on every route, compared in constant time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client, RequestFactory

from remote_service import database
from remote_service.errors import UnauthorizedError
from remote_service.models import SessionEvent
from remote_service.rest import secret
from remote_service.rest.secret import check_secret, rest_actor
from tests.unit.rest.conftest import SECRET

ROUTES = ["/v1/status", "/v1/status_view", "/v1/reserve/Pattern", "/v1/release/token", "/v1/stop"]
UNAUTHORIZED = {
    "error": "unauthorized",
    "message": "The security token is missing or wrong; expected ?security_token= or a Bearer header.",
}
CLOSED = {
    "error": "rest_closed",
    "message": "The REST interface is closed: no secret is configured. "
    "Start the server with --security-token or WEBSOCKETSERVER_SECURITY_TOKEN.",
}

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("gateway_settings")]


@pytest.fixture
def client() -> Client:
    """As strict about forged requests as the real server."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database does not answer."""

    def fails(*_arguments: object) -> None:
        raise OperationalError("connection timeout expired")

    monkeypatch.setattr("remote_service.rest.views.status_document", fails)
    monkeypatch.setattr("remote_service.lifecycle.note_refusal", fails)
    monkeypatch.setattr(database._Said, "at", -database.SAID_EVERY)


@pytest.mark.parametrize("shown", [SECRET, "wrong"])
@pytest.mark.usefixtures("away")
def test_while_the_database_does_not_answer_clients_are_told_so_and_the_log_has_one_line(
    client: Client, shown: str, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        response = client.get("/v1/status", {"security_token": shown})
        assert (response.status_code, response["Retry-After"], response["Cache-Control"]) == (503, "5", "no-store")
        assert response.json() == {
            "error": "database_away",
            "message": "The gateway cannot reach its database at the moment; sessions go on. Try again in a moment.",
        }
    assert caplog.messages == [
        "the database cannot be reached, and who asks for a page is told so (503): connection timeout expired"
    ]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ({}, {}),
        ({"security_token": ""}, {}),
        ({"security_token": "rest secre"}, {}),
        ({"security_token": "rest secret "}, {}),
        ({"security_token": "REST SECRET"}, {}),
        ({"security_token": "größer"}, {}),
        ({"token": SECRET}, {}),
        ({}, {"Authorization": "Bearer wrong"}),
        ({}, {"Authorization": "Bearer"}),
        ({}, {"Authorization": SECRET}),
        ({}, {"Authorization": f"Basic {SECRET}"}),
        # Who shows both means the header.
        ({"security_token": SECRET}, {"Authorization": "Bearer wrong"}),
        ({"security_token": [SECRET, "wrong"]}, {}),
    ],
)
def test_without_the_secret_every_route_is_401(
    client: Client, route: str, query: dict[str, Any], headers: dict[str, str]
) -> None:
    response = client.get(route, query, headers=headers)

    assert (response.status_code, response.json()) == (401, UNAUTHORIZED)
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("query", [{}, {"security_token": ""}, {"security_token": SECRET}])
def test_without_a_configured_secret_every_route_is_closed(
    client: Client, settings: Any, route: str, query: dict[str, str]
) -> None:
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, security_token="")

    response = client.get(route, query)

    assert (response.status_code, response.json()) == (403, CLOSED)
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_every_method_but_get_is_405(client: Client, route: str, method: str) -> None:
    response = client.generic(method, f"{route}?security_token=rest+secret")

    assert response.status_code == 405
    assert (response["Allow"], response["Cache-Control"], response.content) == ("GET", "no-store", b"")


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ({"security_token": SECRET}, {}),
        ({"security_token": ["wrong", SECRET]}, {}),
        ({}, {"Authorization": f"Bearer {SECRET}"}),
        ({}, {"Authorization": f"bearer  {SECRET} "}),
        ({"security_token": "wrong"}, {"Authorization": f"Bearer {SECRET}"}),
        ({"security_token": SECRET}, {"Authorization": "Basic YWxpY2U6c2VjcmV0"}),
    ],
)
def test_the_secret_may_stand_in_the_query_or_in_a_header(
    client: Client, query: dict[str, Any], headers: dict[str, str]
) -> None:
    response = client.get("/v1/status", query, headers=headers)

    assert (response.status_code, response.json()) == (200, {"services": {}})
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("route", ROUTES)
def test_a_login_is_no_secret(client: Client, admin_user: Any, route: str) -> None:
    client.force_login(admin_user)

    assert client.get(route).status_code == 401


def test_it_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    monkeypatch.setattr(secret, "constant_time_compare", lambda shown, expected: compared.append((shown, expected)))

    with pytest.raises(UnauthorizedError):
        check_secret(RequestFactory().get("/v1/status", {"security_token": SECRET}))

    assert compared == [(SECRET, SECRET)]


@pytest.mark.parametrize(("configured", "code"), [(SECRET, "unauthorized"), ("", "rest_closed")])
def test_a_refusal_leaves_an_event(client: Client, settings: Any, configured: str, code: str) -> None:
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, security_token=configured)

    client.get("/v1/status", {"security_token": "guess-1"}, REMOTE_ADDR="192.0.2.7")

    event = SessionEvent.objects.get()
    assert (event.what, event.door, event.address, event.session) == ("refused", "rest", "192.0.2.7", None)
    assert event.why.startswith(f"{code}: ")
    assert "guess-1" not in event.why


def test_who_asks_is_known_by_address_only() -> None:
    actor = rest_actor(RequestFactory().get("/v1/status", REMOTE_ADDR="192.0.2.7"))

    assert (actor.name, actor.address, actor.door) == ("", "192.0.2.7", "rest")
