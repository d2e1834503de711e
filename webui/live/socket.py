"""An open page's websocket as an ASGI application: it is told what changed, and is never asked anything."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

from django.db import DatabaseError
from django.utils import translation
from django.utils.translation import gettext as _

from remote_service.database import asked as answered
from remote_service.relay import closing
from remote_service.relay.closing import Close
from remote_service.relay.viewing import Receive, Send
from remote_service.tasks import spawn
from webui.live.fragments import changed, digest, stamps
from webui.live.hub import CrowdedError, Hub, OpenPage, hub
from webui.live.rights import Asked, judge

log = logging.getLogger(__name__)

AGES = 30.0
"""Seconds after which a page is rendered again though nothing happened: "2 minutes ago" becomes wrong by itself."""
RETRY = 5.0
"""Seconds until the next try when the database cannot be reached."""


async def live(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serves one open page until it is closed, or its user may not see it any more."""
    message = await receive()
    if message["type"] != "websocket.connect":
        return
    try:
        asked = await answered(judge, scope)
    except DatabaseError as error:
        log.warning("an open page is not kept up to date, the database cannot be reached: %s", error)
        asked = None
    if asked is None:
        await send({"type": "websocket.close"})
        return
    here = hub()
    try:
        page = here.join(asked.right, asked.address)
    except CrowdedError:
        await send({"type": "websocket.close"})
        return
    await send({"type": "websocket.accept", "subprotocol": None})
    leaving = spawn(_left(receive), name="page leaves")
    telling = spawn(_tell(here, page, asked, send), name="page is told")
    withdrawn = spawn(page.withdrawn.wait(), name="right to a page")
    tasks: tuple[asyncio.Task[Any], ...] = (leaving, telling, withdrawn)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        left = leaving.done()
        failed = telling.done() and telling.exception() is not None
    finally:
        here.leave(page)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if not left:
        await _say(_failed() if failed else _withdrawn(), send)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def _tell(here: Hub, page: OpenPage, asked: Asked, send: Send) -> None:
    """Sends what the page does not have yet, now and whenever something changed; returns when it is not to be had."""
    translation.activate(asked.language)  # in this task alone, and in what it has rendered
    known: dict[str, bytes] | None = None
    while True:
        try:
            fragments = await here.render(page)
        except DatabaseError as error:
            log.warning("an open page is not kept up to date, the database cannot be reached: %s", error)
            await asyncio.sleep(RETRY)
            continue
        if fragments is None:
            return
        now = stamps(fragments)
        whole = digest(now)
        if known is None and whole == asked.seen:
            known = now
        new = changed(fragments, now, known or {})
        if new or known != now:  # what has gone changes the digest, and is in no fragment
            try:
                await send({"type": "websocket.send", "text": json.dumps({"digest": whole, "fragments": new})})
            except (OSError, RuntimeError):
                return
        known = now
        await here.rest(page)
        try:
            async with asyncio.timeout(AGES):
                await page.changed.wait()
        except TimeoutError:
            pass


def _withdrawn() -> Close:
    return Close(closing.RIGHT_WITHDRAWN, _("You are logged out, or may not see this page any more."))


def _failed() -> Close:
    """For a mistake of ours, which the log tells: a page that loaded itself again would do so without end."""
    return Close(closing.RELAY_ERROR, _("The server failed to make the page."))


async def _say(close: Close, send: Send) -> None:
    try:
        await send(close.message())
    except (OSError, RuntimeError):
        log.debug("a page had left before it could be told: %s", close.reason)
