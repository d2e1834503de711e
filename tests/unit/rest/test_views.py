"""The five routes of the stand-alone REST, answer by answer (design, section 10)."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from remote_service import lifecycle
from remote_service.actors import Actor
from remote_service.conf import Crew
from remote_service.models import Session, SessionEvent, Site
from remote_service.reservations import reserve_for_user
from remote_service.rest import views
from remote_service.sealing import token_hash
from remote_service.states import Event, State
from tests.unit.rest.conftest import SECRET, Answer

Get = Callable[..., Answer]
MakeType = Callable[..., Any]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "RELEASE_PATIENCE", 0.05)
    monkeypatch.setattr(views, "_LOOK", 0.01)


def reserved(get: Get, name: str = "Pattern", **query: str) -> Session:
    """The session behind a reservation that succeeds."""
    status, body = get(f"/v1/reserve/{quote(name)}", **query)
    assert status == 200, body
    return Session.objects.get(token_hash=token_hash(body["token"]))


def refused(get: Get, name: str = "Pattern", **query: str) -> tuple[int, str, str]:
    """Status, code and sentence of a reservation that is refused; no session came of it, but an event did."""
    status, body = get(f"/v1/reserve/{quote(name)}", **query)
    assert sorted(body) == ["error", "message"]
    assert not Session.objects.exists()
    event = SessionEvent.objects.get()
    assert (event.what, event.door, event.type_name) == ("refused", "rest", name)
    assert event.why == f"{body['error']}: {body['message']}"
    return status, body["error"], body["message"]


# ---- /v1/status, /v1/status_view -------------------------------------------------------------------------


def test_status_is_the_document(get: Get, make_type: MakeType) -> None:
    make_type("Pattern", count=1)

    status, body = get("/v1/status")

    assert status == 200
    assert body == {
        "services": {
            "Pattern": {
                "count": 1,
                "free": 1,
                "group": None,
                "file_ext": [],
                "instances": [{"index": 0, "state": "free", "since": None, "viewers": 0}],
            }
        }
    }


def test_status_view_is_a_page_of_the_same(get: Get, make_type: MakeType) -> None:
    make_type("<b>Pattern</b>", count=2, options={"group": ["A", "B"], "file_ext": "case"})

    response = Client().get("/v1/status_view", {"security_token": SECRET})

    page = response.content.decode()
    assert (response.status_code, response["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert response["Cache-Control"] == "no-store"
    assert "<h2>&lt;b&gt;Pattern&lt;/b&gt;</h2>" in page
    assert "<p>2 of 2 free; for A, B; opens case</p>" in page
    assert "<tr><td>0</td><td>free</td><td></td><td>0</td></tr>" in page
    assert SECRET not in page


def test_status_view_of_a_site_without_types_says_so(get: Get) -> None:
    response = Client().get("/v1/status_view", {"security_token": SECRET})

    assert "There are no session types." in response.content.decode()


# ---- /v1/reserve -----------------------------------------------------------------------------------------


def test_a_reservation_says_what_was_reserved_and_where_to_connect(get: Get, make_type: MakeType) -> None:
    make_type("Pattern", count=2)
    reserved(get)

    status, body = get("/v1/reserve/Pattern")

    assert status == 200
    token = body.pop("token")
    assert body == {"service": "Pattern", "index": 1, "websocket": f"/websockify?token={token}", "expires_in": 300}
    assert isinstance(body["expires_in"], int)
    assert len(token) >= 22
    assert not any(character.isspace() for character in token)


def test_nothing_starts_before_the_token_is_used(get: Get, make_type: MakeType) -> None:
    make_type("Pattern")

    session = reserved(get)

    assert (session.state, session.wanted, session.owner, session.door) == ("reserved", "", None, "rest")
    assert list(session.events.values_list("what", "door")) == [("reserved", "rest")]


@pytest.mark.parametrize(("timeout", "shown"), [(0, 0), (60.0, 60), (0.5, 0.5), (None, None)])
def test_it_expires_when_the_type_says(
    get: Get, make_type: MakeType, timeout: float | None, shown: float | None
) -> None:
    make_type("Pattern", limits={"reservation_timeout": timeout})

    assert get("/v1/reserve/Pattern").body["expires_in"] == shown


@pytest.mark.parametrize("name", ["Übung 1", "CFD/Post", "a/b/", "50 % done?", "ümläut/#1&x=y+z"])
def test_the_type_in_the_path_is_percent_decoded(get: Get, make_type: MakeType, name: str) -> None:
    make_type(name)

    for path in {quote(name), quote(name, safe="")}:
        assert get(f"/v1/reserve/{path}").body["service"] == name


@pytest.mark.parametrize("name", ["Nobody", "pattern", "Pattern ", "Pattern/"])
def test_an_unknown_type_is_404(get: Get, make_type: MakeType, name: str) -> None:
    make_type("Pattern")

    assert refused(get, name) == (404, "unknown_type", f"There is no session type {name!r} here.")


@pytest.mark.parametrize("query", [{}, {"size": "\n"}])
def test_a_type_that_is_not_for_the_rest_is_404_whatever_is_asked(
    get: Get, make_type: MakeType, query: dict[str, str]
) -> None:
    make_type("Pattern", rest=False)

    assert refused(get, **query) == (404, "unknown_type", "There is no session type 'Pattern' here.")


def test_without_a_type_there_is_nothing(get: Get) -> None:
    assert Client().get("/v1/reserve/", {"security_token": SECRET}).status_code == 404


def test_when_all_slots_are_in_use_it_is_409(get: Get, make_type: MakeType) -> None:
    make_type("Pattern", count=1)
    session = reserved(get)
    session.events.all().delete()

    status, body = get("/v1/reserve/Pattern")

    assert (status, body["error"]) == (409, "no_free_slot")
    assert body["message"] == "The only slot of 'Pattern' is in use. Try again when somebody has finished."
    assert Session.objects.get() == session


def test_limits_of_users_do_not_count_here(get: Get, make_type: MakeType) -> None:
    make_type("Pattern", count=20, limits={"per_user": 1})

    assert len({reserved(get).index for _ in range(10)}) == 10


def test_switched_off_it_is_503(get: Get, make_type: MakeType) -> None:
    make_type("Pattern")
    Site.load()
    Site.objects.update(external_sessions_enabled=False)

    assert refused(get) == (503, "switched_off", "Launching sessions is switched off at this site at the moment.")


# ---- options ---------------------------------------------------------------------------------------------


def test_options_reach_the_session_as_text_without_the_secret(get: Get, make_type: MakeType) -> None:
    make_type("Pattern")

    session = reserved(get, size="800x600", username="zoë", cores="4", empty="", **{"odd name": "ä b"})

    assert session.options == {
        "size": "800x600", "username": "zoë", "cores": "4", "empty": "", "odd name": "ä b"
    }  # fmt: skip
    assert session.username == "zoë"


def test_the_size_is_the_first_of_the_menu_and_the_username_empty_unless_given(get: Get, make_type: MakeType) -> None:
    make_type("Pattern", options={"sizes": ["1280x1024", "1600x1200"]})

    assert reserved(get).options == {"size": "1280x1024", "username": ""}
    assert reserved(get, size="").options == {"size": "1280x1024", "username": ""}


@pytest.mark.parametrize("size", ["1x1", "as large as it can be", "x" * 64])
def test_a_size_need_not_stand_in_the_menu(get: Get, make_type: MakeType, size: str) -> None:
    make_type("Pattern", options={"sizes": ["1280x1024"]})

    assert reserved(get, size=size).size == size


@pytest.mark.parametrize("size", ["x" * 65, "1600\n1200", " ", "\x00", "1600x1200\x1b[2J"])
def test_a_size_that_is_too_long_or_not_printable_is_400(get: Get, make_type: MakeType, size: str) -> None:
    make_type("Pattern")

    status, code, message = refused(get, size=size)

    assert (status, code) == (400, "invalid_option")
    assert message.startswith("Size: found ")
    assert message.endswith("; expected 1 to 64 printable characters.")


def test_the_last_of_a_repeated_name_wins(get: Get, make_type: MakeType) -> None:
    make_type("Pattern")
    query = "security_token=wrong&cores=1&size=1x1&cores=2&size=2x2&security_token=rest+secret"

    body = Client().get(f"/v1/reserve/Pattern?{query}").json()

    options = Session.objects.get(token_hash=token_hash(body["token"])).options
    assert options == {"size": "2x2", "cores": "2", "username": ""}


@pytest.mark.parametrize("value", ["x" * 256, ""])
def test_other_options_may_have_256_characters(get: Get, make_type: MakeType, value: str) -> None:
    make_type("Pattern")

    assert reserved(get, note=value).options["note"] == value


@pytest.mark.parametrize("value", ["x" * 257, "two\nlines", "\x00"])
def test_other_options_that_are_too_long_or_not_printable_are_400(get: Get, make_type: MakeType, value: str) -> None:
    make_type("Pattern")

    status, code, message = refused(get, note=value)

    assert (status, code) == (400, "invalid_option")
    assert message.startswith("note: found ")
    assert message.endswith("; expected at most 256 printable characters.")


@pytest.mark.parametrize("name", ["x" * 257, "two\nlines", " "])
def test_names_of_options_are_checked_too(get: Get, make_type: MakeType, name: str) -> None:
    make_type("Pattern")

    status, code, message = refused(get, **{name: "1"})

    assert (status, code) == (400, "invalid_option")
    assert message.startswith("The name of an option: found ")


FORM = [
    {"name": "cores", "type": "number", "label": "Cores", "min": 1, "max": 64, "default": 4},
    {"name": "mode", "type": "choice", "choices": ["quick", "good"]},
    {"name": "note", "type": "text", "max": 5, "show_if": {"mode": "good"}},
    {"name": "fast", "type": "checkbox"},
]


def test_a_forms_fields_have_their_defaults_and_conditions(get: Get, make_type: MakeType) -> None:
    make_type("Pattern", form=FORM)

    assert reserved(get, size="1x1", note="hidden").options == {
        "size": "1x1", "cores": "4", "mode": "quick", "fast": "false", "username": ""
    }  # fmt: skip
    assert reserved(get, size="1x1", mode="good", note="shown", cores="64", fast="on", more="1").options == {
        "size": "1x1", "cores": "64", "mode": "good", "note": "shown", "fast": "true", "more": "1", "username": ""
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"cores": "65"}, 'Cores: found "65"; expected a number from 1 to 64.'),
        ({"cores": "many"}, 'Cores: found "many"; expected a number from 1 to 64.'),
        ({"mode": "best"}, 'mode: found "best"; expected one of "quick" and "good".'),
        ({"mode": "good", "note": "longer"}, 'note: found "longer"; expected at most 5 printable characters.'),
        ({"fast": "perhaps"}, 'fast: found "perhaps"; expected true or false.'),
    ],
)
def test_a_forms_rules_apply(get: Get, make_type: MakeType, query: dict[str, str], message: str) -> None:
    make_type("Pattern", form=FORM)

    assert refused(get, **query) == (400, "invalid_option", message)


# ---- groups ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("groups", ["ClusterRendering", ["Others", "ClusterRendering"]])
@pytest.mark.parametrize("name", ["alice", "bob"])
@pytest.mark.usefixtures("alice", "bob")
def test_a_type_with_a_group_is_for_a_members_name(get: Get, make_type: MakeType, groups: Any, name: str) -> None:
    make_type("Pattern", options={"group": groups})

    session = reserved(get, username=name)

    assert (session.username, session.owner, session.options["username"]) == (name, None, name)


@pytest.mark.parametrize("name", [None, "", "charlie", "nobody", "ALICE", "alice "])
@pytest.mark.usefixtures("alice", "charlie")
def test_a_type_with_a_group_is_403_for_anybody_else(get: Get, make_type: MakeType, name: str | None) -> None:
    make_type("Pattern", options={"group": ["ClusterRendering", "Others"]})

    found = refused(get, **({} if name is None else {"username": name}))

    assert found == (
        403, "not_allowed",
        "The type 'Pattern' is for members of ClusterRendering or Others; expected the username of one, "
        f"found {name or ''!r}.",
    )  # fmt: skip


def test_a_member_who_was_made_inactive_is_none(get: Get, make_type: MakeType, alice: Any) -> None:
    make_type("Pattern", options={"group": "ClusterRendering"})
    alice.is_active = False
    alice.save()

    assert refused(get, username="alice")[:2] == (403, "not_allowed")


def test_a_superuser_who_is_no_member_is_none(get: Get, make_type: MakeType, make_user: Callable[..., Any]) -> None:
    make_user("root", is_superuser=True, is_staff=True)
    make_type("Pattern", options={"group": "ClusterRendering"})

    assert refused(get, username="root")[:2] == (403, "not_allowed")


@pytest.mark.parametrize("username", ["", "charlie", "not even a user"])
def test_a_type_without_a_group_takes_any_name(get: Get, make_type: MakeType, username: str) -> None:
    make_type("Pattern")

    assert reserved(get, username=username).username == username


# ---- /v1/release -----------------------------------------------------------------------------------------

UNKNOWN = (404, {"error": "unknown_token", "message": "There is no session with this token."})


def token_of(get: Get) -> str:
    return str(get("/v1/reserve/Pattern").body["token"])


def test_a_release_of_a_reservation_ends_it_at_once_and_may_be_repeated(get: Get, make_type: MakeType) -> None:
    make_type("Pattern", count=1)
    token = token_of(get)

    assert get(f"/v1/release/{token}") == (200, {"released": True})
    session = Session.objects.get()
    assert (session.state, session.end_reason) == ("ended", "released")
    assert session.events.filter(what="drop", door="rest").count() == 1

    assert get(f"/v1/release/{token}") == (200, {"released": True})
    assert session.events.count() == 2
    assert token_of(get) != token


def started(get: Get) -> str:
    """The token of a session that has begun to start."""
    token = token_of(get)
    assert lifecycle.transition(Session.objects.live().get().pk, State.RESERVED, Event.LAUNCH)
    return token


def test_a_release_waits_for_the_slot_and_not_for_ever(get: Get, make_type: MakeType) -> None:
    make_type("Pattern", count=1)

    assert get(f"/v1/release/{started(get)}") == (200, {"released": True})

    session = Session.objects.get()
    assert (session.state, session.wanted, session.wanted_reason) == ("starting", "stop", "released")


def test_a_release_answers_as_soon_as_the_session_is_over(
    get: Get, make_type: MakeType, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_type("Pattern", count=1)
    token = started(get)
    looks: list[str] = []

    async def refresh(session: Session, **_: Any) -> None:
        looks.append(session.state)
        session.state = State.STOPPING if len(looks) < 3 else State.ENDED

    monkeypatch.setattr(Session, "arefresh_from_db", refresh)
    monkeypatch.setattr(views, "RELEASE_PATIENCE", 60.0)

    assert get(f"/v1/release/{token}") == (200, {"released": True})
    assert looks == ["starting", "stopping", "stopping"]


@pytest.mark.parametrize("token", ["nobody-has-this", "%00", "%ff", "a" * 3000])
def test_an_unknown_token_is_404(get: Get, token: str) -> None:
    assert get(f"/v1/release/{token}") == UNKNOWN


def test_a_browser_users_token_is_404_and_nothing_happens_to_the_session(
    get: Get, make_type: MakeType, alice: Any
) -> None:
    make_type("Pattern")
    reservation = reserve_for_user("Pattern", alice, {"size": "1x1"}, Actor("alice", "", "web"))

    assert get(f"/v1/release/{reservation.token}") == UNKNOWN

    reservation.session.refresh_from_db()
    assert reservation.session.wanted == "start"


# ---- /v1/stop --------------------------------------------------------------------------------------------


class Loop:
    """An event loop that only remembers what it shall do later."""

    def __init__(self) -> None:
        self.later: list[tuple[Any, ...]] = []

    def call_later(self, delay: float, *what: Any) -> None:
        self.later.append((delay, *what))


def test_stop_answers_and_then_ends_the_server_as_ctrl_c_does(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = Loop()
    monkeypatch.setattr(views, "asyncio", SimpleNamespace(get_running_loop=lambda: loop))

    assert get("/v1/stop") == (200, {"stopping": True})

    ((delay, *what),) = loop.later
    assert 0 < delay <= 0.1
    assert what == [os.kill, os.getpid(), signal.SIGINT]


STOP_CLOSED = (
    403,
    {
        "error": "rest_closed",
        "message": "The REST interface may not stop this server. Stop it on its machine, or start it with "
        "REMOTE_SERVICE_REST_STOP=1, which is the default where one process does everything.",
    },
)


def test_several_processes_are_not_stopped_unless_the_site_allows_it(get: Get, settings: Any, tmp_path: Path) -> None:
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, crew=Crew(4711, tmp_path))

    assert get("/v1/stop") == STOP_CLOSED


def test_one_process_is_not_stopped_where_the_site_forbids_it(get: Get, settings: Any) -> None:
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, rest_stop=False)

    assert get("/v1/stop") == STOP_CLOSED


def test_of_several_processes_it_ends_the_one_that_keeps_them(
    get: Get, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, crew=Crew(4711, tmp_path), rest_stop=True)
    loop = Loop()
    monkeypatch.setattr(views, "asyncio", SimpleNamespace(get_running_loop=lambda: loop))

    assert get("/v1/stop") == (200, {"stopping": True})

    assert loop.later[0][1:] == (os.kill, 4711, signal.SIGINT)
