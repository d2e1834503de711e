"""Health, readiness and figures of a real server, and a session's own on its page."""

from __future__ import annotations

import json
import re

from tests.integration.conftest import SESSIONS, OwnServer
from tests.integration.live import LiveServer
from tests.integration.pages import Page, fetch, opener
from tests.waiting import eventually


def get(site: LiveServer, path: str) -> Page:
    """As a program on this machine that has no login."""
    return fetch(opener(), f"{site.url}{path}")


def figure(site: LiveServer, name: str) -> float:
    """One of `/metrics`."""
    found = re.search(rf"^{re.escape(name)} ([0-9.e+-]+)$", get(site, "/metrics").text, re.MULTILINE)
    assert found, f"there is no {name}"
    return float(found[1])


SENT = 'remote_session_relayed_bytes_total{direction="to_viewers"}'
RECEIVED = 'remote_session_relayed_bytes_total{direction="from_viewers"}'
MESSAGES_SENT = 'remote_session_relayed_messages_total{direction="to_viewers"}'


def test_it_is_healthy_and_ready_and_tells_staff_why(live: LiveServer) -> None:
    assert get(live, "/healthz")[::2] == (200, "ok\n")
    eventually(lambda: get(live, "/readyz")[::2] == (200, '{"ready": true}'))
    live.login("staff")
    checks = json.loads(live.get("staff", "/readyz").text)["checks"]
    assert {name: check["ok"] for name, check in checks.items()} == {
        "database": True,
        "types": True,
        "supervisor": True,
    }
    assert re.fullmatch(r"It gave a sign of life \d+\.\d s ago, at .+\.", checks["supervisor"]["detail"])


def test_what_viewers_carry_is_counted_for_the_site_and_for_their_session(own_server: OwnServer) -> None:
    site = own_server({"Echo": {**SESSIONS["Echo"], "rest": True}, "Pattern": SESSIONS["Pattern"]})
    session = site.launch("alice", "Pattern")
    viewer = site.open_page("alice", session)
    banner = viewer.recv(20)
    eventually(lambda: figure(site, SENT) == len(banner))
    assert (figure(site, "remote_session_viewers"), figure(site, RECEIVED)) == (1, 0)
    assert figure(site, 'remote_session_sessions{state="running"}') == 1
    viewer.send(b"RFB 003.008\n")
    eventually(lambda: figure(site, RECEIVED) == len(b"RFB 003.008\n"))
    viewer.recv(20)
    assert figure(site, MESSAGES_SENT) == 2
    eventually(lambda: figure(site, "remote_session_event_loop_lag_seconds_count") > 0)

    viewer.close()

    eventually(lambda: figure(site, "remote_session_viewers") == 0)
    assert figure(site, RECEIVED) == len(b"RFB 003.008\n")
    page = eventually(lambda: _told(site, session))
    assert page == ("Sent to them", "14 bytes", "2 messages", "Received from them", "12 bytes", "1 message")
    for name in ("alice", session, "Pattern"):
        assert name not in get(site, "/metrics").text


def _told(site: LiveServer, session: str) -> tuple[str, ...] | None:
    """What a session's page says of its traffic, once it says more than nothing."""
    page = site.get("alice", f"/sessions/{session}/details/").text
    found = re.search(r'<dl[^>]*id="details-traffic">(.*?)</dl>', page, re.DOTALL)
    if found is None or "14" not in found[1]:
        return None
    words = re.sub(r"<[^>]+>", "|", found[1]).replace("\xa0", " ").replace("·", "|").split("|")
    return tuple(word.strip() for word in words if word.strip())


def test_figures_are_for_who_shows_their_token(own_server: OwnServer) -> None:
    site = own_server({}, REMOTE_SERVICE_METRICS_TOKEN="hush", REMOTE_SERVICE_TRUSTED_PROXIES="127.0.0.1")
    through_a_proxy = opener()
    through_a_proxy.addheaders = [("X-Forwarded-For", "192.0.2.7")]
    assert fetch(through_a_proxy, f"{site.url}/metrics").status == 401
    through_a_proxy.addheaders.append(("Authorization", "Bearer hush"))
    assert "remote_session_viewers 0.0" in fetch(through_a_proxy, f"{site.url}/metrics").text
    assert get(site, "/metrics").status == 200
    assert "hush" not in site.output
