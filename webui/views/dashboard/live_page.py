"""A page of the dashboard that follows what happens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from webui.csrf import with_token
from webui.live.pages import Render, first_look
from webui.visitors import visitor


def live_page(
    request: HttpRequest, section: str, made: Render, parameters: Mapping[str, str] | None = None, **context: Any
) -> HttpResponse:
    """Renders it.

    Args:
        request: the visitor's.
        section: its name: that of the template, of the entry in the navigation and, behind "dashboard-", in `PAGES`.
        made: makes its fragments.
        parameters: what of the page is wanted.
        context: what its template needs besides.

    Raises:
        Http404: it is not for this visitor.
    """
    user, parameters = visitor(request), dict(parameters or {})
    fragments = made(user, parameters)
    if fragments is None:
        raise Http404
    name = "dashboard" if section == "overview" else f"dashboard-{section}"
    live = first_look(user, name, fragments, **parameters)
    changing = with_token(live.parts["changing"], request)
    shown = {"section": section, "live": live, "changing": changing, **context}
    return render(request, f"webui/dashboard/{section}.html", shown)
