"""Where a share's link leads. The page asks, and a POST accepts: whoever only fetches it uses nothing up.

The link's secret stands behind the # of its address, which no browser sends; the page's script posts it.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable
from functools import wraps

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from remote_service import access, guests, holders, sharing
from remote_service.admission.links import led_somewhere, try_link
from remote_service.errors import RefusedError
from webui.responses import SeeOther
from webui.session_cards import owner_words
from webui.shares import guest_cards
from webui.visitors import actor, looker, visitor
from webui.words import translated

SECRET = "secret"
MOST_SECRET = 200
"""Characters; what is longer is none of ours."""
MOST_NAME = 200
"""Characters of a guest's name that are looked at; far fewer are kept."""

View = Callable[[HttpRequest], HttpResponse]


def or_guests(part: str) -> Callable[[View], View]:
    """For users, and where the site lets guests in also without a login.

    Args:
        part: the template that tells those who have tried too many links.
    """

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest) -> HttpResponse:
            if request.user.is_authenticated:
                return view(request)
            if not access.guests_allowed():
                return redirect_to_login(request.get_full_path())
            address = request.META.get("REMOTE_ADDR") or ""
            if wait := try_link(address):
                return _too_many(request, part, math.ceil(wait))
            response = view(request)
            if response.status_code < 400:
                led_somewhere(address)
            return response

        return guarded

    return guard


@require_safe
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    """The page, the same for every link, and for who is not logged in."""
    return render(request, "webui/share_link.html", _frame(request))


@sensitive_post_parameters(SECRET)
@require_POST
@or_guests("webui/_share_refused.html")
@never_cache
def ask(request: HttpRequest) -> HttpResponse:
    """What the link offers, as a part of the page; 404 when that is nothing."""
    try:
        share = sharing.find_offer(_secret(request), request.user, actor(request), request.session.session_key)
    except RefusedError as refusal:
        # Who may have an account is told no more than that it may help: not what kind of link it is.
        part = "webui/_share_refused.html" if request.user.is_authenticated else "webui/_share_log_in.html"
        return render(request, part, {"sentence": translated(refusal.sentence)}, status=404)
    session = share.session
    who = looker(request, session.pk)
    context = {
        "share": share,
        "control": share.control if who is None else holders.control_by(share, who),
        "session": session,
        "owner": owner_words(session),
        "own": isinstance(request.user, User) and session.owner_id == request.user.pk,
    }
    return render(request, "webui/_share_offer.html", context)


@sensitive_post_parameters(SECRET)
@require_POST
@or_guests("webui/share_link.html")
@never_cache
def accept(request: HttpRequest) -> HttpResponse:
    """Accepts it, and leads to the session."""
    try:
        if request.user.is_authenticated:
            session_id = sharing.accept(_secret(request), visitor(request), actor(request)).session_id
        else:
            session_id = _accept_as_guest(request)
    except RefusedError as refusal:
        context = {"refused": translated(refusal.sentence), **_frame(request)}
        return render(request, "webui/share_link.html", context, status=404)
    return SeeOther(reverse("session", args=[session_id]))


def _accept_as_guest(request: HttpRequest) -> uuid.UUID:
    browser, by = request.session, actor(request)
    before = browser.session_key
    share = sharing.find_offer(_secret(request), request.user, by, before)
    # A key that somebody else may know, since they put it there, must not open anything.
    browser.cycle_key()
    browser.set_expiry(0)  # forgotten when the browser is closed
    key = browser.session_key or ""
    guests.move(before, to=key)
    sharing.accept_as_guest(share, key, request.POST.get("name", "")[:MOST_NAME], by)
    return share.session_id


def _frame(request: HttpRequest) -> dict[str, object]:
    """What the page around a link needs: whether guests may come, and where this browser is one."""
    if request.user.is_authenticated or not access.guests_allowed():
        return {"guests": False}
    return {"guests": True, "cards": guest_cards(request.session.session_key)}


def _too_many(request: HttpRequest, part: str, seconds: int) -> HttpResponse:
    sentence = ngettext(
        "Too many links from your address led nowhere. Try again in %(count)d second.",
        "Too many links from your address led nowhere. Try again in %(count)d seconds.",
        seconds,
    ) % {"count": seconds}
    response = render(request, part, {"sentence": sentence, "refused": sentence, **_frame(request)}, status=429)
    response["Retry-After"] = str(seconds)
    return response


def _secret(request: HttpRequest) -> str:
    return request.POST.get(SECRET, "")[:MOST_SECRET]
