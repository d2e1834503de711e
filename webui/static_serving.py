"""Serves collected static files, each read in one go.

ServeStatic streams a file in blocks of 8 KiB, every block through a thread of its own for that response, and
leaves the file to the garbage collector when the client hangs up early (a ResourceWarning, so a failed test).
Ours are at most some 200 kB and in the page cache: reading one takes less time than one hop to a thread.
"""

from __future__ import annotations

from io import BufferedIOBase

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from servestatic.middleware import ServeStaticMiddleware
from servestatic.responders import Redirect, StaticFile


class StaticFilesMiddleware(ServeStaticMiddleware):
    """Answers requests for static files, and passes all others on; put it behind SecurityMiddleware."""

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the file that the path names, or what the rest of the site answers."""
        static_file = None if self.autorefresh else self.files.get(request.path_info)
        if static_file is None:
            return await super().__call__(request)
        return _whole(static_file, request)


def _whole(static_file: StaticFile | Redirect, request: HttpRequest) -> HttpResponse:
    answer = static_file.get_response(request.method or "GET", request.META)
    content = b""
    if isinstance(answer.file, BufferedIOBase):  # None: a HEAD, or nothing to send
        with answer.file:
            content = answer.file.read()
    response = HttpResponse(content, status=int(answer.status))
    del response["Content-Type"]  # Django's default; a body of ours brings its own
    for name, value in answer.headers:
        if value is not None:
            response[name] = value
    return response
