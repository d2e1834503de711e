"""Debian's Chromium at a real server. Every test is watched: what the browser complains about fails it.

The server, its users and the browser live as long as the tests of this folder; whatever tabs and sessions a test
leaves are ended after it. Of a failed test the report says where its evidence is: picture and markup of each tab, and
what the server said.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from coverage import Coverage
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.guard import Guard
from tests.browser.served import PATTERN, BrowserSite, browser_site
from tests.browser.visits import PATIENCE, Kept, Visits
from tests.integration.live import template_with_users
from tools.chromium import FLAGS, PROGRAM

_FAILED = pytest.StashKey[bool]()
STANDS_STILL = 100
"""Seconds after which a test is interrupted, with a stack of where it waits; see also `tests.time_limits`."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Generator[None, Any, Any]:
    """Lets fixtures know how the test went."""
    report = yield
    item.stash[_FAILED] = item.stash.get(_FAILED, False) or report.failed
    return report


def pytest_itemcollected(item: pytest.Item) -> None:
    """What waits for a browser waits some seconds at most, or stands still."""
    item.add_marker(pytest.mark.timeout(STANDS_STILL))


# ---- what lives as long as the folder's tests ---------------------------------------------------------------


@pytest.fixture(scope="package", autouse=True)
def _not_measured() -> Iterator[None]:
    """What runs in this process are the tests: measuring their coverage finds nothing and takes time."""
    measuring = Coverage.current()
    if measuring is not None:
        measuring.stop()
    yield
    if measuring is not None:
        measuring.start()


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The browser. Not for the whole run: while it is there, no test can run an event loop of its own."""
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def template() -> Path:
    """A state directory with users; sites work on copies of it."""
    return template_with_users()


@pytest.fixture(scope="package")
def running_site(template: Path) -> Iterator[BrowserSite]:
    """The site that most tests share, one after the other."""
    with browser_site(template) as site:
        site.start()
        yield site


@pytest.fixture(scope="package")
def kept() -> Kept:
    """What the tests' visitors hand on to the next test."""
    return Kept()


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
def visit(
    chromium: Browser, site: BrowserSite, guard: Guard, kept: Kept, request: pytest.FixtureRequest
) -> Iterator[Visits]:
    """Brings people to the shared site, or to another; see `Visits`."""
    visits = Visits(chromium, site, guard, kept)
    yield visits
    failed = request.node.stash.get(_FAILED, False) or guard.complaints() != []
    try:
        if failed:
            folder = visits.keep_evidence(request.node.originalname)
            request.node.add_report_section("call", "evidence", f"What was seen is in {folder}")
    finally:
        # A page that does not answer has no evidence to give, and is not for the next test.
        visits.end(keep=not failed)
