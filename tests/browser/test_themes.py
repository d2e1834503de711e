"""Light, dark, or as the system has it: picked by hand, kept, and without another load of the page."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.served import ALICE, PATTERN, BrowserSite
from tests.browser.test_accessibility import check
from tests.browser.visitor import viewer, wait_for_state
from tests.browser.visits import Visits


def test_a_theme_that_was_picked_holds_on_every_page(site: BrowserSite, visit: Visits) -> None:
    alice = visit(ALICE)
    page = alice.open("/password/")
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    colour = "getComputedStyle(document.querySelector('input[type=password]')).backgroundColor"
    light = page.evaluate(colour)
    page.locator("summary", has_text=ALICE).click()
    with page.expect_response("**/theme/"):
        page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    dark = page.evaluate(colour)
    assert dark != light
    page.reload()
    page.locator("summary", has_text=ALICE).click()
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    with page.expect_response("**/theme/"):
        page.get_by_role("button", name="As the system").click()
    expect(page.locator("html:not([data-theme])")).to_have_count(1)
    assert page.evaluate(colour) == light
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    assert page.evaluate(colour) == dark


def test_a_viewer_changes_its_theme_without_losing_its_screen(site: BrowserSite, visit: Visits) -> None:
    alice = visit(ALICE)
    alice.connect(PATTERN)
    page = alice.page
    page.locator("summary", has_text="View").click()
    page.get_by_role("button", name="Dark", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.get_by_role("button", name="Dark", exact=True)).to_have_attribute("aria-pressed", "true")
    check(page)
    wait_for_state(page, "connected")
    assert viewer(page, "connects") == 1
    with page.expect_response("**/theme/"):
        page.get_by_role("button", name="As the system").click()
    expect(page.locator("html:not([data-theme])")).to_have_count(1)
