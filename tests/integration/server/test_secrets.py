"""Nothing that a full run writes or shows holds one of its passwords, tokens or keys."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from tests.integration.server.marked_site import MarkedSite
from tests.integration.server.rfb_user import log_in
from tests.integration.server.search import ProcessWatch, disguises, files_below
from tests.integration.serving import ADMIN_PASSWORD
from tests.waiting import eventually

DESKTOP, CHATTY, PATTERN = "Secret desktop", "Chatty", "Pattern"
ADMIN = "admin"
CANARY = "what is printed reaches the log, a password does not:"


class Run:
    """A site in use: pages, REST, websockets, commands, success and failure."""

    def __init__(self, site: MarkedSite) -> None:
        self.site = site
        self.shown: list[tuple[str, str]] = []
        self.wrong_password, self.new_password = secrets.token_urlsafe(12), secrets.token_urlsafe(12)
        self.wrong_token = secrets.token_urlsafe(24)
        self.tokens: list[str] = []

    def everything(self) -> None:
        """All of it."""
        self.pages()
        self.rest()
        done = self.site.manage("try_session", DESKTOP, "--picture", str(self.site.root / "picture.png"))
        assert done.returncode == 0, done.stderr
        self.shown.append(("try_session", done.stdout + done.stderr))
        self.site.get(ADMIN, "/")
        self.shown += [("a page", page) for page in self.site.shown]

    def pages(self) -> None:
        """Somebody logs in, not at once, and uses a desktop behind a VNC password; another session fails."""
        site, wrong = self.site, {"username": ADMIN, "password": self.wrong_password}
        refused = site.post(ADMIN, "/login/", wrong, form="/login/")
        assert refused.status == 200
        site.login(ADMIN, ADMIN_PASSWORD)
        fields = {"old_password": ADMIN_PASSWORD, "new_password1": self.new_password}
        site.post(ADMIN, "/password/", {**fields, "new_password2": self.new_password}, form="/password/")
        site.get(ADMIN, "/")
        desktop = site.launch(ADMIN, DESKTOP)
        self.until(desktop, "running")
        with site.open_page(ADMIN, desktop) as viewer:
            assert viewer.recv(10) == b"RFB 003.008\n"
            log_in(viewer)
            site.get(ADMIN, f"/sessions/{desktop}/")
            site.get(ADMIN, f"/sessions/{desktop}/status")
            site.get(ADMIN, f"/sessions/{desktop}/log")
        failed = site.launch(ADMIN, CHATTY)
        self.until(failed, "failed")
        site.get(ADMIN, f"/sessions/{failed}/")
        site.get(ADMIN, f"/sessions/{failed}/log")
        site.post(ADMIN, f"/sessions/{desktop}/stop")

    def rest(self) -> None:
        """A client reserves, looks and releases; another one has a wrong secret; another guesses tokens."""
        site = self.site
        reservation, viewer = site.run_session(PATTERN)
        self.tokens.append(reservation.token)
        viewer.close()
        self.shown.append(("status", str(site.rest("/v1/status").body)))
        # A browser user's session cannot be released here, whatever its token is.
        for known in self.known_to_scripts():
            assert site.rest(f"/v1/release/{known}").status == 404
        assert site.rest(f"/v1/release/{self.wrong_token}").status == 404
        right, site.secret = site.secret, self.wrong_token
        assert site.rest("/v1/status").status == 401
        assert site.rest(f"/v1/release/{reservation.token}").status == 401
        site.secret = right
        with pytest.raises(InvalidStatus):
            site.open(reservation._replace(websocket=f"/websockify?token={self.wrong_token}"))
        assert site.rest(f"/v1/release/{reservation.token}").status == 200

    def until(self, session: str, state: str) -> None:
        """Waits for a session's state."""
        eventually(lambda: any(row.id == session and row.state == state for row in self.site.rows()), within=15)

    def known_to_scripts(self) -> list[str]:
        """The tokens and passwords of all sessions that were started."""
        return self.site.marks_file.read_text().split()

    def secrets(self) -> dict[str, str]:
        """All that may be found nowhere, and what it is."""
        found = {
            "the first password of admin": ADMIN_PASSWORD,
            "the new password of admin": self.new_password,
            "a wrong password": self.wrong_password,
            "the secret of the REST": self.site.secret,
            "a wrong token": self.wrong_token,
            "SECRET_KEY": (self.site.state / "secret_key").read_text().strip(),
        }
        found |= {f"REST session's token {number}": token for number, token in enumerate(self.tokens)}
        found |= {f"script's secret {number}": secret for number, secret in enumerate(self.known_to_scripts())}
        return found


def test_no_secret_is_written_or_shown_anywhere(site: MarkedSite) -> None:
    site.write_sessions(
        {
            DESKTOP: site.entry("secretive.py", options={"kind": "desktop", "password": True}),
            CHATTY: site.entry("secretive.py", options={"kind": "chatty"}),
            PATTERN: site.entry("test_pattern.py"),
        }
    )
    run, watch = Run(site), ProcessWatch()
    with watch.running():
        site.start()
        run.everything()
        while_it_ran = dict(files_below(site.state))
    site.stop()

    places: list[tuple[str, bytes]] = [(f"{name} while it ran", data) for name, data in while_it_ran.items()]
    places += [*files_below(site.state), ("the server's output", site.output.encode())]
    places += [(name, text.encode()) for name, text in run.shown]
    places = [(name, data) for name, data in places if Path(name.split(" ")[0]).name != "secret_key"]
    places += [
        (f"{kind} of process {pid}", content)
        for (pid, kind), contents in watch.seen.items()
        for content in contents
        if not (kind == "environ" and is_the_sites_own(content))
    ]
    known = run.secrets()
    # Two sessions by the pages and one by the command told two secrets each.
    assert len(run.known_to_scripts()) == 6
    leaks = [
        f"{what} is in {name}"
        for what, secret in known.items()
        for form in disguises(secret)
        for name, data in places
        if form in data
    ]
    assert leaks == []
    # The search looks where things are: what is no secret is found.
    for harmless in (CANARY, "admin", "Xtigervnc"):
        assert any(harmless.encode() in data for _, data in places), harmless


def is_the_sites_own(environment: bytes) -> bool:
    """Whether it is the server's or a command's: the site itself put the REST's secret there.

    What they start shows it too, between fork and exec; a script host or a session never does.
    """
    return b"REMOTE_SERVICE_CONFIG=" in environment and b"REMOTE_SERVICE_SESSION=" not in environment
