"""`/healthz`, `/readyz` and `/metrics` (design, section 10)."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

from asgiref.sync import sync_to_async
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from remote_service import access, conf
from remote_service.errors import RefusedError
from remote_service.models import Session
from remote_service.monitoring.exposition import CONTENT_TYPE, SiteFigures, of_process, of_site
from remote_service.monitoring.readiness import checks
from remote_service.monitoring.secret import check_reader
from remote_service.monitoring.siblings import ask_all, merged
from remote_service.relay.gateway import gateway
from remote_service.states import LIVE, State


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Whether this process answers; nothing else is asked."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Whether sessions can be launched; why not is told to staff."""
    found = checks()
    ready = all(check.ok for check in found)
    answer: dict[str, object] = {"ready": ready}
    if _is_staff(request):
        answer["checks"] = {check.name: {"ok": check.ok, "detail": check.detail} for check in found}
    response = JsonResponse(answer, status=200 if ready else 503)
    # Who asks is told; Django would write an error for each time.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _is_staff(request: HttpRequest) -> bool:
    try:
        return request.user.is_staff or access.may_manage(request.user)
    except DatabaseError:
        return False


@require_safe
@never_cache
async def metrics(request: HttpRequest) -> HttpResponse:
    """The figures, in the text format of Prometheus."""
    try:
        check_reader(request)
    except RefusedError as error:
        refused = HttpResponse(f"{error}\n", status=error.status, content_type="text/plain; charset=utf-8")
        if error.status == 401:
            refused["WWW-Authenticate"] = "Bearer"
        return refused
    crew = conf.current().crew
    if crew is None:
        tally = gateway().tally
        figures = of_process(tally.viewers, tally.total())
    else:
        # In a thread, since this process is asked, too.
        told = await asyncio.to_thread(ask_all, crew.figures)
        figures = merged(told)
    site = await sync_to_async(_site)()
    return HttpResponse(figures + (b"" if site is None else of_site(site)), content_type=CONTENT_TYPE)


def _site() -> SiteFigures | None:
    """What there is of sessions; None when the database does not answer."""
    alarming = timezone.now() - timedelta(seconds=conf.current().unknown_alarm)
    try:
        states = Counter(Session.objects.live().values_list("state", flat=True))
        unknown = list(Session.objects.live().exclude(unknown_since=None).values_list("unknown_since", flat=True))
        quarantined = Session.objects.filter(quarantined=True).count()
    except DatabaseError:
        return None
    return SiteFigures(
        sessions={state.value: states[state] for state in State if state in LIVE},
        quarantined=quarantined,
        unknown=len(unknown),
        unknown_for_long=sum(since is not None and since <= alarming for since in unknown),
    )
