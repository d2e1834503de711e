"""An Origin is the site's own only when scheme, host and port are exactly equal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_service.relay.origin import from_own_pages, header, same_origin

EQUAL = [
    ("ws", "desk.example.org", "http://desk.example.org"),
    ("wss", "desk.example.org", "https://desk.example.org"),
    ("ws", "desk.example.org:8000", "http://desk.example.org:8000"),
    ("ws", "desk.example.org:80", "http://desk.example.org"),
    ("ws", "desk.example.org", "http://desk.example.org:80"),
    ("wss", "desk.example.org:443", "https://desk.example.org"),
    ("ws", "Desk.Example.ORG", "http://desk.example.org"),
    ("ws", "127.0.0.1:8000", "http://127.0.0.1:8000"),
    ("ws", "[::1]:8000", "http://[::1]:8000"),
    ("wss", "[2001:db8::1]", "https://[2001:db8::1]:443"),
]

DIFFERENT = [
    ("wss", "desk.example.org", "http://desk.example.org"),
    ("ws", "desk.example.org", "https://desk.example.org"),
    ("ws", "desk.example.org", "http://desk.example.org:8000"),
    ("ws", "desk.example.org:8000", "http://desk.example.org"),
    ("wss", "desk.example.org:80", "https://desk.example.org"),
    ("ws", "desk.example.org", "http://example.org"),
    ("ws", "desk.example.org", "http://evil.desk.example.org"),
    ("ws", "desk.example.org", "http://desk.example.org.evil.test"),
    ("ws", "desk.example.org", "http://desk.example.org."),
    ("ws", "desk.example.org", "ftp://desk.example.org"),
    ("ws", "desk.example.org", "ws://desk.example.org"),
    ("ws", "desk.example.org", "null"),
    ("ws", "desk.example.org", ""),
    ("ws", "desk.example.org", "desk.example.org"),
    ("ws", "desk.example.org", "//desk.example.org"),
    ("ws", "desk.example.org", "http://"),
    ("ws", "desk.example.org", "http://desk.example.org/"),
    ("ws", "desk.example.org", "http://desk.example.org?"),
    ("ws", "desk.example.org", "http://desk.example.org?x"),
    ("ws", "desk.example.org", " http://desk.example.org"),
    ("ws", "desk.example.org", "http://desk.exam\tple.org"),
    ("ws", "desk.example.org", "http://desk.example.org#x"),
    ("ws", "desk.example.org", "http://alice@desk.example.org"),
    ("ws", "desk.example.org", "http://:secret@desk.example.org"),
    ("ws", "desk.example.org", "http://@desk.example.org"),
    ("ws", "desk.example.org", "http://desk.example.org@evil.test"),
    ("ws", "desk.example.org", "http://evil.test\\@desk.example.org"),
    ("ws", "desk.example.org", "http://desk.example.org:0"),
    ("ws", "desk.example.org", "http://desk.example.org:99999"),
    ("ws", "desk.example.org", "http://desk.example.org:port"),
    ("ws", "[::1]:8000", "http://::1:8000"),
    ("ws", "[::1]", "http://[::2]"),
    ("ws", "[::1]", "http://[::1"),
    ("ws", "", "http://"),
    ("ws", "", ""),
    ("ws", "", "null"),
    ("ws", "null", "null"),
    # A Host header that is more than a host is nobody's origin.
    ("ws", "desk.example.org/path", "http://desk.example.org/path"),
    ("ws", "alice@desk.example.org", "http://alice@desk.example.org"),
    ("ftp", "desk.example.org", "ftp://desk.example.org"),
]


@pytest.mark.parametrize(("scheme", "host", "origin"), EQUAL)
def test_equal_scheme_host_and_port_are_the_same_origin(scheme: str, host: str, origin: str) -> None:
    assert same_origin(scheme, host, origin)


@pytest.mark.parametrize(("scheme", "host", "origin"), DIFFERENT)
def test_anything_else_is_another_origin(scheme: str, host: str, origin: str) -> None:
    assert not same_origin(scheme, host, origin)


LABEL = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=8)
HOST = st.lists(LABEL, min_size=1, max_size=3).map(".".join) | st.ip_addresses(v=6).map(lambda address: f"[{address}]")
PORT = st.none() | st.integers(1, 65535)


def joined(host: str, port: int | None) -> str:
    return host if port is None else f"{host}:{port}"


@given(HOST, PORT, HOST, PORT, st.booleans(), st.booleans())
def test_two_addresses_are_equal_when_their_parts_are(
    host: str, port: int | None, other_host: str, other_port: int | None, tls: bool, other_tls: bool
) -> None:
    default, other_default = (443 if secure else 80 for secure in (tls, other_tls))
    equal = (tls, host, port or default) == (other_tls, other_host, other_port or other_default)
    origin = f"{'https' if other_tls else 'http'}://{joined(other_host, other_port)}"

    assert same_origin("wss" if tls else "ws", joined(host, port), origin) is equal


@given(st.sampled_from(["ws", "wss"]), st.text(), st.text())
def test_it_never_raises_and_never_takes_an_origin_that_does_not_name_the_host(
    scheme: str, host: str, origin: str
) -> None:
    if same_origin(scheme, host, origin):
        assert host.partition(":")[0].lower().strip() in origin.lower()


HEADERS = [(b"host", b"one"), (b"origin", b"first"), (b"origin", b"second"), (b"x-latin", b"\xe9")]


@pytest.mark.parametrize(
    ("name", "value"), [(b"host", "one"), (b"origin", "first"), (b"x-latin", "é"), (b"cookie", "")]
)
def test_a_header_is_its_first_value_or_empty(name: bytes, value: str) -> None:
    assert header(HEADERS, name) == value


def test_a_websocket_of_another_sites_page_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    headers = [(b"host", b"desk.example.org"), (b"origin", b"http://desk.example.org")]
    assert from_own_pages({"scheme": "ws", "headers": headers})
    assert caplog.messages == []
    assert not from_own_pages({"scheme": "wss", "headers": headers})
    assert caplog.messages == [
        "a websocket with the Origin 'http://desk.example.org' reached wss://desk.example.org, so its cookie does not "
        "count; behind a TLS proxy set REMOTE_SERVICE_TRUSTED_PROXIES and have the proxy send X-Forwarded-Proto"
    ]
