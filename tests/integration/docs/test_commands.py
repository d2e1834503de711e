"""Every command of the pages is typed here, or it says here why it is not."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import stat
import subprocess
import tarfile
from contextlib import closing

import pytest

from tests.integration.certificates import self_signed
from tests.integration.docs.checkout import Checkout, json_after, same_shape
from tests.integration.serving import ADMIN_PASSWORD
from tests.unit.docs.pages import SCRIPTS, Command, all_commands

BEARER = 'curl -s -H "Authorization: Bearer $WEBSOCKETSERVER_SECURITY_TOKEN" \\\n    '
SERVE_TLS = ".venv/bin/python manage.py serve --host 0.0.0.0 --port 8443 --cert cert.pem --key key.pem"
SERVE_SOCKET = ".venv/bin/python manage.py serve --uds /run/remote-session/gateway.sock"

TYPED = {
    ".venv/bin/python manage.py check_sessions": "0 errors, 0 warnings",
    '.venv/bin/python manage.py try_session "My desktop" --size 1280x1024': "a picture of 1280x1024 came",
    ".venv/bin/python manage.py reload_sessions": "The server has read the sessions file: ",
    '.venv/bin/python manage.py try_session "Test pattern" --size 1280x800 --picture pattern.png': "in pattern.png",
    ".venv/bin/python manage.py try_session Desktop --size 1280x800 --picture desktop.png": "a picture of 1280x800",
    '.venv/bin/python manage.py try_session "Test pattern" --picture pattern.png': "The picture is in pattern.png",
    ".venv/bin/python manage.py axes_reset_username alice": "",
    ".venv/bin/python manage.py clearsessions": "",
    '.venv/bin/python manage.py shell -c "from django.contrib.auth.models import User; '
    "User.objects.create_user('bob')\"": "",
    ".venv/bin/python manage.py sessions list": "REFERENCE  STATE",
    ".venv/bin/python manage.py sessions list --all --user alice --json": "[",
    "export WEBSOCKETSERVER_SECURITY_TOKEN=$(openssl rand -hex 24)": "",
    "export REMOTE_SERVICE_METRICS_TOKEN=$(openssl rand -hex 24)": "",
}
"""Run to its end with a server running; the exit code is 0, and this is in what it prints."""

IN_TESTS_BELOW = {
    f"REMOTE_SERVICE_ALLOWED_HOSTS=desk.example.org \\\n    {SERVE_TLS}",
    f"REMOTE_SERVICE_TLS=1 REMOTE_SERVICE_ALLOWED_HOSTS=desk.example.org \\\n    {SERVE_SOCKET}",
    f'{BEARER}"http://127.0.0.1:8000/v1/reserve/Test%20pattern?size=1280x800"',
    'curl -s -H "Authorization: Bearer $WEBSOCKETSERVER_SECURITY_TOKEN" "http://127.0.0.1:8000/v1/release/$TOKEN"',
    'curl -s -H "Authorization: Bearer $WEBSOCKETSERVER_SECURITY_TOKEN" http://127.0.0.1:8000/v1/status',
    "curl -s http://127.0.0.1:8000/v1/status",
    'curl -s -H "Authorization: Bearer $REMOTE_SERVICE_METRICS_TOKEN" http://127.0.0.1:8000/metrics',
    ".venv/bin/python manage.py support_bundle 6f87d37a --output bundle.tar.gz",
    ".venv/bin/python manage.py sessions show 6f87d37a",
    ".venv/bin/python manage.py sessions log 6f87d37a --tail 40 --follow",
    '.venv/bin/python manage.py sessions stop 6f87d37a --reason "Maintenance at noon." --wait 30',
    ".venv/bin/python manage.py sessions quarantine",
    ".venv/bin/python manage.py sessions quarantine release 6f87d37a",
    ".venv/bin/python manage.py backup backup.db",
    "rm -f var/gateway.sqlite3 var/gateway.sqlite3-wal var/gateway.sqlite3-shm",
    "install -m 600 backup.db var/gateway.sqlite3",
    "install -m 600 secret_key var/secret_key",
    ".venv/bin/python manage.py prepare",
}

MADE = "make's own set-up: tests/unit/tools, and the run of these tests itself"
NOT_TYPED = {
    "make run": MADE,
    "make test": MADE,
    "make setup": MADE,
    "make crash-test": "takes a quarter of an hour; tests/crash/test_crash runs a short one",
    "HOST=0.0.0.0 PORT=8080 REMOTE_SERVICE_ALLOWED_HOSTS=desk.example.org make run": MADE,
    "LM_LICENSE_FILE=1055@licences REMOTE_SERVICE_SCRIPT_ENV=LM_LICENSE_FILE make run": MADE,
    "REMOTE_SERVICE_STATE_DIR=/var/lib/remote-session-gateway make setup": MADE,
    "install -d -m 700 -o remote-session -g remote-session /var/lib/remote-session/.vnc": "changes a home directory",
    "echo '$SecurityTypes = \"None\"; $localhost = \"yes\";' > /var/lib/remote-session/.vnc/tigervnc.conf":
        "changes a home directory; test_nexus_sample types it elsewhere",
    ".venv/bin/python manage.py createsuperuser --username alice": "asks at the terminal",
    ".venv/bin/python manage.py changepassword bob": "asks at the terminal",
    "install -d -m 750 -g www-data /run/remote-session": "changes the machine; test_nginx makes one of its own",
    "nginx -t": "is about the machine's own nginx; test_nginx does it with the page's file",
    "systemctl reload nginx": "is about the machine's own nginx",
    "install -m 644 docs/remote-session.service docs/remote-session-sessions.service /etc/systemd/system/":
        "changes the machine; see test_service",
    "mkdir -p locale && .venv/bin/python manage.py makemessages --locale de --ignore tests --ignore tools --ignore var":
        "test_another_language types it",
    ".venv/bin/python manage.py compilemessages --locale de --ignore .venv": "test_another_language types it",
    ".venv/bin/python manage.py serve --workers 2": "tests/integration/server/test_crew does",
    "kill -USR2 $(cat var/server.pid)": "tests/integration/server/test_crew sends it",
    ".venv/bin/python manage.py supervise": "tests/integration/server/test_standby does",
    "systemctl kill --kill-whom=main --signal=SIGINT remote-session": "is about the machine's own systemd",
    "systemctl daemon-reload": "is about the machine's own systemd",
    "systemctl enable --now remote-session-sessions remote-session": "is about the machine's own systemd",
    "dropdb gateway": "test_backup restores into an empty database of its own",
    "createdb --owner=gateway gateway": "likewise",
    'pg_restore --dbname="$DATABASE_URL" backup.db': "likewise",
    "systemctl reboot": "is about the machine itself",
}  # fmt: skip
"""Only looked at by the shell (`bash -n`) and, where it is make's, by `make -n`; with the reason."""

TUTORIAL = "From a failing stub to a desktop"
"""The chapter whose commands test_tutorial types."""


def test_every_command_of_the_pages_is_in_one_table_and_the_tables_have_no_other() -> None:
    tables = [*TYPED, *IN_TESTS_BELOW, *NOT_TYPED]
    assert len(tables) == len(set(tables))
    here = [c for c in all_commands() if not (c.block.page == SCRIPTS and c.block.section == TUTORIAL)]
    assert {command.text for command in here} == set(tables)


@pytest.mark.parametrize("command", all_commands(), ids=str)
def test_the_shell_can_read_it(command: Command) -> None:
    subprocess.run(["bash", "-n", "-c", command.text], check=True, timeout=10)


@pytest.mark.parametrize("command", sorted(c for c, reason in NOT_TYPED.items() if reason == MADE))
def test_make_knows_what_it_would_do(command: str, checkout: Checkout) -> None:
    dry = checkout.run(f"{command} --dry-run")
    assert dry.returncode == 0, dry.stdout
    assert f"tools/setup.sh {command.split()[-1]}" in dry.stdout


@pytest.mark.parametrize("command", TYPED)
def test_it_does_what_it_should(command: str, checkout: Checkout) -> None:
    typed = checkout.run(command)
    assert typed.returncode == 0, typed.stdout
    assert TYPED[command] in typed.stdout


def sample(*parts: str) -> Command:
    """The one command of the pages that holds all these parts; of several that are equal the first."""
    found = {c.text: c for c in reversed(all_commands()) if all(part in c.text for part in parts)}
    assert len(found) == 1, f"{parts} is in {list(found)}"
    return next(iter(found.values()))


def test_the_rest_answers_as_the_page_shows(checkout: Checkout) -> None:
    def ask(*parts: str) -> tuple[object, object]:
        command = sample("127.0.0.1:8000", *parts)
        typed = checkout.run(command.text.replace("http://127.0.0.1:8000", checkout.site.url))
        assert typed.returncode == 0, typed.stdout
        return json_after(command.block), json.loads(typed.stdout)

    shown, reserved = ask("/v1/reserve/")
    assert isinstance(reserved, dict)
    assert same_shape(shown, reserved), reserved
    assert reserved["expires_in"] == 300
    checkout.variables["TOKEN"] = reserved["token"]
    shown, status = ask("Bearer", "/v1/status")
    assert same_shape(shown, status), status
    shown, released = ask("/v1/release/")
    assert shown == released == {"released": True}
    shown, refused = ask("curl -s http")
    assert shown == refused


def test_the_figures_are_read_as_the_page_shows(checkout: Checkout) -> None:
    command = sample("/metrics").text.replace("http://127.0.0.1:8000", checkout.site.url)
    typed = checkout.run(command)
    assert "\nremote_session_viewers " in typed.stdout


def test_a_session_is_shown_followed_and_stopped(checkout: Checkout) -> None:
    reservation = checkout.site.reserve("Test pattern")
    with checkout.site.open(reservation) as viewer:
        viewer.recv()
        session = checkout.site.row(reservation).id

        def typed(*parts: str) -> str:
            command = sample("manage.py sessions", *parts).text.replace("6f87d37a", session[:8])
            done = checkout.run(command)
            assert done.returncode == 0, done.stdout
            return done.stdout

        shown = typed("show")
        assert f"id:                  {session}\n" in shown
        assert "reach (starting -> running)" in shown
        over = typed("stop")
    assert f"{session[:8]} (Test pattern) has been over since " in over
    assert over.endswith("It was stopped by staff. Maintenance at noon.\n")
    typed("log", "--follow")


def test_a_released_slot_leaves_its_quarantine(checkout: Checkout) -> None:
    reservation = checkout.site.reserve("Test pattern")
    row = checkout.site.row(reservation)
    with closing(sqlite3.connect(checkout.site.state / "gateway.sqlite3", timeout=20)) as database, database:
        database.execute("UPDATE remote_service_session SET quarantined = 1 WHERE id = ?", [row.id.replace("-", "")])
    assert (
        f"{row.id[:8]}   Test pattern" in checkout.run(f"{sample('sessions quarantine', 'release').text[:-17]}").stdout
    )
    command = sample("sessions quarantine release").text.replace("6f87d37a", row.id[:8])
    assert checkout.run(command).stdout == f"The slot {reservation.index} of Test pattern is back in service.\n"
    assert not checkout.site.row(reservation).quarantined
    again = checkout.run(command)
    assert (again.returncode, "is not in quarantine" in again.stdout) == (1, True)


def test_a_support_bundle_holds_what_helps_and_no_secret(checkout: Checkout) -> None:
    reservation = checkout.site.reserve("Test pattern")
    session = checkout.site.row(reservation).id
    typed = checkout.run(sample("support_bundle").text.replace("6f87d37a", session[:8]))
    assert typed.returncode == 0, typed.stdout
    made = checkout.path / "bundle.tar.gz"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    with tarfile.open(made) as archive:
        texts = {member.name: (archive.extractfile(member) or io.BytesIO()).read() for member in archive}
    assert session.encode() in texts[f"support-{session[:8]}/session.json"]
    secrets = [
        (checkout.site.state / "secret_key").read_text(),
        checkout.site.secret,
        reservation.token,
        ADMIN_PASSWORD,
    ]
    assert [(name, secret) for name, text in texts.items() for secret in secrets if secret.encode() in text] == []


def test_a_backup_brings_a_lost_site_back(own_checkout: Checkout) -> None:
    site = own_checkout.site
    own_checkout.write_sessions()
    site.start()
    reservation = site.reserve("Test pattern")

    def typed(*parts: str) -> None:
        done = own_checkout.run(sample(*parts).text)
        assert done.returncode == 0, done.stdout

    typed("manage.py backup")
    copy = own_checkout.path / "backup.db"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    shutil.copy(site.state / "secret_key", own_checkout.path)
    # Nothing of what happens from now on is in it.
    later = site.reserve("Test pattern")
    assert site.stop().status == 0
    shutil.rmtree(site.state)
    site.state.mkdir(mode=0o700)

    for part in ("rm -f var/", "install -m 600 backup.db", "install -m 600 secret_key", "manage.py prepare"):
        typed(part)
    site.start()
    assert site.ids() == [site.row(reservation).id]
    # Its token is sealed in the row, and was told nobody again.
    with site.open(reservation) as viewer:
        assert viewer.recv() == b"RFB 003.008\n"
    assert site.rest(f"/v1/release/{later.token}").status == 404
    assert site.login("admin", ADMIN_PASSWORD)


@pytest.mark.parametrize("prefix", ["REMOTE_SERVICE_ALLOWED_HOSTS=desk.example.org"])
def test_the_server_does_tls_itself(prefix: str, own_checkout: Checkout) -> None:
    own_checkout.write_sessions()
    certificate, _key = self_signed(own_checkout.path)
    port = own_checkout.site.port
    command = sample(prefix, "--cert").text.replace("0.0.0.0", "127.0.0.1").replace("8443", str(port))
    with own_checkout.running(command.replace("\\\n", " "), listens=port):
        answer = own_checkout.run(
            f"curl -sS --cacert {certificate} --resolve desk.example.org:{port}:127.0.0.1 -o page -D head "
            f"https://desk.example.org:{port}/login/ && cat head"
        )
        assert answer.stdout.startswith("HTTP/1.1 200"), answer.stdout
        cookies = [line for line in answer.stdout.splitlines() if line.lower().startswith("set-cookie")]
        assert cookies and all("Secure" in cookie for cookie in cookies)


def test_the_server_listens_on_a_socket_for_its_proxy(own_checkout: Checkout) -> None:
    own_checkout.write_sessions()
    socket = own_checkout.site.root / "gateway.sock"
    command = sample("--uds").text.replace("/run/remote-session/gateway.sock", str(socket))
    with own_checkout.running(command.replace("\\\n", " "), listens=socket):
        answer = own_checkout.run(f"curl -sS --unix-socket {socket} -D - -o page http://desk.example.org/login/")
        assert answer.stdout.startswith("HTTP/1.1 200"), answer.stdout


def test_the_programs_that_the_pages_type_are_here() -> None:
    # Else a test above would fail for a reason that is not the page's.
    assert [program for program in ("bash", "curl", "openssl", "make", "find") if shutil.which(program) is None] == []
