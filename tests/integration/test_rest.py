"""The stand-alone REST on the real server: a client of the Nexus server finds everything where it looks for it."""

from __future__ import annotations

import asyncio
import http.client
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.conftest import OwnServer
from tests.integration.live import LiveServer
from tests.integration.serving import ENDS_WITHIN
from tests.integration.streams import Stream, refusal
from tests.waiting import eventually, eventually_async

CLIENTS, SLOTS, ROUNDS = 20, 3, 50


async def test_reserve_connect_speak_rfb_close_and_the_service_stops(live: LiveServer) -> None:
    status, reservation = live.rest("/v1/reserve/Team%20pattern", username="alice", size="100x80")
    assert status == 200
    token, index = reservation["token"], reservation["index"]
    assert reservation == {
        "token": token,
        "service": "Team pattern",
        "index": index,
        "websocket": f"/websockify?token={token}",
        "expires_in": 300,
    }
    assert live.instance("Team pattern", index)["state"] == "reserved"

    async with live.websocket(reservation["websocket"]) as websocket:
        viewer = Stream(websocket)
        screen = await viewer.log_in()
        assert (screen.width, screen.height) == (100, 80)
        assert len(await viewer.picture(screen)) == 100 * 80 * 4
        used = live.instance("Team pattern", index)
        assert (used["state"], used["viewers"]) == ("running", 1)
        assert used["since"].endswith("+00:00")

    def is_free() -> bool:
        return live.instance("Team pattern", index) == {"index": index, "state": "free", "since": None, "viewers": 0}

    await eventually_async(is_free, within=10)
    assert live.rest(f"/v1/release/{token}") == (200, {"released": True})
    assert await refusal(live.viewer_of(token)) == 403


def test_a_reservation_that_is_not_used_in_time_is_given_up(live: LiveServer) -> None:
    reservation = live.rest("/v1/reserve/Impatient").body
    assert reservation["expires_in"] == 0.5
    assert live.rest("/v1/reserve/Impatient").status == 409

    eventually(lambda: live.instance("Impatient")["state"] == "free")

    assert asyncio.run(refusal(live.viewer_of(reservation["token"]))) == 403
    assert live.rest(f"/v1/release/{reservation['token']}") == (200, {"released": True})


def test_a_reservation_may_be_released_unused(live: LiveServer) -> None:
    token = live.reserve("Impatient").token

    assert live.rest(f"/v1/release/{token}") == (200, {"released": True})
    assert live.instance("Impatient")["state"] == "free"


def test_the_status_page_is_a_page(live: LiveServer) -> None:
    status, page = live.rest("/v1/status_view")

    assert status == 200
    assert "<h2>Team pattern</h2>" in page
    assert "for ClusterRendering" in page


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT"])
def test_every_method_but_get_is_405(live: LiveServer, method: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=10)
    connection.request(method, f"/v1/status?security_token={live.secret}")

    assert connection.getresponse().status == 405
    connection.close()


def test_the_secret_and_the_tokens_stand_in_no_log(live: LiveServer) -> None:
    token = live.reserve("Impatient").token
    asyncio.run(refusal(live.websocket(f"/nowhere?token={token}")))
    assert live.rest("/v1/nothing").status == 404
    live.rest(f"/v1/release/{token}")

    assert token not in live.output
    assert live.secret not in live.output


def test_twenty_clients_for_three_slots_make_three_sessions_fifty_times_in_a_row(live: LiveServer) -> None:
    def reserve(_client: int) -> tuple[int, str]:
        status, body = live.rest("/v1/reserve/Three")
        return status, body.get("token", body.get("error"))

    with ThreadPoolExecutor(CLIENTS) as clients:
        for _ in range(ROUNDS):
            answers = list(clients.map(reserve, range(CLIENTS)))
            assert Counter(status for status, _ in answers) == {200: SLOTS, 409: CLIENTS - SLOTS}
            assert {code for status, code in answers if status == 409} == {"no_free_slot"}
            tokens = [token for status, token in answers if status == 200]
            assert len(set(tokens)) == SLOTS
            for answer in clients.map(lambda token: live.rest(f"/v1/release/{token}"), tokens):
                assert answer == (200, {"released": True})


def test_stop_ends_the_server_with_its_sessions(own_server: OwnServer) -> None:
    pattern = {"script": "test_pattern.py", "count": 4, "options": {"sizes": ["160x120"]}}
    server = own_server({"Pattern": pattern})
    server.launch("alice", "Pattern")
    server.launch("bob", "Pattern")
    server.reserve("Pattern")
    eventually(lambda: server.instance("Pattern", 1)["state"] == "running")
    assert len(server.processes()) > 4
    server.leftovers.remember(server.pid)

    began = time.monotonic()
    assert server.rest("/v1/stop") == (200, {"stopping": True})
    ended = server.wait_for_end(began)

    assert ended.status == 0, server.output
    assert ended.seconds < ENDS_WITHIN
    assert server.leftovers.of() == []
    found = server.query("SELECT state, end_reason, COUNT(*) FROM remote_service_session GROUP BY 1, 2")
    assert found == [("ended", "server_stopped", 3)]
