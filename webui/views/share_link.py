"""Where a share's link leads. The page asks, and a POST accepts: whoever only fetches it uses nothing up.

The link's secret stands behind the # of its address, which no browser sends; the page's script posts it.
"""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from remote_service import sharing
from remote_service.errors import RefusedError
from webui.responses import SeeOther
from webui.session_cards import owner_words
from webui.visitors import actor, visitor
from webui.words import translated

SECRET = "secret"
MOST_SECRET = 200
"""Characters; what is longer is none of ours."""


@require_safe
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    """The page, the same for every link, and for who is not logged in yet."""
    return render(request, "webui/share_link.html")


@sensitive_post_parameters(SECRET)
@require_POST
@login_required
@never_cache
def ask(request: HttpRequest) -> HttpResponse:
    """What the link offers, as a part of the page; 404 when that is nothing."""
    try:
        share = sharing.find_offer(_secret(request), visitor(request), actor(request))
    except RefusedError as refusal:
        return render(request, "webui/_share_refused.html", {"sentence": translated(refusal.sentence)}, status=404)
    session = share.session
    context = {
        "share": share,
        "session": session,
        "owner": owner_words(session),
        "own": session.owner_id == visitor(request).pk,
    }
    return render(request, "webui/_share_offer.html", context)


@sensitive_post_parameters(SECRET)
@require_POST
@login_required
@never_cache
def accept(request: HttpRequest) -> HttpResponse:
    """Accepts it, and leads to the session."""
    try:
        share = sharing.accept(_secret(request), visitor(request), actor(request))
    except RefusedError as refusal:
        return render(request, "webui/share_link.html", {"refused": translated(refusal.sentence)}, status=404)
    return SeeOther(reverse("session", args=[share.session_id]))


def _secret(request: HttpRequest) -> str:
    return request.POST.get(SECRET, "")[:MOST_SECRET]
