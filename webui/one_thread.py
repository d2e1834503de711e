"""Runs all of a request that is not asynchronous in one thread, which it enters once.

Django's own middleware serves both kinds of handlers, and under ASGI each one goes to a thread and back before the
view and again after it: some twenty hops, which cost more than the rest of a small request. One that serves only the
synchronous kind, put last, has all that stand before it run synchronously too, down to the first that cannot.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_only_middleware


@sync_only_middleware
def one_thread(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Passes everything on; put it last. A view that is asynchronous still runs in the server's event loop."""
    return get_response
