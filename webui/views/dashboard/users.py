"""Blocking users, and letting them in again. Everything else about users is Django's admin's."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from remote_service import staff
from remote_service.errors import NotAllowedError
from remote_service.models import live_states
from webui.forms.dashboard import BlockForm
from webui.views.dashboard.guard import done, staff_actor, staff_only
from webui.words import translated

MOST_LISTED = 50


@require_safe
@staff_only
def users(request: HttpRequest) -> HttpResponse:
    """Those that are searched for; else those that are blocked or have live sessions."""
    text = request.GET.get("text", "").strip()[:150]
    found = list(_found(text)[: MOST_LISTED + 1])
    context = {"section": "users", "text": text, "users": found[:MOST_LISTED], "more": len(found) > MOST_LISTED}
    return render(request, "webui/dashboard/users.html", context)


def _found(text: str) -> QuerySet[User]:
    live = Count("sessions", filter=Q(sessions__state__in=live_states()))
    counted = User.objects.annotate(live=live).order_by("is_active", "-live", "username")
    if text:
        named = Q(username__icontains=text) | Q(first_name__icontains=text) | Q(last_name__icontains=text)
        return counted.filter(named | Q(email__icontains=text))
    return counted.filter(Q(is_active=False) | Q(live__gt=0))


@require_http_methods(["GET", "HEAD", "POST"])
@staff_only
def block(request: HttpRequest, user_id: int) -> HttpResponse:
    """Asks for a reason; then locks the user out, and ends their sessions with it."""
    user = get_object_or_404(User, pk=user_id)
    form = BlockForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            ended = staff.block_user(user, form.cleaned_data["reason"], staff_actor(request))
        except NotAllowedError as refusal:
            return done(request, reverse("dashboard-users"), translated(refusal.sentence), well=False)
        sentence = ngettext(
            "“%(name)s” is blocked, and %(ended)d session is being ended.",
            "“%(name)s” is blocked, and %(ended)d sessions are being ended.",
            ended,
        ) % {"name": user.get_username(), "ended": ended}
        return done(request, reverse("dashboard-users"), sentence)
    context = {"section": "users", "form": form, "blocked": user}
    return render(request, "webui/dashboard/block.html", context, status=400 if form.is_bound else 200)


@require_POST
@staff_only
def unblock(request: HttpRequest, user_id: int) -> HttpResponse:
    """Lets a user log in again."""
    user = get_object_or_404(User, pk=user_id)
    named = {"name": user.get_username()}
    try:
        unblocked = staff.unblock_user(user, staff_actor(request))
    except NotAllowedError as refusal:
        return done(request, reverse("dashboard-users"), translated(refusal.sentence), well=False)
    if unblocked:
        return done(request, reverse("dashboard-users"), _("“%(name)s” may log in again.") % named)
    return done(request, reverse("dashboard-users"), _("“%(name)s” was not blocked.") % named, well=False)
