"""What an owner does to let others in: makes a link, hands the keyboard over, to one or to all, takes either back."""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from remote_service import access, holders, sharing
from remote_service.models import Session, Share, ShareHolder
from webui.forms.shares import CONTROL, ShareForm
from webui.responses import SeeOther
from webui.visitors import actor, visible_session, visitor

LET_IN = "in"
"""What is posted as `admission` to have somebody come again who was sent away."""


@require_POST
@login_required
@never_cache
def make(request: HttpRequest, session_id: uuid.UUID) -> JsonResponse:
    """Makes a link; the answer is the only place where its secret ever stands."""
    found = visible_session(request, session_id)
    user = visitor(request)
    if not access.may_share(user, found):
        raise PermissionDenied
    form = ShareForm(request.POST, session=found, owner=user)
    if not form.is_valid():
        errors = {name: " ".join(map(str, told)) for name, told in form.errors.items()}
        return JsonResponse({"errors": errors}, status=400)
    share, secret = sharing.make_share(found, form.offer(timezone.now()), user, actor(request))
    return JsonResponse({"link": f"{reverse('share')}#{secret}", "share": share.pk}, status=201)


@require_POST
@login_required
def rights(request: HttpRequest, session_id: uuid.UUID, share_id: uuid.UUID) -> HttpResponse:
    """Hands the keyboard over to a share's holders, or takes it back; the owner's alone to do."""
    found, share = _share_of(request, session_id, share_id)
    if not access.may_share(visitor(request), found):
        raise PermissionDenied
    sharing.set_control(share, request.POST.get("control") == CONTROL, actor(request))
    return SeeOther(reverse("session-details", args=[found.pk]))


@require_POST
@login_required
def revoke(request: HttpRequest, session_id: uuid.UUID, share_id: uuid.UUID) -> HttpResponse:
    """Ends a share; 403 for who may see the session and no more."""
    found, share = _share_of(request, session_id, share_id)
    if not access.may_revoke(visitor(request), found):
        raise PermissionDenied
    sharing.revoke(share, actor(request))
    return SeeOther(reverse("session-details", args=[found.pk]))


@require_POST
@login_required
def holder_rights(request: HttpRequest, session_id: uuid.UUID, holder_id: int) -> HttpResponse:
    """Hands control to one of those who hold shares, or takes it back from them; the owner's alone to do."""
    found, holder = _holder_of(request, session_id, holder_id)
    if not access.may_share(visitor(request), found):
        raise PermissionDenied
    holders.hand_over(holder, request.POST.get("control") == CONTROL, actor(request))
    return SeeOther(reverse("session-details", args=[found.pk]))


@require_POST
@login_required
def holder_admission(request: HttpRequest, session_id: uuid.UUID, holder_id: int) -> HttpResponse:
    """Sends one of them away, or lets them in again; 403 for who may see the session and no more."""
    found, holder = _holder_of(request, session_id, holder_id)
    if not access.may_revoke(visitor(request), found):
        raise PermissionDenied
    if request.POST.get("admission") == LET_IN:
        holders.let_in_again(holder, actor(request))
    else:
        holders.send_away(holder, actor(request))
    return SeeOther(reverse("session-details", args=[found.pk]))


def _share_of(request: HttpRequest, session_id: uuid.UUID, share_id: uuid.UUID) -> tuple[Session, Share]:
    found = visible_session(request, session_id)
    shares = Share.objects.select_related("user", "group")
    return found, get_object_or_404(shares, pk=share_id, session=found)


def _holder_of(request: HttpRequest, session_id: uuid.UUID, holder_id: int) -> tuple[Session, ShareHolder]:
    found = visible_session(request, session_id)
    rows = ShareHolder.objects.select_related("share", "user", "guest")
    return found, get_object_or_404(rows, pk=holder_id, share__session=found)
