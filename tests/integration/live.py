"""The real `manage.py serve` on a site of its own, for tests that talk to it from outside.

`tests/integration/conftest.py` makes two fixtures of it: `live`, one server for all tests of a worker, and
`own_server`, which starts servers that a test may stop, kill or configure. `tests/integration/server` and
`tests/browser` have sites with more scripts. All clean up all that is left.

    def test_something(live: LiveServer) -> None:
        reservation = live.reserve("Pattern")                       # by REST, with the site's secret
        with live.open(reservation) as viewer:                      # its viewer
            assert viewer.recv() == b"RFB 003.008\\n"
        live.manage("reload_sessions")                              # a management command on its state directory
        cookie = live.login("alice")                                # as if through the login page
        session = live.launch("alice", "Pattern")                   # through the picker; the session's id

    async def test_a_viewer(live: LiveServer) -> None:
        async with live.websocket(f"/sessions/{session}/websockify", cookie=cookie, origin=live.url) as viewer:
            assert await viewer.recv() == b"RFB 003.008\\n"
"""

from __future__ import annotations

import hashlib
import json
import socket
import urllib.error
import urllib.parse
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from websockets.asyncio.client import connect
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as connect_at_once

from tests.environment import FOLDER, made_once
from tests.integration.pages import PASSWORD, SitePages, fetch, opener, unverified
from tests.integration.serving import EXAMPLES, READY_WITHIN, ServedSite, copy_of_prepared, manage, with_dashes
from tests.integration.serving import environment as environment_of
from tests.waiting import eventually

USERS = {
    "alice": {"group": "ClusterRendering"},
    "bob": {"group": "ClusterRendering"},
    "charlie": {},
    "staff": {"is_staff": True},
    "looker": {"is_staff": True, "permission": "view_any_session"},
    "manager": {"is_staff": True, "permission": "manage_any_session"},
    "root": {"is_staff": True, "is_superuser": True},
}

_MAKE_USERS = """
import json, sys
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
users, password = json.loads(sys.stdin.readline())
hashed = make_password(password)
logins = {}
for name, traits in users.items():
    group, permission = traits.pop("group", None), traits.pop("permission", None)
    user = User.objects.create(username=name, password=hashed, **traits)
    if group:
        user.groups.add(Group.objects.get_or_create(name=group)[0])
    if permission:
        user.user_permissions.add(Permission.objects.get(codename=permission))
    browser = Client()
    browser.force_login(user, "django.contrib.auth.backends.ModelBackend")
    logins[name] = browser.cookies["gateway_session"].value
print(json.dumps(logins))
"""

_ROWS = "SELECT id, type_name, state, end_reason, end_detail, quarantined FROM remote_service_session"


class Answer(NamedTuple):
    """What the stand-alone REST said."""

    status: int
    body: Any


class Reservation(NamedTuple):
    """A slot that was reserved by REST."""

    token: str
    service: str
    index: int
    websocket: str


class Row(NamedTuple):
    """A session as the database has it."""

    id: str
    type_name: str
    state: str
    end_reason: str
    end_detail: str
    quarantined: bool


def template_with_users() -> Path:
    """A state directory with the users, for sites to work on copies of it; the first that asks in a run makes it.

    In it every user has logged in already: with the login page, that takes a site longer than to start.
    """

    def make(half: Path) -> None:
        make_users(FOLDER / "template", environment_of(copy_of_prepared(half)))

    return made_once("template", make)


def make_users(template: Path, variables: Mapping[str, str]) -> None:
    """Makes the users of sites that work on copies of `template`, in the database that the variables name."""
    order = json.dumps([USERS, PASSWORD])
    done = manage(variables, "shell", "--no-imports", "-c", _MAKE_USERS, given=order)
    assert done.returncode == 0, done.stderr
    _logins_file(template).write_text(done.stdout)


def _logins_file(template: Path) -> Path:
    return template.with_name(f"{template.name}.logins")


class LiveServer(ServedSite, SitePages):
    """What one asks of a site: its REST, its pages (see `SitePages`), its viewers' lines, its sessions."""

    SCRIPTS = (EXAMPLES, Path(__file__).parent / "relay_scripts")

    def __init__(
        self,
        template: Path,
        sessions: Mapping[str, Any] | None = None,
        *,
        tls: tuple[Path, Path] | None = None,
        measured: bool = False,
        **variables: str,
    ) -> None:
        """Lays the site out; see `ServedSite`."""
        super().__init__(template, sessions, tls=tls, measured=measured, **variables)
        self._viewers = ExitStack()
        self.reservations: list[Reservation] = []
        """Those of `reserve`, in their order."""
        logins = _logins_file(template)
        self._logins: dict[str, str] = json.loads(logins.read_text()) if logins.exists() else {}

    def login_made_before(self, name: str) -> str:
        """The session cookie that the template has of a user; empty when it has none."""
        return self._logins.get(name, "")

    @property
    def url(self) -> str:
        """Where its pages are, without a slash at the end; it is their Origin as well."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def start(self, *arguments: str) -> None:
        """Starts the server and waits until it answers and has read its session types for the first time."""
        super().start(*arguments)
        # It answers without waiting for scripts that take long to load, as all do on a busy machine.
        eventually(lambda: self.query("SELECT 1 FROM remote_service_site WHERE loaded_at IS NOT NULL"), READY_WITHIN)

    def answers(self) -> bool:
        """Whether it answers those who know its secret; another server at this port would refuse it."""
        try:
            return self.rest("/v1/status").status == 200
        except (urllib.error.URLError, ConnectionError):
            return False

    def clean_up(self) -> list[str]:
        """Closes the viewers' lines too."""
        self._viewers.close()
        return super().clean_up()

    # ---- the stand-alone REST ---------------------------------------------------------------------------

    def rest(self, path: str, **query: str) -> Answer:
        """Calls the REST with the site's secret; what is not JSON is returned as text."""
        asked = urllib.parse.urlencode({"security_token": self.secret, **query})
        page = fetch(opener(), f"{self.url}{path}?{asked}")
        return Answer(page.status, json.loads(page.text) if page.text.startswith("{") else page.text)

    def reserve(self, type_name: str, **options: str) -> Reservation:
        """Reserves a slot; fails when that is refused."""
        status, body = self.rest(f"/v1/reserve/{urllib.parse.quote(type_name)}", **options)
        assert status == 200, body
        self.reservations.append(Reservation(body["token"], body["service"], body["index"], body["websocket"]))
        return self.reservations[-1]

    def reservation(self, type_name: str) -> Reservation:
        """The latest of a type."""
        return next(each for each in reversed(self.reservations) if each.service == type_name)

    def release_all(self) -> None:
        """Ends the sessions that were reserved here, one after the other, and waits until each is over."""
        for reservation in self.reservations:
            assert self.rest(f"/v1/release/{reservation.token}").body == {"released": True}
            eventually(lambda token=reservation: self.row(token).state in ("ended", "failed"), within=20)  # type: ignore[misc]

    def instance(self, type_name: str, index: int = 0) -> dict[str, Any]:
        """A slot as `/v1/status` has it."""
        found: dict[str, Any] = self.rest("/v1/status").body["services"][type_name]["instances"][index]
        return found

    def free_slots(self, type_name: str) -> int:
        """How many slots of a type are free."""
        return int(self.rest("/v1/status").body["services"][type_name]["free"])

    # ---- viewers ----------------------------------------------------------------------------------------

    def open(self, reservation: Reservation) -> ClientConnection:
        """Opens a viewer of a reserved slot; it is closed at the latest when the site is taken down."""
        return self._viewers.enter_context(self._open(reservation.websocket))

    def open_page(self, name: str, session: str) -> ClientConnection:
        """Opens a viewer as a session's page does; likewise."""
        path, headers = f"/sessions/{session}/websockify", {"Cookie": self.login(name)}
        return self._viewers.enter_context(
            self._open(path, additional_headers=headers, origin=self.url, subprotocols=["binary"])
        )

    def _open(self, path: str, **options: Any) -> ClientConnection:
        address = f"ws://127.0.0.1:{self.port}{path}"
        return connect_at_once(address, open_timeout=20, max_size=None, compression=None, close_timeout=1, **options)

    def run_session(self, type_name: str) -> tuple[Reservation, ClientConnection]:
        """Reserves and opens, and waits for the banner: the session runs and has one viewer."""
        reservation = self.reserve(type_name)
        viewer = self.open(reservation)
        banner = viewer.recv(20)
        assert isinstance(banner, bytes)
        assert banner.startswith(b"RFB ")
        return reservation, viewer

    def websocket(self, path: str, cookie: str | None = None, origin: str | None = None, **options: Any) -> connect:
        """A viewer's line in an event loop, an async context manager (see `websockets.asyncio.client.connect`).

        Raises when it is entered:
            websockets.exceptions.InvalidStatus: the upgrade was refused.
        """
        return connect(
            f"{self.url.replace('http', 'ws', 1)}{path}",
            additional_headers={"Cookie": cookie} if cookie else None,
            **{
                "origin": origin, "subprotocols": ["binary"], "compression": None, "max_size": None, "proxy": None,
                "ping_interval": None, "close_timeout": 1, "ssl": unverified() if self.tls else None, **options,
            },
        )  # fmt: skip

    def viewer_of(self, token: str, **options: Any) -> connect:
        """A viewer by a token of the stand-alone REST, in an event loop."""
        return self.websocket(f"/websockify?token={token}", **options)

    def page_viewer(self, name: str, session: str, **options: Any) -> connect:
        """A viewer as a session's page opens it, in an event loop."""
        return self.websocket(f"/sessions/{session}/websockify", self.login(name), self.url, **options)

    def guest_viewer(self, browser: str, session: str, **options: Any) -> connect:
        """The same with the browser of somebody without an account; see `accept_as_guest`."""
        options = {"origin": self.url, **options}
        return self.websocket(f"/sessions/{session}/websockify", self.cookies(browser), **options)

    # ---- sessions ---------------------------------------------------------------------------------------

    def row(self, reservation: Reservation) -> Row:
        """A session's row."""
        hashed = hashlib.sha256(reservation.token.encode()).hexdigest()
        (found,) = self.query(f"{_ROWS} WHERE token_hash = ?", hashed)
        return _row(found)

    def rows(self) -> list[Row]:
        """The rows of all sessions there ever were, in the order of `ids`."""
        return [_row(found) for found in self.query(f"{_ROWS} ORDER BY rowid")]

    def session_log(self, session: str) -> str:
        """What a session's script printed."""
        return (self.state / "logs" / "sessions" / f"{session}.log").read_text(errors="replace")


def _row(found: tuple[Any, ...]) -> Row:
    return Row(with_dashes(found[0]), *found[1:5], bool(found[5]))


def cut(viewer: ClientConnection) -> None:
    """Cuts a viewer's line without a goodbye, as a closed laptop lid does."""
    viewer.socket.shutdown(socket.SHUT_RDWR)
    viewer.close()
