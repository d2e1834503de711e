"""Has requests that hash a password wait for their turn, or refuses them.

Both happen in the event loop, before a request has a thread.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import resolve
from django.utils.decorators import async_only_middleware

from remote_service.admission.log_ins import Bounds, bounds
from remote_service.tasks import spawn
from webui.views.errors import too_many_log_ins

HASHING = frozenset({"login", "password", "admin:login", "admin:password_change", "admin:auth_user_password_change"})
"""The pages whose forms have passwords hashed."""

Answer = Callable[[HttpRequest], Awaitable[HttpResponse]]


@async_only_middleware
def limit_log_ins(get_response: Answer) -> Answer:
    """Has log-ins wait for their turn, or answers 429. Put it before all that is synchronous."""

    async def answer(request: HttpRequest) -> HttpResponse:
        if request.method != "POST" or not _hashes(request.path_info):
            return await get_response(request)
        address, here = request.META.get("REMOTE_ADDR") or "", bounds()
        if wait := await here.enter(address):
            return too_many_log_ins(request, math.ceil(wait))
        work = spawn(_finish(get_response, request, here, address), name="log-in")
        # Who hangs up must not make room for the next while its password is still being hashed.
        return await asyncio.shield(work)

    return answer


async def _finish(get_response: Answer, request: HttpRequest, here: Bounds, address: str) -> HttpResponse:
    succeeded = False
    try:
        response = await get_response(request)
        succeeded = response.status_code == 302
    finally:
        here.leave(address, succeeded=succeeded)
    return response


def _hashes(path: str) -> bool:
    try:
        return resolve(path).view_name in HASHING
    except Http404:
        return False
