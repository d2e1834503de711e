"""Tests of serving static files: the whole of one, parts of one, none at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory
from pytest_django import Settings

from webui.static_serving import StaticFilesMiddleware

TEXT = "let a = 1;\n" * 1000


async def other(request: HttpRequest) -> HttpResponse:
    return HttpResponse("a page")


@pytest.fixture
def middleware(tmp_path: Path, settings: Settings) -> StaticFilesMiddleware:
    """Serves page.js, and answers "a page" to everything that is not a static file."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "page.js").write_text(TEXT)
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATICFILES_DIRS = [tmp_path / "source"]
    settings.STATIC_ROOT = str(tmp_path / "root")
    settings.STATIC_URL = "/static/"
    settings.SERVESTATIC_USE_MANIFEST = True
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "webui.storage.ModuleStorage"},
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    return StaticFilesMiddleware(other)


async def ask(middleware: StaticFilesMiddleware, path: str, method: str = "GET", **headers: str) -> HttpResponse:
    response = await middleware(AsyncRequestFactory().generic(method, path, headers=headers))
    assert isinstance(response, HttpResponse)
    return response


def hashed(tmp_path: Path) -> str:
    (path,) = (tmp_path / "root").glob("page.*.js")
    return f"/static/{path.name}"


async def test_a_hashed_file_is_served_whole_and_for_ever(middleware: StaticFilesMiddleware, tmp_path: Path) -> None:
    response = await ask(middleware, hashed(tmp_path))
    assert (response.status_code, response.content) == (200, TEXT.encode())
    assert response["Content-Type"] == 'text/javascript; charset="utf-8"'
    assert response["Content-Length"] == str(len(TEXT))
    assert response["Cache-Control"] == "max-age=315360000, public, immutable"


async def test_a_browser_that_takes_gzip_gets_it(middleware: StaticFilesMiddleware, tmp_path: Path) -> None:
    response = await ask(middleware, hashed(tmp_path), **{"accept-encoding": "gzip"})
    assert response["Content-Encoding"] == "gzip"
    assert response["Content-Length"] == str(len(response.content))
    assert response["Vary"] == "Accept-Encoding"
    assert len(response.content) < 200


async def test_head_has_the_headers_only(middleware: StaticFilesMiddleware, tmp_path: Path) -> None:
    response = await ask(middleware, hashed(tmp_path), "HEAD")
    assert (response.status_code, response.content) == (200, b"")
    assert response["Content-Length"] == str(len(TEXT))


async def test_a_range_is_served_as_such(middleware: StaticFilesMiddleware, tmp_path: Path) -> None:
    response = await ask(middleware, hashed(tmp_path), range="bytes=4-8")
    assert (response.status_code, response.content) == (206, b"a = 1")
    assert response["Content-Range"] == f"bytes 4-8/{len(TEXT)}"


async def test_an_unchanged_file_is_not_sent_again(middleware: StaticFilesMiddleware, tmp_path: Path) -> None:
    etag = (await ask(middleware, hashed(tmp_path)))["ETag"]
    response = await ask(middleware, hashed(tmp_path), **{"if-none-match": etag})
    assert (response.status_code, response.content) == (304, b"")


async def test_another_method_is_refused(middleware: StaticFilesMiddleware, tmp_path: Path) -> None:
    response = await ask(middleware, hashed(tmp_path), "POST")
    assert (response.status_code, response.content, response["Allow"]) == (405, b"", "GET, HEAD")
    assert not response.has_header("Content-Type")


@pytest.mark.parametrize(
    "path",
    ["/", "/static/missing.js", "/static/staticfiles.json", "/static/.collected", "/static/../page.js"],
)
async def test_everything_else_is_passed_on(middleware: StaticFilesMiddleware, path: str) -> None:
    response = await ask(middleware, path)
    assert (response.status_code, response.content) == (200, b"a page")
