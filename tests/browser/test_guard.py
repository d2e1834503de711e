"""The watch over every browser test notices what it must."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.guard import REFUSED_PAGE, Guard
from tests.browser.served import NOBODY
from tests.browser.visits import Visits
from tests.waiting import eventually

PROVOKED = {
    "console: something is wrong": "console.error('something is wrong')",
    "uncaught exception: nobody catches it": "setTimeout(() => { throw new Error('nobody catches it'); })",
    "request to a foreign host: https://elsewhere.invalid/": "location.assign('https://elsewhere.invalid/')",
    "violates the following Content Security Policy": "document.body.setAttribute('onclick', 'alert(1)')",
}


@pytest.mark.parametrize(("complaint", "script"), PROVOKED.items(), ids=list(PROVOKED))
def test_it_complains_of_what_a_page_does(visit: Visits, guard: Guard, complaint: str, script: str) -> None:
    page = visit(NOBODY).open("/login/")
    assert guard.complaints() == []

    page.evaluate(script)

    def complains() -> bool:
        page.wait_for_timeout(10)  # lets the browser's events in
        return any(complaint in found for found in guard.complaints())

    eventually(complains)
    guard.announce("")  # everything: this test is about the complaint


def test_it_complains_of_a_page_that_is_refused_unless_that_was_announced(visit: Visits, guard: Guard) -> None:
    page = visit(NOBODY).open("/nowhere/")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    assert len(guard.complaints()) == 1

    guard.announce(REFUSED_PAGE)

    assert guard.complaints() == []
