"""The sample configuration of nginx serves the real server over its Unix socket, and its logs hold no secret."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from tests.integration.docs.checkout import accepts
from tests.integration.docs.front import NGINX, Front
from tests.integration.server.marked_site import MarkedSite
from tests.integration.serving import ADMIN_PASSWORD
from tests.waiting import eventually

PREFIX = "/desktops"
PATTERN = {"Test pattern": {"script": "test_pattern.py", "count": 2, "options": {"sizes": ["320x240"]}}}


@pytest.fixture(params=["", PREFIX], ids=["at the top", "below a path"])
def front(request: pytest.FixtureRequest, site: MarkedSite) -> Iterator[Front]:
    """nginx before a server that listens on a Unix socket."""
    folder = site.root / "front"
    folder.mkdir(mode=0o755)
    made = Front(folder, request.param)
    site.write_sessions(PATTERN)
    site.environment |= {"REMOTE_SERVICE_TLS": "1", "REMOTE_SERVICE_PATH_PREFIX": made.prefix}
    site.begin("--uds", str(made.socket))
    eventually(lambda: not site.runs or accepts(made.socket), within=20)
    with made.running():
        yield made


def test_nginx_is_installed() -> None:
    assert NGINX is not None, "'make test' installs it: the package nginx-light"


def test_nginx_accepts_the_file(tmp_path: Path) -> None:
    checked = subprocess.run(Front(tmp_path).command("-t"), capture_output=True, text=True, timeout=20, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr


def test_plain_http_leads_to_tls(front: Front) -> None:
    answer = front.get_plain("/login/")
    assert (answer.status, answer.headers["location"]) == (301, f"https://127.0.0.1{front.prefix}/login/")


def test_one_can_log_in_and_work(front: Front, site: MarkedSite) -> None:
    page = front.get("/login/")
    assert page.status == 200
    for asset in re.findall(r'(?:href|src)="([^"]+\.(?:css|js))"', page.text):
        assert asset.startswith(f"{front.prefix}/static/")
        assert front.get(asset.removeprefix(front.prefix)).status == 200
    entered = front.log_in("admin", ADMIN_PASSWORD)
    assert (entered.status, entered.headers["location"]) == (302, f"{front.prefix}/")
    assert all(cookie.secure for cookie in front.cookies)

    picker = front.get("/")
    assert picker.status == 200
    form = re.search(r'<form method="post" action="([^"]+/launch/|/launch/)"', picker.text)
    assert form is not None
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', picker.text)
    assert token is not None
    started = front.post(
        form[1].removeprefix(front.prefix), type="Test pattern", size="320x240", csrfmiddlewaretoken=token[1]
    )
    assert started.status == 303, started.text[-2000:]
    session = started.headers["location"].removeprefix(front.prefix)
    assert front.get(session).status == 200
    with front.open(f"{session}websockify", with_cookies=True) as viewer:
        assert viewer.recv(20) == b"RFB 003.008\n"
    with pytest.raises(InvalidStatus, match="403"):
        front.open(f"{session}websockify")


def test_a_client_of_the_rest_reaches_its_desktop_and_leaves_no_token_in_a_log(front: Front, site: MarkedSite) -> None:
    answer = front.get(f"/v1/reserve/Test%20pattern?security_token={site.secret}")
    reserved = json.loads(answer.text)
    assert answer.status == 200, reserved
    token = reserved["token"]
    with front.open(reserved["websocket"]) as viewer:
        assert viewer.recv(20) == b"RFB 003.008\n"
    released = front.get(f"/v1/release/{token}", Authorization=f"Bearer {site.secret}")
    assert json.loads(released.text) == {"released": True}
    front.get_plain(f"/websockify?token={token}")
    site.stop()
    assert front.get(f"/websockify?token={token}").status == 502
    assert front.get(f"/v1/status?security_token={site.secret}").status == 502

    expected = (
        f'"GET {front.prefix}/v1/reserve/Test pattern" 200',
        f'"GET {front.prefix}/websockify" 101',
        f'"GET {front.prefix}/v1/release/..." 200',
        f'"GET {front.prefix}/websockify" 502',
        f'"GET {front.prefix}/v1/status" 502',
    )
    # nginx writes a line after the answer has gone out.
    eventually(lambda: all(line in front.logs()["remote-session.access.log"] for line in expected))
    logs = front.logs()
    for secret in (token, site.secret):
        assert [name for name, text in logs.items() if secret in text] == []
    assert token not in site.output and site.secret not in site.output


def test_nobody_can_claim_an_address_by_a_header(front: Front, site: MarkedSite) -> None:
    for header in ("X-Forwarded-For", "x-forwarded-for"):
        refused = front.get("/v1/status", **{header: "203.0.113.9"})
        assert refused.status == 401
    addresses = site.query("SELECT DISTINCT address FROM remote_service_sessionevent WHERE what = 'refused'")
    assert addresses == [("127.0.0.1",)]
