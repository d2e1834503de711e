"""The secret of the stand-alone REST: where a client may put it, and how it is compared."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from asgiref.sync import sync_to_async
from django.db import Error
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt

from remote_service import conf, lifecycle
from remote_service.actors import Actor
from remote_service.database import RETRY_AFTER, complain_of, out_of_reach
from remote_service.errors import DatabaseAwayError, RefusedError, RestClosedError, UnauthorizedError

View = Callable[..., Coroutine[Any, Any, HttpResponse]]
PARAMETER = "security_token"


def rest_actor(request: HttpRequest) -> Actor:
    """Who asks by this door."""
    return Actor("", request.META.get("REMOTE_ADDR", ""), "rest")


def check_secret(request: HttpRequest) -> None:
    """Lets a request pass that shows the secret.

    Raises:
        RestClosedError: the site has configured none, so nobody passes.
        UnauthorizedError: it shows none, or another one.
    """
    expected = conf.current().security_token
    if not expected:
        raise RestClosedError(
            "The REST interface is closed: no secret is configured. "
            "Start the server with --security-token or WEBSOCKETSERVER_SECURITY_TOKEN."
        )
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    shown = bearer.strip() if scheme.lower() == "bearer" else request.GET.get(PARAMETER, "")
    if not constant_time_compare(shown, expected):
        raise UnauthorizedError("The security token is missing or wrong; expected ?security_token= or a Bearer header.")


def error_response(error: RefusedError) -> JsonResponse:
    """The error as a client of the REST is told it."""
    return JsonResponse({"error": error.code, "message": str(error)}, status=error.status)


def database_away() -> JsonResponse:
    """What a client is told while the database does not answer."""
    response = error_response(
        DatabaseAwayError("The gateway cannot reach its database at the moment; sessions go on. Try again in a moment.")
    )
    response["Retry-After"] = str(RETRY_AFTER)
    response._has_been_logged = True  # type: ignore[attr-defined]  # once for all who ask, see `complain_of`
    return response


def rest_view(view: View) -> View:
    """Makes a view of the stand-alone REST: GET only, the secret first, refusals as JSON, nothing kept by caches."""

    async def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        try:
            check_secret(request)
        except RefusedError as error:
            by = rest_actor(request)
            await sync_to_async(lifecycle.note_refusal)(None, f"{error.code}: {error}", by)
            return error_response(error)
        try:
            return await view(request, *args, **kwargs)
        except RefusedError as error:
            return error_response(error)

    async def answer_anyhow(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return await answer(request, *args, **kwargs)
        except Error as error:
            if not out_of_reach(error):
                raise
            complain_of(error)
            return database_away()

    # No cookie counts here, so there is nothing to forge; without this a POST would be told 403 instead of 405.
    @csrf_exempt
    @wraps(view)
    async def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = await answer_anyhow(request, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response

    return checked
