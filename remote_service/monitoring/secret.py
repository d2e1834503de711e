"""Who may read the figures: programs on this machine, and those that show the figures' own token."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.request import split_domain_port
from django.utils.crypto import constant_time_compare

from remote_service import conf
from remote_service.checks import is_loopback
from remote_service.errors import NotAllowedError, RefusedError, UnauthorizedError

_OF_A_PROXY = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via")
"""Headers of requests that began elsewhere: what comes through a proxy on this machine does not come from it."""


def check_reader(request: HttpRequest) -> None:
    """Lets a request for the figures pass.

    Raises:
        NotAllowedError: it comes from elsewhere, and there is no token that it could show.
        UnauthorizedError: it shows none, or another one.
    """
    refusal = _refusal(request)
    if refusal is not None and not from_this_machine(request):
        raise refusal


def _refusal(request: HttpRequest) -> RefusedError | None:
    """Why the token does not let it pass."""
    expected = conf.current().metrics_token
    if not expected:
        return NotAllowedError(
            "The figures are for this machine alone; set REMOTE_SERVICE_METRICS_TOKEN for others to read them."
        )
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and constant_time_compare(shown.strip(), expected):
        return None
    return UnauthorizedError("The figures' token is missing or wrong; expected it as a Bearer header.")


def from_this_machine(request: HttpRequest) -> bool:
    """Whether a request was made here, to a name that only this machine has, and passed no proxy."""
    host, _port = split_domain_port(request.get_host())
    here = is_loopback(request.META.get("REMOTE_ADDR") or "") and is_loopback(host)
    return here and not any(name in request.headers for name in _OF_A_PROXY)
