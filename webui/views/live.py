"""What an open page asks for while it cannot listen."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from webui.live.fragments import digest, stamps
from webui.live.pages import fragments_of
from webui.live.rights import guest_asking, question


@require_safe
@never_cache
def poll(request: HttpRequest) -> HttpResponse:
    """All fragments of a page; 204 when they are what the page says that it shows, 404 when there is no such page."""
    address, seen = question(request.META.get("QUERY_STRING", ""))
    who = request.user if isinstance(request.user, User) else guest_asking(request.session.session_key, address)
    if who is None:
        return redirect_to_login(request.get_full_path())
    fragments = fragments_of(who.pk, address)
    if fragments is None:
        raise Http404
    whole = digest(stamps(fragments))
    if whole == seen:
        return HttpResponse(status=204)
    return JsonResponse({"digest": whole, "fragments": fragments})
