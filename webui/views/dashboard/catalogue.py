"""What is wrong with the sessions file and its scripts, how to mend it, and reading it again."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from remote_service import conf, staff
from webui import dashboard_fragments as fragments
from webui.views.dashboard.guard import done, staff_actor, staff_only
from webui.views.dashboard.live_page import live_page


@require_safe
@staff_only
def catalogue(request: HttpRequest) -> HttpResponse:
    """The outcome of the last load."""
    return live_page(request, "catalogue", fragments.catalogue, sessions_file=conf.current().sessions_file)


@require_POST
@staff_only
def reload(request: HttpRequest) -> HttpResponse:
    """Asks the supervisor; the page then says what it found."""
    staff.ask_to_reload(staff_actor(request))
    sentence = _("The server was asked to read the sessions file again. Sessions that run go on.")
    return done(request, reverse("dashboard-catalogue"), sentence)
