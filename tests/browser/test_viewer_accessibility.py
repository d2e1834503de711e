"""The viewer's panels against WCAG 2.2, levels A and AA, as tests/browser/test_accessibility.py has it for pages."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.served import ALICE, PATTERN
from tests.browser.test_accessibility import check
from tests.browser.visitor import show_toolbar
from tests.browser.visits import Visits

SMALLEST = 24
"""CSS pixels that a target has at least in each direction; WCAG 2.2, 2.5.8."""
_SMALL_TARGETS = """(smallest) => [...document.querySelectorAll("#viewer-bar :is(a, button, summary, label)")]
  .filter((target) => target.checkVisibility() && target.getAttribute("for") === null)
  .filter((target) => !target.closest("p"))
  .map((target) => [target.textContent.trim(), target.getBoundingClientRect()])
  .filter(([, box]) => Math.min(box.width, box.height) < smallest)
  .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""


@pytest.mark.parametrize("panel", ["Clipboard", "Keys", "View", "Share", "About"])
def test_axe_finds_no_violation_in_a_panel_and_its_targets_are_large(visit: Visits, panel: str) -> None:
    alice = visit(ALICE)
    alice.connect(PATTERN)
    page = alice.page
    show_toolbar(page)
    page.locator("summary").filter(has_text=panel).click()
    expect(page.locator("details[open]")).to_have_count(1)

    check(page)
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate(_SMALL_TARGETS, SMALLEST) == []


def test_axe_finds_no_violation_while_the_toolbar_is_hidden(visit: Visits) -> None:
    alice = visit(ALICE)
    alice.connect(PATTERN)
    page = alice.page
    page.mouse.click(600, 400)
    expect(page.locator("body")).to_have_attribute("data-toolbar", "hidden")

    check(page)
