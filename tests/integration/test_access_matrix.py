"""Every route, by every method, for everybody (design, section 9); a route that is not in the table fails.

The columns are `ROLES`: anonymous, alice (owner, in the group), bob (in the group), charlie (outside), then staff
without permissions, with the one to view and with the one to manage any session, and a superuser. "login" is a
redirect to the login page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as site_settings
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client, override_settings

from remote_service.admission import links
from remote_service.conf import GatewaySettings
from remote_service.models import Session, SessionType, Share, StaffLook
from remote_service.rest import views as rest_views
from remote_service.state_dir import open_state_dir
from sessions_config.asgi import websockets
from tests.conftest import GROUP, QUICK_HASHERS, new_type, new_user
from tests.integration.access_world import ROLES, SHARE_SECRET, World, make_world, routes, sessions_now
from tests.unit.conftest import _static_files_by_plain_names  # noqa: F401 (a fixture that all tests here use)
from tests.unit.relay.doubles import Viewer

EVERYBODY = " ".join(["{0}"] * len(ROLES))


def everybody(status: int) -> str:
    return EVERYBODY.format(status)


SITE = {
    # --------------------------------- anonymous alice bob charlie | staff looker manager root
    ("", "GET"):                              "login 200 200 200  200 200 200 200",
    ("", "POST"):                             everybody(405),
    ("launch/", "GET"):                       everybody(405),
    # What a superuser may do to sessions is no membership in a group.
    ("launch/", "POST"):                      "login 303 303 404  404 404 404 404",
    ("launch/<path:type_name>", "GET"):       "login 200 200 404  404 404 404 404",
    ("launch/<path:type_name>", "POST"):      everybody(405),
    # Without a page to be told of; with one see the websockets, which are told the same.
    ("live/", "GET"):                         "login 404 404 404  404 404 404 404",
    ("live/", "POST"):                        everybody(405),
    ("sessions/<uuid:session_id>/again", "GET"):    everybody(405),
    # One's own alone, whatever else one may do to those of others.
    ("sessions/<uuid:session_id>/again", "POST"):   "login 303 404 404  404 404 404 404",
    ("sessions/<uuid:session_id>/", "GET"):         "login 200 404 404  404 200 200 200",
    ("sessions/<uuid:session_id>/", "POST"):        everybody(405),
    ("sessions/<uuid:session_id>/status", "GET"):   "login 200 404 404  404 200 200 200",
    ("sessions/<uuid:session_id>/status", "POST"):  everybody(405),
    ("sessions/<uuid:session_id>/log", "GET"):      "login 200 404 404  404 200 200 200",
    ("sessions/<uuid:session_id>/log", "POST"):     everybody(405),
    ("sessions/<uuid:session_id>/log/part", "GET"):   "login 200 404 404  404 200 200 200",
    ("sessions/<uuid:session_id>/log/part", "POST"):  everybody(405),
    ("sessions/<uuid:session_id>/details/", "GET"):   "login 200 404 404  404 200 200 200",
    ("sessions/<uuid:session_id>/details/", "POST"):  everybody(405),
    ("sessions/<uuid:session_id>/keep", "GET"):     everybody(405),
    ("sessions/<uuid:session_id>/keep", "POST"):    "login 200 404 404  404 403 200 200",
    ("sessions/<uuid:session_id>/stop", "GET"):     everybody(405),
    # The one who may only look knows of it, so it is 403 and no 404.
    ("sessions/<uuid:session_id>/stop", "POST"):    "login 303 404 404  404 403 303 303",
    # A link is the same page for everybody; what it is worth is told to those for whom it is.
    ("share/", "GET"):                        everybody(200),
    ("share/", "POST"):                       everybody(405),
    ("share/ask", "GET"):                     everybody(405),
    ("share/ask", "POST"):                    "login 200 200 404  404 404 404 404",
    ("share/accept", "GET"):                  everybody(405),
    ("share/accept", "POST"):                 "login 303 303 404  404 404 404 404",
    ("sessions/<uuid:session_id>/watch", "GET"):     everybody(405),
    ("sessions/<uuid:session_id>/watch", "POST"):    "login 303 404 404  404 303 303 303",
    # The owner alone lets others in; who may stop the session may throw them out.
    ("sessions/<uuid:session_id>/shares/", "GET"):   everybody(405),
    ("sessions/<uuid:session_id>/shares/", "POST"):  "login 201 404 404  404 403 403 403",
    ("sessions/<uuid:session_id>/shares/<uuid:share_id>/rights", "GET"):   everybody(405),
    ("sessions/<uuid:session_id>/shares/<uuid:share_id>/rights", "POST"):  "login 303 404 404  404 403 403 403",
    ("sessions/<uuid:session_id>/shares/<uuid:share_id>/revoke", "GET"):   everybody(405),
    ("sessions/<uuid:session_id>/shares/<uuid:share_id>/revoke", "POST"):  "login 303 404 404  404 403 303 303",
    # Likewise one of those whom the owner let in.
    ("sessions/<uuid:session_id>/holders/<int:holder_id>/rights", "GET"):       everybody(405),
    ("sessions/<uuid:session_id>/holders/<int:holder_id>/rights", "POST"):      "login 303 404 404  404 403 403 403",
    ("sessions/<uuid:session_id>/holders/<int:holder_id>/admission", "GET"):    everybody(405),
    ("sessions/<uuid:session_id>/holders/<int:holder_id>/admission", "POST"):   "login 303 404 404  404 403 303 303",
    ("login/", "GET"):                        "200 302 302 302  302 302 302 302",
    ("login/", "POST"):                       "200 302 302 302  302 302 302 302",
    ("logout/", "GET"):                       everybody(405),
    ("logout/", "POST"):                      "login login login login  login login login login",
    ("password/", "GET"):                     "login 200 200 200  200 200 200 200",
    ("password/", "POST"):                    "login 200 200 200  200 200 200 200",
    # Whoever may not manage sessions finds no dashboard.
    ("dashboard/", "GET"):                    "login 404 404 404  404 404 200 200",
    ("dashboard/", "POST"):                   everybody(405),
    ("dashboard/sessions/", "GET"):           "login 404 404 404  404 404 200 200",
    ("dashboard/sessions/", "POST"):          everybody(405),
    ("dashboard/sessions/<uuid:session_id>/stop", "GET"):      "login 404 404 404  404 404 200 200",
    ("dashboard/sessions/<uuid:session_id>/stop", "POST"):     "login 404 404 404  404 404 303 303",
    ("dashboard/sessions/<uuid:session_id>/release", "GET"):   everybody(405),
    ("dashboard/sessions/<uuid:session_id>/release", "POST"):  "login 404 404 404  404 404 303 303",
    ("dashboard/slots/", "GET"):              "login 404 404 404  404 404 200 200",
    ("dashboard/slots/", "POST"):             everybody(405),
    ("dashboard/drains/", "GET"):             "login 404 404 404  404 404 200 200",
    ("dashboard/drains/", "POST"):            "login 404 404 404  404 404 303 303",
    ("dashboard/drains/<int:drain_id>/end", "GET"):   everybody(405),
    ("dashboard/drains/<int:drain_id>/end", "POST"):  "login 404 404 404  404 404 303 303",
    ("dashboard/catalogue/", "GET"):          "login 404 404 404  404 404 200 200",
    ("dashboard/catalogue/", "POST"):         everybody(405),
    ("dashboard/catalogue/reload", "GET"):    everybody(405),
    ("dashboard/catalogue/reload", "POST"):   "login 404 404 404  404 404 303 303",
    ("dashboard/announcements/", "GET"):      "login 404 404 404  404 404 200 200",
    ("dashboard/announcements/", "POST"):     "login 404 404 404  404 404 303 303",
    ("dashboard/announcements/<int:announcement_id>/end", "GET"):   everybody(405),
    ("dashboard/announcements/<int:announcement_id>/end", "POST"):  "login 404 404 404  404 404 303 303",
    ("dashboard/site/", "GET"):               "login 404 404 404  404 404 200 200",
    ("dashboard/site/", "POST"):              "login 404 404 404  404 404 303 303",
    ("dashboard/site/switch", "GET"):         everybody(405),
    ("dashboard/site/switch", "POST"):        "login 404 404 404  404 404 303 303",
    ("dashboard/site/open", "GET"):           everybody(405),
    ("dashboard/site/open", "POST"):          "login 404 404 404  404 404 303 303",
    ("dashboard/users/", "GET"):              "login 404 404 404  404 404 200 200",
    ("dashboard/users/", "POST"):             everybody(405),
    ("dashboard/users/<int:user_id>/block", "GET"):     "login 404 404 404  404 404 200 200",
    ("dashboard/users/<int:user_id>/block", "POST"):    "login 404 404 404  404 404 303 303",
    ("dashboard/users/<int:user_id>/unblock", "GET"):   everybody(405),
    ("dashboard/users/<int:user_id>/unblock", "POST"):  "login 404 404 404  404 404 303 303",
    # They change nothing but what the visitor's own browser shows.
    ("theme/", "GET"):                        everybody(405),
    ("theme/", "POST"):                       everybody(303),
    ("announcements/<int:announcement_id>/seen", "GET"):    everybody(405),
    ("announcements/<int:announcement_id>/seen", "POST"):   everybody(303),
    ("favicon.ico", "GET"):                   everybody(200),
    ("favicon.ico", "POST"):                  everybody(405),
    # Programs that watch the server have no login; whose figures they are see tests/unit/monitoring.
    ("healthz", "GET"):                       everybody(200),
    ("healthz", "POST"):                      everybody(405),
    ("readyz", "GET"):                        everybody(503),
    ("readyz", "POST"):                       everybody(405),
    ("metrics", "GET"):                       everybody(403),
    ("metrics", "POST"):                      everybody(405),
    # No login counts at the stand-alone REST; with its secret see below.
    ("v1/status", "GET"):                     everybody(401),
    ("v1/status", "POST"):                    everybody(405),
    ("v1/status_view", "GET"):                everybody(401),
    ("v1/status_view", "POST"):               everybody(405),
    ("v1/reserve/<path:type_name>", "GET"):   everybody(401),
    ("v1/reserve/<path:type_name>", "POST"):  everybody(405),
    ("v1/release/<str:token>", "GET"):        everybody(401),
    ("v1/release/<str:token>", "POST"):       everybody(405),
    ("v1/stop", "GET"):                       everybody(401),
    ("v1/stop", "POST"):                      everybody(405),
}  # fmt: skip

ADMIN = {
    ("", "GET"):                              "login login login login  200 200 200 200",
    ("", "POST"):                             "login login login login  200 200 200 200",
    ("(?P<url>.*)$", "GET"):                  "login login login login  404 404 404 404",
    ("(?P<url>.*)$", "POST"):                 "login login login login  404 404 404 404",
    ("^(?P<app_label>remote_service|axes|auth)/$", "GET"):   "login login login login  404 404 404 200",
    ("^(?P<app_label>remote_service|axes|auth)/$", "POST"):  "login login login login  404 404 404 200",
    ("autocomplete/", "GET"):                 "login login login login  403 403 403 403",
    ("autocomplete/", "POST"):                "login login login login  405 405 405 405",
    ("jsi18n/", "GET"):                       "login login login login  200 200 200 200",
    ("jsi18n/", "POST"):                      "login login login login  405 405 405 405",
    ("login/", "GET"):                        "200 200 200 200  302 302 302 302",
    ("login/", "POST"):                       everybody(200),
    ("logout/", "GET"):                       "302 302 302 302  405 405 405 405",
    ("logout/", "POST"):                      "302 302 302 302  login login login login",
    ("password_change/", "GET"):              "login login login login  200 200 200 200",
    ("password_change/", "POST"):             "login login login login  200 200 200 200",
    ("password_change/done/", "GET"):         "login login login login  200 200 200 200",
    ("password_change/done/", "POST"):        "login login login login  405 405 405 405",
    ("r/<path:content_type_id>/<path:object_id>/", "GET"):   "login login login login  404 404 404 404",
    ("r/<path:content_type_id>/<path:object_id>/", "POST"):  "login login login login  404 404 404 404",
    ("auth/user/<id>/password/", "GET"):      "login login login login  403 403 403 200",
    ("auth/user/<id>/password/", "POST"):     "login login login login  403 403 403 200",
}  # fmt: skip

MODELS = {
    # What a superuser gets by GET and POST (empty, so that nothing is changed); all other staff is refused.
    "remote_service/site/":         {"": 200, "add/": 403, "change/": 200, "delete/": 403, "history/": 200},
    "remote_service/session/":      {"": 200, "add/": 403, "change/": 200, "delete/": 403, "history/": 200},
    "remote_service/sessionevent/": {"": 200, "add/": 403, "change/": 200, "delete/": 403, "history/": 200},
    "auth/group/":                  {"": 200, "add/": 200, "change/": 200, "delete/": 200, "history/": 200},
    "auth/user/":                   {"": 200, "add/": 200, "change/": 200, "delete/": 200, "history/": 200},
    "axes/accessattempt/":          {"": 200, "add/": 403, "change/": 200, "delete/": 200, "history/": 200},
    "axes/accessfailurelog/":       {"": 200, "add/": 403, "change/": 200, "delete/": 200, "history/": 200},
    "axes/accesslog/":              {"": 200, "add/": 403, "change/": 200, "delete/": 200, "history/": 200},
}  # fmt: skip
POSTED = {
    # A form that was accepted leads on.
    "remote_service/site/<path:object_id>/change/": 302,
    "axes/accessattempt/<path:object_id>/change/": 302,
    "axes/accessfailurelog/<path:object_id>/change/": 302,
    "axes/accesslog/<path:object_id>/change/": 302,
    # Read-only.
    "remote_service/session/<path:object_id>/change/": 403,
    "remote_service/sessionevent/<path:object_id>/change/": 403,
}
FIELDS = {
    "launch/": {"type": "Team"},
    "theme/": {"theme": "dark"},
    "share/ask": {"secret": SHARE_SECRET},
    "share/accept": {"secret": SHARE_SECRET},
    "sessions/<uuid:session_id>/shares/": {"control": "view", "audience": "anyone", "lasts": "day"},
    "sessions/<uuid:session_id>/watch": {"reason": "Ticket 4711"},
    "dashboard/sessions/<uuid:session_id>/stop": {"reason": "The node is rebooted."},
    "dashboard/drains/": {"kind": "type", "name": "Team", "text": "New licences come at noon."},
    "dashboard/announcements/": {"text": "Cake at four.", "level": "info"},
    "dashboard/site/": {"text": "New disks."},
    "dashboard/users/<int:user_id>/block": {"reason": "The account was stolen."},
}
"""What is posted; nothing unless it stands here."""


def expectations() -> dict[tuple[str, str], str]:
    """The whole table, by route and method."""
    table = dict(SITE)
    table |= {(f"admin/{route}", method): expected for (route, method), expected in ADMIN.items()}
    nobody = "login login login login"
    for model, statuses in MODELS.items():
        for page, status in statuses.items():
            inner = f"{model}{page}" if page in ("", "add/") else f"{model}<path:object_id>/{page}"
            table[f"admin/{inner}", "GET"] = f"{nobody}  403 403 403 {status}"
            table[f"admin/{inner}", "POST"] = f"{nobody}  403 403 403 {POSTED.get(inner, status)}"
        for method in ("GET", "POST"):
            # An old address, which leads to the page to change.
            table[f"admin/{model}<path:object_id>/", method] = f"{nobody}  302 302 302 302"
    return table


EXPECTED = expectations()


@pytest.fixture(scope="module")
def world_of_all(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, GatewaySettings]]:
    """Made once, with its settings: what a test changes in the database is taken back behind it."""
    chosen = replace(
        site_settings.REMOTE_SERVICE,
        state_dir=open_state_dir(tmp_path_factory.mktemp("matrix") / "state"),
        security_token="rest secret",
    )
    with (
        django_db_blocker.unblock(),
        override_settings(REMOTE_SERVICE=chosen, PASSWORD_HASHERS=QUICK_HASHERS),
        transaction.atomic(),
    ):
        made = make_world(new_user, new_type, Group.objects.create(name=GROUP))
        Path(chosen.session_logs, f"{made.session.session.pk}.log").write_text("hello\n")
        yield made, chosen
        transaction.set_rollback(True)


@pytest.fixture
def gateway_settings(world_of_all: tuple[World, GatewaySettings], settings: Any) -> GatewaySettings:
    """Those of the world."""
    settings.REMOTE_SERVICE = world_of_all[1]
    return world_of_all[1]


@pytest.fixture
def world(world_of_all: tuple[World, GatewaySettings], gateway_settings: GatewaySettings, db: None) -> World:
    """The test's own copy."""
    return deepcopy(world_of_all[0])


def in_short(response: Any) -> str:
    """The status, or "login" for a redirect to a login page."""
    address = response.headers.get("Location", "").partition("?")[0]
    return "login" if response.status_code == 302 and address.endswith("/login/") else str(response.status_code)


@pytest.mark.parametrize("route", routes())
def test_a_route_answers_everybody_as_the_matrix_says(world: World, route: str) -> None:
    address = world.fill(route)
    before = sessions_now()

    def get(role: str) -> str:
        response = world.client(role).get(address)
        assert sessions_now() == before, "a GET reserves, starts and stops nothing"
        return in_short(response)

    def post(role: str) -> str:
        return in_short(world.client(role).post(address, FIELDS.get(route, {})))

    for method, ask in (("GET", get), ("POST", post)):
        assert (route, method) in EXPECTED, f"{method} /{route} is new: say in the matrix who may have it"
        expected = dict(zip(ROLES, EXPECTED[route, method].split(), strict=True))
        assert (method, world.as_every(ask)) == (method, expected)


def test_the_matrix_names_only_routes_that_there_are() -> None:
    assert {route for route, _ in EXPECTED} == set(routes())


@pytest.mark.parametrize("route", [route for route in routes() if not route.startswith(("v1/", "admin/"))])
def test_no_form_is_taken_from_another_site(world: World, route: str) -> None:
    before = sessions_now()

    def ask(role: str) -> int:
        client = world.client(role, enforce_csrf_checks=True)
        return int(client.post(world.fill(route), FIELDS.get(route, {})).status_code)

    # Some routes send away whom they do not know, or refuse the method, before they look at the form.
    assert set(world.as_every(ask).values()) <= {302, 403, 404, 405}
    assert sessions_now() == before


# ---- the stand-alone REST with its secret ----------------------------------------------------------------

WITH_SECRET = {
    "/v1/status": everybody(200),
    "/v1/status_view": everybody(200),
    "/v1/reserve/Open": everybody(200),
    "/v1/reserve/Nobody": everybody(404),
    "/v1/reserve/Team": everybody(403),
    # Not the login counts but the name that is given; a superuser is no member either.
    "/v1/reserve/Team?username={role}": "403 200 200 403  403 403 403 403",
    "/v1/release/{rest}": everybody(200),
    "/v1/release/{web}": everybody(404),
    "/v1/release/nobody-has-this": everybody(404),
    "/v1/stop": everybody(200),
}


@pytest.mark.parametrize("address", WITH_SECRET)
def test_the_secret_counts_alike_for_everybody(world: World, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest_views, "RELEASE_PATIENCE", 0.01)
    monkeypatch.setattr("remote_service.rest.views.os.kill", lambda *_: None)

    def ask(role: str) -> str:
        path, _, query = address.format(role=role, rest=world.rest.token, web=world.session.token).partition("?")
        client = world.client(role)
        return in_short(client.get(f"{path}?{query}", headers={"Authorization": "Bearer rest secret"}))

    assert world.as_every(ask) == dict(zip(ROLES, WITH_SECRET[address].split(), strict=True))


# ---- websockets ------------------------------------------------------------------------------------------

ORIGIN = "http://testserver"

WEBSOCKETS = {
    # By the site's own pages, with the visitor's cookie.
    ("/sessions/{session}/websockify", ORIGIN):        "403 101 403 403  403 101 101 101",
    ("/websockify?token={web}", ORIGIN):               "403 101 403 403  403 101 101 101",
    ("/sessions/{ended}/websockify", ORIGIN):          everybody(403),
    ("/websockify?token={ended_token}", ORIGIN):       everybody(403),
    ("/sessions/{rest_session}/websockify", ORIGIN):   "403 403 403 403  403 101 101 101",
    ("/sessions/00000000-0000-0000-0000-000000000000/websockify", ORIGIN): everybody(403),
    ("/websockify", ORIGIN):                           everybody(403),
    ("/websockify?token=nobody-has-this", ORIGIN):     everybody(403),
    ("/websockify?token={rest}", ORIGIN):              everybody(101),
    ("/anywhere/else?token={rest}", ORIGIN):           everybody(403),
    # An open page is told what changes on it.
    ("/live/?page=picker", ORIGIN):                    "403 101 101 101  101 101 101 101",
    ("/desk/live/?page=launch&type=Team", ORIGIN):     "403 101 101 101  101 101 101 101",
    ("/live/?page=nothing", ORIGIN):                   everybody(403),
    ("/live/", ORIGIN):                                everybody(403),
    # By another site's pages the cookie counts for nothing.
    ("/live/?page=picker", "http://elsewhere.example"):              everybody(403),
    ("/live/?page=picker", None):                                    everybody(403),
    ("/sessions/{session}/websockify", "http://elsewhere.example"):  everybody(403),
    ("/sessions/{session}/websockify", "https://testserver"):        everybody(403),
    ("/sessions/{session}/websockify", None):                        everybody(403),
    ("/websockify?token={web}", "null"):                             everybody(403),
    ("/sessions/{rest_session}/websockify", None):                   everybody(403),
    # A token of the REST is the whole right.
    ("/websockify?token={rest}", "http://elsewhere.example"):        everybody(101),
    ("/websockify?token={rest}", None):                              everybody(101),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _connections_stay_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Channels closes a connection that is in a transaction, as a test's is."""
    monkeypatch.setattr("channels.db.close_old_connections", lambda: None)


def upgrade(world: World, role: str, address: str, origin: str | None) -> str:
    """Asks the whole websocket application as a browser in which `role` is logged in; leaves at once."""
    return upgrade_with(world.client(role), address, origin)


def upgrade_with(client: Client, address: str, origin: str | None) -> str:
    """The same with this browser."""
    path, _, query = address.partition("?")
    headers = [(b"host", b"testserver")]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    if cookies := client.cookies:
        headers.append((b"cookie", "; ".join(f"{key}={value.value}" for key, value in cookies.items()).encode()))
    viewer = Viewer()
    viewer.messages.put_nowait({"type": "websocket.connect"})
    viewer.leaves(1000)
    application: Any = websockets
    asked = {
        "type": "websocket", "scheme": "ws", "path": path, "query_string": query.encode(), "headers": headers,
        "client": ("192.0.2.7", 50000), "subprotocols": [],
    }  # fmt: skip
    async_to_sync(application)(asked, viewer.receive, viewer.send)
    assert viewer.refused is (viewer.accepted is False)
    return "403" if viewer.refused else "101"


@pytest.mark.parametrize(("address", "origin"), WEBSOCKETS)
def test_a_websocket_opens_for_those_in_the_matrix(world: World, address: str, origin: str | None) -> None:
    filled = address.format(
        session=world.session.session.pk, web=world.session.token,
        ended=world.ended.session.pk, ended_token=world.ended.token,
        rest_session=world.rest.session.pk, rest=world.rest.token,
    )  # fmt: skip

    answers = world.as_every(lambda role: upgrade(world, role, filled, origin))

    assert answers == dict(zip(ROLES, WEBSOCKETS[address, origin].split(), strict=True))


UNTIL_A_REASON = "403 101 403 403  403 403 403 403"
WHEN_ACCEPTED = "403 101 101 403  403 101 101 101"


def test_a_websocket_of_anothers_session_opens_for_staff_after_it_said_why_and_for_who_accepted_a_share(
    world: World,
) -> None:
    address = f"/sessions/{world.session.session.pk}/websockify"

    def after_acceptance(role: str) -> str:
        world.client(role).post("/share/accept", {"secret": SHARE_SECRET})
        return upgrade(world, role, address, ORIGIN)

    assert world.as_every(after_acceptance) == dict(zip(ROLES, WHEN_ACCEPTED.split(), strict=True))
    StaffLook.objects.all().delete()
    answers = world.as_every(lambda role: upgrade(world, role, address, ORIGIN))
    assert answers == dict(zip(ROLES, UNTIL_A_REASON.split(), strict=True))


PAGES_OF_A_GUEST = {
    "": 200, "status": 200, "details/": 404, "log": 404, "log/part": 404,
}  # fmt: skip


def test_who_accepted_a_share_may_see_the_screen_and_nothing_else_of_the_session(world: World) -> None:
    client = world.client("bob")
    client.post("/share/accept", {"secret": SHARE_SECRET})
    pages = {page: client.get(f"/sessions/{world.session.session.pk}/{page}").status_code for page in PAGES_OF_A_GUEST}
    assert pages == PAGES_OF_A_GUEST
    of_share, of_holder = f"shares/{world.share.pk}", f"holders/{world.holder.pk}"
    of_others = (f"{of_share}/rights", f"{of_share}/revoke", f"{of_holder}/rights", f"{of_holder}/admission")
    for act in ("stop", "shares/", *of_others, "watch"):
        assert client.post(f"/sessions/{world.session.session.pk}/{act}").status_code == 404


@pytest.mark.parametrize("role", ["looker", "manager", "root"])
def test_a_session_that_waits_for_its_token_is_started_by_no_ones_look(world: World, role: str) -> None:
    assert upgrade(world, role, f"/sessions/{world.rest.session.pk}/websockify", ORIGIN) == "101"

    wanted = Session.objects.get(pk=world.rest.session.pk).wanted
    assert wanted == ("" if role == "looker" else "start")


# ---- guests ----------------------------------------------------------------------------------------------

OF_A_GUEST = {
    # All else is to them what it is to anybody who is not logged in.
    ("sessions/<uuid:session_id>/", "GET"): "200",
    ("sessions/<uuid:session_id>/status", "GET"): "200",
}
WHERE_GUESTS_MAY_COME = {
    # The share of the matrix is for users; what a stranger is told of one for guests see below.
    ("share/ask", "POST"): "404",
    ("share/accept", "POST"): "404",
}


@pytest.fixture
def guest(
    world: World, with_guests: Any, browse: Callable[..., str], come_as_guest: Callable[..., Any]
) -> Iterator[Client]:
    """A browser that is a guest of Alice's session, with control, on a site that lets guests in."""
    row = SessionType.objects.get(name="Team")
    row.stored_definition["share"] = "outside"
    row.save()
    links._limits.clear()
    key = browse()
    come_as_guest(world.session.session, browser=key, control=True)
    yield world.guest(key)
    links._limits.clear()


@pytest.mark.parametrize("route", routes())
def test_a_route_answers_a_guest_as_a_stranger_but_for_the_screen(world: World, guest: Client, route: str) -> None:
    address = world.fill(route)
    before = sessions_now()
    for method, ask in (("GET", guest.get), ("POST", guest.post)):
        as_stranger = EXPECTED[route, method].split()[0]
        expected = {**OF_A_GUEST, **WHERE_GUESTS_MAY_COME}.get((route, method), as_stranger)
        fields = FIELDS.get(route, {}) if method == "POST" else {}
        assert (method, in_short(ask(address, fields))) == (method, expected)
    assert sessions_now() == before


@pytest.mark.parametrize("route", [route for route in routes() if route.startswith(("share/", "sessions/", "live/"))])
def test_where_guests_may_come_a_stranger_gets_no_more(world: World, guest: Client, route: str) -> None:
    address = world.fill(route)
    for method in ("GET", "POST"):
        expected = WHERE_GUESTS_MAY_COME.get((route, method), EXPECTED[route, method].split()[0])
        client = world.client("anonymous")
        answer = client.get(address) if method == "GET" else client.post(address, FIELDS.get(route, {}))
        assert (method, in_short(answer)) == (method, expected)


def test_a_link_for_guests_is_anybodys_by_two_posts(world: World, guest: Client) -> None:
    Share.objects.filter(pk=world.share.pk).update(audience="guests")

    def steps(role: str) -> str:
        client = world.client(role)
        return " ".join(in_short(client.post(f"/share/{step}", {"secret": SHARE_SECRET})) for step in ("ask", "accept"))

    assert world.as_every(steps) == dict.fromkeys(ROLES, "200 303")


GUESTS_WEBSOCKETS = {
    ("/sessions/{session}/websockify", ORIGIN):                         "101",
    ("/websockify?token={web}", ORIGIN):                                "101",
    ("/live/?page=viewer&session={session}", ORIGIN):                   "101",
    ("/sessions/{session}/websockify", "http://elsewhere.example"):     "403",
    ("/sessions/{session}/websockify", None):                           "403",
    ("/sessions/{ended}/websockify", ORIGIN):                           "403",
    ("/sessions/{rest}/websockify", ORIGIN):                            "403",
    ("/live/?page=viewer&session={session}", "http://elsewhere.example"): "403",
    ("/live/?page=viewer&session={rest}", ORIGIN):                      "403",
    ("/live/?page=details&session={session}", ORIGIN):                  "403",
    ("/live/?page=picker", ORIGIN):                                     "403",
    ("/live/?page=dashboard", ORIGIN):                                  "403",
}  # fmt: skip


@pytest.mark.parametrize(("address", "origin"), GUESTS_WEBSOCKETS)
def test_a_websocket_opens_for_a_guest_at_that_session_alone(
    world: World, guest: Client, address: str, origin: str | None, browse: Callable[..., str]
) -> None:
    filled = address.format(
        session=world.session.session.pk, web=world.session.token,
        ended=world.ended.session.pk, rest=world.rest.session.pk,
    )  # fmt: skip
    assert upgrade_with(guest, filled, origin) == GUESTS_WEBSOCKETS[address, origin]
    assert upgrade_with(world.guest(browse()), filled, origin) == "403"
    assert Session.objects.filter(wanted="start").count() == 0
