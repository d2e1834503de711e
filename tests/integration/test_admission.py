"""What strangers may take of a real server: headers, time, handshakes, log-ins, and the names they call it by."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import time
import urllib.parse
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from remote_service.admission.doorkeeper import HEADER_PATIENCE
from remote_service.admission.handshakes import TOO_MANY
from remote_service.admission.hosts import NOT_OURS
from tests.integration.certificates import self_signed
from tests.integration.conftest import SESSIONS, OwnServer
from tests.integration.live import LiveServer
from tests.integration.streams import reserved
from tests.waiting import eventually

AT_ONCE = 5.0
"""Seconds within which something is told at once, on a machine that has other things to do."""


async def ask(site: LiveServer, data: bytes, within: float = AT_ONCE) -> bytes:
    """All that is answered until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    try:
        writer.write(data)
        async with asyncio.timeout(within):
            return await reader.read()
    finally:
        writer.close()


def upgrade(host: str, *headers: str) -> bytes:
    """A websocket's request."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        "GET /websockify?token=nobody-has-this HTTP/1.1", f"Host: {host}", "Connection: Upgrade", "Upgrade: websocket",
        "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", *headers,
    ]  # fmt: skip
    return "\r\n".join([*lines, "", ""]).encode()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def log_in(host: str, cookie: str, token: str, number: int, *headers: str) -> bytes:
    fields = {"username": f"nobody{number}", "password": "wrong", "csrfmiddlewaretoken": token}
    body = urllib.parse.urlencode(fields)
    lines = [
        "POST /login/ HTTP/1.1", f"Host: {host}", "Connection: close", f"Cookie: {cookie}",
        "Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}", *headers, "", body,
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


async def form_of(site: LiveServer, host: str) -> tuple[str, str]:
    """The cookie and the token of a login page."""
    page = (await ask(site, f"GET /login/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())).decode()
    cookie = re.search(r"(?i)set-cookie: ([^;]+)", page)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert cookie and token, page
    return cookie[1], token[1]


def host_of(site: LiveServer) -> str:
    return f"127.0.0.1:{site.port}"


async def test_a_handshake_whose_headers_are_too_long_is_told_so_at_once(live: LiveServer) -> None:
    for cookie, expected in (("a" * 7000, 403), ("a" * 9000, 431), ("a" * 300_000, 431)):
        assert status(await ask(live, upgrade(host_of(live), f"Cookie: {cookie}"))) == expected


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80"])
async def test_a_websocket_by_a_name_that_is_not_the_sites_is_told_so(live: LiveServer, host: str) -> None:
    answer = await ask(live, upgrade(host))
    assert status(answer) == 400
    assert answer.decode().endswith(f"\r\n\r\n{NOT_OURS}\n")


async def test_a_body_that_is_too_large_is_refused_before_it_comes(live: LiveServer) -> None:
    head = f"POST /login/ HTTP/1.1\r\nHost: {host_of(live)}\r\nContent-Length: 100000000\r\n\r\n"
    assert status(await ask(live, head.encode())) == 413


async def test_a_text_that_is_no_utf8_is_told_so_and_leaves_no_traceback(live: LiveServer) -> None:
    cookie = await asyncio.to_thread(live.login, "alice")
    async with live.websocket("/live/?page=picker", cookie, live.url, subprotocols=None) as page:
        await page.send(b"gr\xfc\xdf Gott", text=True)
        with pytest.raises(ConnectionClosed) as caught:
            while True:
                await page.recv()
    assert caught.value.rcvd is not None
    assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1007, "a text message is no UTF-8")
    assert "Traceback" not in live.output
    assert "without completing handshake" not in live.output


async def test_who_says_nothing_or_not_all_of_its_headers_is_left_after_ten_seconds(
    own_server: OwnServer, tmp_path: Path
) -> None:
    plain = own_server({})
    over_tls = own_server({}, tls=self_signed(tmp_path))
    began = time.monotonic()

    async def ended(site: LiveServer, data: bytes) -> tuple[bytes, float]:
        return await ask(site, data, within=4 * HEADER_PATIENCE), time.monotonic() - began

    (silent, after), (slow, slow_after), (tls, tls_after) = await asyncio.gather(
        ended(plain, b""), ended(plain, b"GET / HTTP/1.1\r\nHost: x\r\nX-"), ended(over_tls, b"")
    )
    assert (silent, tls) == (b"", b"")
    assert status(slow) == 408
    assert all(HEADER_PATIENCE - 0.5 < seconds < 2 * HEADER_PATIENCE for seconds in (after, slow_after, tls_after))


async def test_an_address_that_is_refused_too_often_has_to_wait(own_server: OwnServer) -> None:
    site = own_server(
        {"Pattern": SESSIONS["Pattern"]},
        REMOTE_SERVICE_HANDSHAKES_PER_MINUTE="3", REMOTE_SERVICE_TRUSTED_PROXIES="127.0.0.1",
    )  # fmt: skip
    async with reserved(site, "Pattern") as token:
        for _ in range(5):
            async with site.viewer_of(token) as viewer:
                assert await viewer.recv()
        assert [status(await ask(site, upgrade(host_of(site)))) for _ in range(4)] == [403, 403, 403, 429]
        with pytest.raises(InvalidStatus) as caught:
            async with site.viewer_of(token):
                pass
        assert caught.value.response.status_code == 429
        assert caught.value.response.body == f"{TOO_MANY}\n".encode()
        assert 1 <= int(caught.value.response.headers["Retry-After"]) <= 20
        # Another client of the same proxy is another address.
        assert status(await ask(site, upgrade(host_of(site), "X-Forwarded-For: 192.0.2.9"))) == 403
    eventually(lambda: "127.0.0.1 is refused websockets, since more than 3 a minute were refused" in site.output)


async def test_hundreds_of_log_ins_at_once_leave_the_pages_alone(own_server: OwnServer) -> None:
    site = own_server({})
    host = host_of(site)
    cookie, token = await form_of(site, host)
    flood = asyncio.gather(*(ask(site, log_in(host, cookie, token, number), within=60) for number in range(200)))
    slowest = 0.0
    while not flood.done():
        began = time.monotonic()
        await form_of(site, host)
        slowest = max(slowest, time.monotonic() - began)
    answers = await flood
    refused = [answer for answer in answers if status(answer) == 429]
    assert {status(answer) for answer in answers} == {200, 429}
    assert len(refused) > 150
    assert all(re.search(rb"(?i)retry-after: \d+\r\n", answer) for answer in refused)
    assert all(b"Yours was not looked at" in answer for answer in refused)
    assert slowest < AT_ONCE


async def test_log_ins_that_fail_are_counted_for_the_address_that_a_proxy_names(own_server: OwnServer) -> None:
    site = own_server({}, REMOTE_SERVICE_LOGINS_PER_MINUTE="2", REMOTE_SERVICE_TRUSTED_PROXIES="127.0.0.1")
    host = host_of(site)
    cookie, token = await form_of(site, host)
    from_there = "X-Forwarded-For: 192.0.2.7"
    answers = [await ask(site, log_in(host, cookie, token, number, from_there), within=30) for number in range(3)]
    assert [status(answer) for answer in answers] == [200, 200, 429]
    await asyncio.to_thread(site.enter, "alice")
    assert "192.0.2.7 may not log in at the moment, since 2 log-ins a minute failed from there" in site.output
