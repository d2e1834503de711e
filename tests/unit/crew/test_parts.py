"""Which processes a crew has, and that each understands what it is told."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from remote_service.conf import Crew, GatewaySettings
from remote_service.crew.keeper import Part
from remote_service.crew.parts import crew_of, listen_of, parts, relay_environment
from remote_service.server import Listen

MANAGE = Path("/srv/remote-session/manage.py")
FOLDER = Path("/srv/remote-session/var/crew")
CREW = Crew(4711, FOLDER, FOLDER / "nudges")
LOCAL = Listen("127.0.0.1", 8000, trusted_proxies=("10.0.0.1", "10.0.0.2"))


@pytest.fixture
def with_crew(gateway_settings: GatewaySettings) -> GatewaySettings:
    return replace(gateway_settings, crew=CREW)


def crew(settings: GatewaySettings, workers: int = 2, listen: Listen = LOCAL) -> list[Part]:
    return parts(MANAGE, workers, listen, (11, 12), settings, {"version": 1})


def told(part: Part) -> dict[str, Any]:
    """As it arrives."""
    found: dict[str, Any] = json.loads(json.dumps(part.told))
    return found


def test_it_has_a_supervisor_a_relay_and_so_many_for_pages(with_crew: GatewaySettings) -> None:
    assert [part.name for part in crew(with_crew, 3)] == ["supervisor", "relay", "pages-1", "pages-2", "pages-3"]


def test_each_is_a_command_and_no_argument_holds_a_secret(with_crew: GatewaySettings) -> None:
    supervisor, relay, *pages = crew(with_crew)
    command = [sys.executable, str(MANAGE), "serve_part"]
    assert supervisor.argv == [*command, "supervisor"]
    assert [part.argv for part in pages] == [[*command, "pages", "1"], [*command, "pages", "2"]]
    assert relay.argv == [sys.executable, "-m", "remote_service.relay_process"]
    assert [part.told["settings"]["security_token"] for part in (supervisor, *pages)] == ["rest secret"] * 3


def test_pages_listen_at_one_socket_that_they_share_and_the_others_at_none(with_crew: GatewaySettings) -> None:
    supervisor, relay, *pages = crew(with_crew)
    assert [list(part.descriptors) for part in (supervisor, relay)] == [[], []]
    assert [part.descriptors for part in pages] == [[11], [11]]
    assert [told(part)["descriptor"] for part in pages] == [11, 11]
    assert [told(part)["name"] for part in pages] == ["pages-1", "pages-2"]


def test_the_relay_is_told_where_its_sockets_are_and_no_secret(with_crew: GatewaySettings) -> None:
    assert told(crew(with_crew)[1]) == {
        "handovers": f"{FOLDER}/handovers.sock",
        "offices": [f"{FOLDER}/office-{name}.sock" for name in ("supervisor", "pages-1", "pages-2")],
        "figures": f"{FOLDER}/figures/relay",
        "logging": {"version": 1},
        "tls": None,
    }


def test_the_relay_has_of_our_environment_what_it_needs_and_no_secret(
    with_crew: GatewaySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SECRET_KEY", "DATABASE_URL", "WEBSOCKETSERVER_SECURITY_TOKEN", "https_proxy", "TZ"):
        monkeypatch.setenv(name, "set")
    supervisor, relay, *pages = crew(with_crew)
    assert relay.environment == relay_environment(os.environ)
    assert relay.environment is not None and relay.environment["TZ"] == "set"
    assert not {"SECRET_KEY", "DATABASE_URL", "WEBSOCKETSERVER_SECURITY_TOKEN", "https_proxy"} & set(relay.environment)
    assert [part.environment for part in (supervisor, *pages)] == [None] * 3, "these are the site"


def test_the_relay_keeps_where_things_are_and_the_language() -> None:
    kept = {"PATH": "/bin", "HOME": "/root", "LANG": "C.UTF-8", "LC_TIME": "de_DE", "PYTHONUNBUFFERED": "1"}
    others = {"XPATH": "1", "HOMES": "2", "REMOTE_SERVICE_SECRET_KEY": "3", "LC": "4"}
    assert relay_environment({**kept, **others}) == kept


@pytest.mark.parametrize("found", [CREW, replace(CREW, nudges=None)])
def test_the_others_are_told_what_the_crew_shares(with_crew: GatewaySettings, found: Crew) -> None:
    for part in crew(replace(with_crew, crew=found)):
        if part.name != "relay":
            assert crew_of(told(part)) == found


@pytest.mark.parametrize("listen", [LOCAL, Listen("", 0, uds="/run/gateway.sock"), Listen("::1", 8443)])
def test_pages_are_told_where_they_listen(with_crew: GatewaySettings, listen: Listen) -> None:
    assert listen_of(told(crew(with_crew, listen=listen)[2])) == listen


UNDER_TLS = replace(LOCAL, cert=Path("c.pem"), key=Path("k.pem"))


def test_under_tls_the_relay_has_the_clients_and_pages_are_reached_through_it(with_crew: GatewaySettings) -> None:
    supervisor, relay, *pages = crew(with_crew, listen=UNDER_TLS)
    assert [list(part.descriptors) for part in (supervisor, relay, *pages)] == [[], [11], [12], [12]]
    assert [told(part)["descriptor"] for part in pages] == [12, 12]
    assert told(relay)["tls"] == {
        "descriptor": 11,
        "cert": "c.pem",
        "key": "k.pem",
        "pages": str(CREW.pages),
    }


def test_under_tls_pages_know_that_cookies_are_secure_though_not_the_key(with_crew: GatewaySettings) -> None:
    pages = told(crew(with_crew, listen=UNDER_TLS)[2])
    assert pages["tls"]
    assert listen_of(pages) == replace(LOCAL, tunnelled=True)
    assert not told(crew(with_crew)[2])["tls"]
