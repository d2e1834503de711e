"""The watch over every browser test notices what it must."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitors
from tests.browser.guard import REFUSED_PAGE, Guard
from tests.waiting import eventually

PROVOKED = {
    "console: something is wrong": "console.error('something is wrong')",
    "uncaught exception: nobody catches it": "setTimeout(() => { throw new Error('nobody catches it'); })",
    "request to a foreign host: https://elsewhere.invalid/": "location.assign('https://elsewhere.invalid/')",
    "violates the following Content Security Policy": "document.body.setAttribute('onclick', 'alert(1)')",
}


@pytest.mark.parametrize(("complaint", "script"), PROVOKED.items(), ids=list(PROVOKED))
def test_it_complains_of_what_a_page_does(visit: Visitors, guard: Guard, complaint: str, script: str) -> None:
    page = visit(None).open("/login/")
    assert guard.complaints() == []

    page.evaluate(script)

    eventually(lambda: page.evaluate("1") and any(complaint in found for found in guard.complaints()))
    guard.announce("")
