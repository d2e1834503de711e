"""The stand-alone REST: GET requests with the paths and answers of the Nexus server (design, section 10).

It is the one place where a GET changes something; that is what its clients send, and the secret guards it.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from remote_service import conf, lifecycle
from remote_service.actors import Actor
from remote_service.config.form import clean_options
from remote_service.errors import InvalidOptionError, RefusedError, RestClosedError, UnknownTokenError
from remote_service.models import Session, SessionType
from remote_service.nudges import GATEWAY_GROUP, hearing
from remote_service.reservations import Reservation, reserve_for_rest
from remote_service.rest.secret import PARAMETER, rest_actor, rest_view
from remote_service.rest.status import status_document
from remote_service.sealing import token_hash
from remote_service.states import EndReason

RELEASE_PATIENCE = 10.0
"""Seconds that a release waits for the slot to be free."""
_LOOK = 0.5


@rest_view
async def status(request: HttpRequest) -> HttpResponse:
    """Every type and slot as JSON."""
    return JsonResponse(await sync_to_async(status_document)())


@rest_view
async def status_view(request: HttpRequest) -> HttpResponse:
    """The same as a page."""
    document = await sync_to_async(status_document)()
    return await sync_to_async(render)(request, "remote_service/status_view.html", document)


@rest_view
async def reserve(request: HttpRequest, type_name: str) -> HttpResponse:
    """Takes a slot; nothing starts before the token is used."""
    # The last of a repeated name wins, which is what QueryDict.dict() keeps.
    asked = {name: value for name, value in request.GET.dict().items() if name != PARAMETER}
    reservation = await sync_to_async(_reserve)(type_name, asked, request)
    session = reservation.session
    return JsonResponse(
        {
            "token": reservation.token,
            "service": session.type_name,
            "index": session.index,
            "websocket": f"/websockify?token={reservation.token}",
            "expires_in": _whole(session.limits.reservation_timeout),
        }
    )


def _whole(seconds: float | None) -> float | int | None:
    """Whole seconds as a whole number, as the clients of the Nexus server know it."""
    return int(seconds) if seconds is not None and seconds.is_integer() else seconds


def _reserve(type_name: str, asked: Mapping[str, object], request: HttpRequest) -> Reservation:
    by = rest_actor(request)
    found = SessionType.objects.filter(name=type_name).first()
    options = {name: str(value) for name, value in asked.items()}
    if found is not None and found.definition.rest:
        cleaned = clean_options(found.definition, options, unknown_allowed=True, free_size=True)
        if cleaned.errors:
            refusal: RefusedError = InvalidOptionError(cleaned.errors)
            lifecycle.note_refusal(None, f"{refusal.code}: {refusal}", by, type_name=type_name)
            raise refusal
        options = dict(cleaned.options)
    return reserve_for_rest(type_name, options, by)


@rest_view
async def release(request: HttpRequest, token: str) -> HttpResponse:
    """Ends a session of this door; answers when its slot is free, or after 10 s."""
    session = await sync_to_async(lambda: Session.objects.filter(token_hash=token_hash(token), door="rest").first())()
    if session is None:
        raise UnknownTokenError("There is no session with this token.")
    if not await sync_to_async(_give_back)(session, rest_actor(request)):
        with suppress(TimeoutError):
            async with asyncio.timeout(RELEASE_PATIENCE):
                await _until_over(session)
    return JsonResponse({"released": True})


def _give_back(session: Session, by: Actor) -> bool:
    """Ends the session, or asks for its end; whether it is over."""
    if session.over or lifecycle.give_back(session.pk, EndReason.RELEASED, by):
        return True
    lifecycle.ask_to_stop(session.pk, EndReason.RELEASED, by)
    return False


async def _until_over(session: Session) -> None:
    """Waits for the session's end; a nudge wakes it, and a look now and then makes up for a lost one."""
    async with hearing(GATEWAY_GROUP) as nudged:
        while True:
            nudged.clear()
            await session.arefresh_from_db(fields=["state"])
            if session.over:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK):
                    await nudged.wait()


@rest_view
async def stop(request: HttpRequest) -> HttpResponse:
    """Ends the server, and its sessions with it, as Ctrl-C does."""
    found = conf.current()
    crew = found.crew
    if not (crew is None if found.rest_stop is None else found.rest_stop):
        raise RestClosedError(
            "The REST interface may not stop this server. Stop it on its machine, or start it with "
            "REMOTE_SERVICE_REST_STOP=1, which is the default where one process does everything."
        )
    asyncio.get_running_loop().call_later(0.05, os.kill, crew.main_pid if crew else os.getpid(), signal.SIGINT)
    return JsonResponse({"stopping": True})
