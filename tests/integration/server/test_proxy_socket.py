"""`serve --uds` under TLS, beside several processes for pages: a proxy reaches it as it does without a certificate."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

from tests.integration.certificates import self_signed
from tests.integration.live import LiveServer
from tests.waiting import eventually

GET = (
    b"GET /login/ HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n"
    b"Connection: close\r\n\r\n"
)


def answer_at(path: Path) -> bytes:
    """What a proxy hears."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    found = b""
    with socket.socket(socket.AF_UNIX) as plain:
        plain.connect(str(path))
        with context.wrap_socket(plain) as proxy:
            proxy.sendall(GET)
            while data := proxy.recv(65536):
                found += data
    return found


def test_a_proxy_gets_pages_through_a_unix_socket_under_tls(site_template: Path, tmp_path: Path) -> None:
    server = LiveServer(site_template, {}, tls=self_signed(tmp_path))
    place = server.root / "gateway.sock"
    try:
        server.begin("--workers", "2", "--uds", str(place))
        eventually(lambda: not server.runs or "Serving on" in server.output, within=30.0)
        assert answer_at(place).startswith(b"HTTP/1.1 200 OK\r\n"), server.output
        assert server.stop().status == 0, server.output
    finally:
        server.clean_up()
