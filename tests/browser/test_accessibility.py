"""Every page against WCAG 2.2, levels A and AA, light and dark, on a desktop and on a phone: axe finds nothing."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.guard import REFUSED_PAGE, REFUSED_SOCKET, Guard
from tests.browser.served import ALICE, CHARLIE, FAILING, GATED, JOB, MEMBERS, NOBODY, PATTERN, BrowserSite
from tests.browser.visitor import wait_for_end
from tests.browser.visits import Visits

AXE_SCRIPT = (files("axe_playwright_python") / "axe.min.js").read_text()
ALL_RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
RULES_OF_COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
"""All that another theme can break: it is another set of colours (see test_themes)."""
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WIDTHS = (360, 1280)
# The picture is the session's own, and nothing that a page can make readable.
_RUN_AXE = """(only) => axe.run(
  { exclude: ["#screen canvas"] },
  { runOnly: only, resultTypes: ["violations"] },
)"""
# noVNC fits its picture to a window of another size in the next frame.
_SETTLE = """() => new Promise((resolve) => {
  const frame = (left) => (left ? requestAnimationFrame(() => frame(left - 1)) : resolve());
  frame(5);
})"""

Opened = Callable[[Visits], Page]


def login(visit: Visits) -> Page:
    return visit(NOBODY).open("/login/")


def wrong_password(visit: Visits) -> Page:
    visitor = visit(NOBODY)
    visitor.enter(CHARLIE, "not this one")
    expect(visitor.page.get_by_role("alert")).to_be_visible()
    return visitor.page


def picker(visit: Visits) -> Page:
    return visit(ALICE).open()


def picker_with_sessions(visit: Visits) -> Page:
    alice = visit(ALICE)
    alice.start(FAILING)
    wait_for_end(alice.page, "It could not be started.")
    alice.start(GATED)
    return alice.open()


def picker_refused(visit: Visits) -> Page:
    alice = visit(ALICE)
    alice.open()
    form = alice.type_card(JOB)
    form.evaluate("(form) => { form.noValidate = true; }")
    form.get_by_label("Memory").fill("9")
    alice.press_start(JOB)
    expect(form.get_by_label("Memory")).to_have_attribute("aria-invalid", "true")
    return alice.page


def viewer_starting(visit: Visits) -> Page:
    alice = visit(ALICE)
    alice.start(GATED)
    expect(alice.page.get_by_text("Waiting for the gate to open")).to_be_visible()
    return alice.page


def viewer_connected(visit: Visits) -> Page:
    alice = visit(ALICE)
    alice.connect(PATTERN)
    return alice.page


def viewer_with_open_panel(visit: Visits) -> Page:
    page = viewer_connected(visit)
    page.locator("summary", has_text="Clipboard").click()
    return page


def viewer_asking(visit: Visits) -> Page:
    page = viewer_connected(visit)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    return page


def over(visit: Visits) -> Page:
    alice = visit(ALICE)
    alice.start(FAILING)
    wait_for_end(alice.page, "It could not be started.")
    return alice.page


def details(visit: Visits) -> Page:
    alice = visit(ALICE)
    session = alice.start(JOB)
    page = alice.open(f"/sessions/{session}/details/")
    expect(page.get_by_text("New lines appear by themselves.")).to_be_visible()
    return page


def details_of_a_failed_one(visit: Visits) -> Page:
    page = over(visit)
    page.get_by_role("link", name="More of it, with all details").click()
    expect(page.get_by_text("The session is over; this is the end of its log.")).to_be_visible()
    return page


def form_from_a_link(visit: Visits) -> Page:
    page = visit(ALICE).open(f"/launch/{JOB}?size=800x600&field-memory=3&colour=red")
    expect(page.get_by_text("this was left out: colour.")).to_be_visible()
    return page


def password(visit: Visits) -> Page:
    return visit(ALICE).open("/password/")


def not_found(visit: Visits) -> Page:
    return visit(ALICE).open("/nowhere/")


PAGES: tuple[Opened, ...] = (
    login,
    wrong_password,
    picker,
    picker_with_sessions,
    picker_refused,
    viewer_starting,
    viewer_connected,
    viewer_with_open_panel,
    viewer_asking,
    over,
    details,
    details_of_a_failed_one,
    form_from_a_link,
    password,
    not_found,
)


@pytest.mark.parametrize("opened", PAGES, ids=lambda page: page.__name__)
def test_axe_finds_no_violation(visit: Visits, guard: Guard, opened: Opened) -> None:
    guard.announce(REFUSED_PAGE)
    guard.announce(REFUSED_SOCKET)

    check(opened(visit))


@pytest.mark.parametrize("own_site", [[MEMBERS]], indirect=True)
def test_axe_finds_no_violation_where_nothing_may_be_used(own_site: BrowserSite, visit: Visits) -> None:
    own_site.start()
    page = visit(CHARLIE, at=own_site).open()
    expect(page.get_by_text("There is no session type that you may use.")).to_be_visible()
    check(page)


def test_axe_finds_violations_where_there_are_some(visit: Visits) -> None:
    page = visit(NOBODY).open("/login/")
    page.get_by_role("button", name="Log in").evaluate("(button) => { button.textContent = ''; }")
    page.evaluate(AXE_SCRIPT)
    assert [line.split()[0] for line in violations(page)] == ["button-name"]


def check(page: Page) -> None:
    """Runs axe in every theme and width."""
    page.evaluate(AXE_SCRIPT)
    found = []
    for theme in THEMES:
        # Colours on their way from one to another are judged by nobody.
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            page.evaluate(_SETTLE)
            rules = ALL_RULES if theme == "light" else RULES_OF_COLOURS
            found += [f"{theme} {width}: {line}" for line in violations(page, rules)]
            overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if overflow > 0:  # WCAG 2.2, 1.4.10
                found.append(f"{theme} {width}: the page is {overflow} pixels wider than the window")
    assert found == []


def violations(page: Page, rules: dict[str, object] = ALL_RULES) -> list[str]:
    """What axe finds wrong on the page as it is, a line each."""
    results = page.evaluate(_RUN_AXE, rules)
    return [
        f"{violation['id']} {node['target']}: {node['html'][:200]} {node.get('failureSummary', '')}"
        for violation in results["violations"]
        for node in violation["nodes"]
    ]
