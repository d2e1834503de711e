"""Answers that Django has no class for."""

from __future__ import annotations

from django.http import HttpResponseRedirect


class SeeOther(HttpResponseRedirect):
    """303: what was posted is done, and its outcome is at the other address (RFC 9110, section 15.4.4)."""

    status_code = 303
