"""Debian's Chromium at a real server. Every test is watched: what the browser complains about fails it.

The server, its accounts and the browser live as long as the tests of this folder; each test gets browser contexts of
its own, and whatever sessions it leaves are ended after it. What a failed test showed is kept, and its report says
where: for each tab a picture, and a trace for `playwright show-trace`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, StorageState, ViewportSize, expect, sync_playwright

from tests.browser.guard import Guard
from tests.browser.served import PATTERN, BrowserSite, browser_site
from tests.browser.visitor import Visitor
from tests.integration.live import make_template
from tools.make_screenshots import CHROMIUM, CHROMIUM_FLAGS

PATIENCE = 15_000
"""Milliseconds that a page may take for anything; a busy machine is slow."""
WINDOW: ViewportSize = {"width": 1280, "height": 800}

_OUTCOME = pytest.StashKey[dict[str, bool]]()

Logins = dict[tuple[BrowserSite, str], StorageState]
Visitors = Callable[..., Visitor]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Generator[None, Any, Any]:
    """Lets fixtures know how the test went."""
    report = yield
    item.stash.setdefault(_OUTCOME, {})[report.when] = report.failed
    return report


# ---- what lives as long as the folder's tests ---------------------------------------------------------------


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The browser. Not for the whole run: while it is there, no test can run an event loop of its own."""
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory with users; sites work on copies of it."""
    return make_template(tmp_path_factory.mktemp("template") / "state")


@pytest.fixture(scope="package")
def running_site(template: Path) -> Iterator[BrowserSite]:
    """The site that most tests share, one after the other."""
    with browser_site(template) as site:
        site.start()
        yield site


@pytest.fixture(scope="package")
def logins() -> Logins:
    """Who has logged in where: once is enough for tests that are not about logging in."""
    return {}


# ---- what each test gets ------------------------------------------------------------------------------------


@pytest.fixture
def site(running_site: BrowserSite) -> Iterator[BrowserSite]:
    """The shared site, without any session of another test."""
    yield running_site
    running_site.end_all_sessions()


@pytest.fixture
def own_site(template: Path, request: pytest.FixtureRequest) -> Iterator[BrowserSite]:
    """A site that the test may stop and change; not started yet. It serves PATTERN, or the types of its parameter."""
    with browser_site(template, getattr(request, "param", [PATTERN])) as site:
        yield site


@pytest.fixture(autouse=True)
def guard() -> Iterator[Guard]:
    """Fails the test when the browser had something to complain about."""
    watching = Guard()
    yield watching
    assert watching.complaints() == []


@pytest.fixture
def make_context(chromium: Browser, guard: Guard, request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Makes browser contexts that are watched, and that leave evidence when the test fails."""
    made: list[BrowserContext] = []

    def make(origin: str, **options: Any) -> BrowserContext:
        context = chromium.new_context(base_url=origin, viewport=WINDOW, **options)
        context.set_default_timeout(PATIENCE)
        pass  # TRACE
        guard.watch(context, origin)
        made.append(context)
        return context

    yield make
    failed = request.node.stash.get(_OUTCOME, {}).get("call", False) or guard.complaints()
    evidence = Path(tempfile.mkdtemp(prefix=f"failed-{request.node.originalname}-")) if failed else None
    for number, context in enumerate(made, 1):
        if evidence:
            _keep(context, evidence, number)
        else:
            context.tracing.stop()
        context.close()
    if evidence:
        request.node.add_report_section("call", "evidence", f"Pictures and traces are in {evidence}")


def _keep(context: BrowserContext, evidence: Path, number: int) -> None:
    for tab, page in enumerate(context.pages, 1):
        with suppress(Error):  # a page that hangs is what the test found, and has no picture
            page.screenshot(path=evidence / f"context-{number}-tab-{tab}.png", timeout=5000)
    context.tracing.stop(path=evidence / f"context-{number}.trace.zip")


@pytest.fixture
def visit(site: BrowserSite, make_context: Callable[..., BrowserContext], logins: Logins) -> Visitors:
    """Brings somebody to the shared site, or to another: `visit(ALICE)`, `visit(NOBODY)`, `visit(BOB, at=own_site)`.

    Further keywords are options of the browser context. With `address` the site is reached there, through a line of
    the test's own. The first time somebody logs in through the login page; their cookies serve for later tests.
    """

    def bring(name: str, *, at: BrowserSite | None = None, address: str = "", **options: Any) -> Visitor:
        where = at or site
        known = logins.get((where, name))
        visitor = Visitor(make_context(address or where.url, storage_state=known, **options), name)
        if name and not known:
            visitor.log_in(name)
            logins[where, name] = visitor.context.storage_state()
        return visitor

    return bring
