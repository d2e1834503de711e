"""Front proxies on a Unix socket: what the proxy saw counts, not what the client wrote."""

from __future__ import annotations

from typing import Any

import pytest

from remote_service.forwarded import BehindProxy, last_address


@pytest.mark.parametrize(
    ("values", "address"),
    [
        ([b"203.0.113.5"], "203.0.113.5"),
        ([b"10.0.0.1, 203.0.113.5"], "203.0.113.5"),
        ([b"10.0.0.1", b"203.0.113.5"], "203.0.113.5"),
        ([b"[2001:db8::7]"], "2001:db8::7"),
        ([b"203.0.113.5, forged"], None),
        ([b""], None),
        ([], None),
    ],
)
def test_the_last_entry_counts_if_it_is_an_address(values: list[bytes], address: str | None) -> None:
    assert last_address(values) == address


async def seen(kind: str, scheme: str, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    scopes: list[dict[str, Any]] = []

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        scopes.append(scope)

    scope = {"type": kind, "scheme": scheme, "headers": list(headers), "client": None}
    await BehindProxy(application)(scope, None, None)
    return scopes[0]


@pytest.mark.parametrize(("kind", "plain", "secure"), [("http", "http", "https"), ("websocket", "ws", "wss")])
async def test_scheme_and_client_are_the_proxys(kind: str, plain: str, secure: str) -> None:
    forwarded = ((b"x-forwarded-for", b"10.9.9.9, 192.0.2.1"), (b"x-forwarded-proto", b"https"))
    scope = await seen(kind, plain, *forwarded)
    assert (scope["client"], scope["scheme"]) == (("192.0.2.1", 0), secure)


async def test_without_the_headers_nothing_is_made_up() -> None:
    scope = await seen("http", "http", (b"x-forwarded-proto", b"gopher"))
    assert (scope["client"], scope["scheme"]) == (None, "http")


async def test_what_is_no_request_passes_untouched() -> None:
    assert (await seen("lifespan", "http"))["client"] is None
