"""Sharing, as people do it at our pages: the owner's panel, and the link's page."""

from __future__ import annotations

from typing import NamedTuple

from playwright.sync_api import Page, expect

from tests.browser.served import ALICE, BrowserSite
from tests.browser.visitor import Visitor, show_toolbar, viewer, wait_for_screen
from tests.browser.visits import Visits
from tests.integration.pages import PASSWORD

NO_LINK = "/share/#nobody-has-this"


class Shared(NamedTuple):
    """A session that runs, with its owner at it, and a link to it."""

    owner: Visitor
    session: str
    link: str


def share_session(site: BrowserSite, visit: Visits, type_name: str, **fields: str) -> Shared:
    """Alice starts a session and makes a link; see `SitePages.share`."""
    alice = visit(ALICE, at=site)
    session = alice.connect(type_name)
    return Shared(alice, session, f"/share/#{site.share(ALICE, session, **fields)}")


# ---- the owner ----------------------------------------------------------------------------------------------


def open_panel(page: Page) -> None:
    """Opens the panel over a screen."""
    show_toolbar(page)
    page.locator("#tool-share > summary").click()


def make_link(page: Page, audience: str = "all who may use this type", *, user: str = "") -> str:
    """Fills the form in that is in view, for one user or for all of an audience; returns the link."""
    page.get_by_label("They may", exact=True).select_option("look only")
    page.get_by_label("For", exact=True).select_option("one user" if user else audience)
    if user:
        page.get_by_role("textbox", name="User name").fill(user)
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_label("The link")).to_be_focused()
    return page.get_by_label("The link").input_value()


def hand_control_over_and_take_it_back(owner: Page, page: Page) -> None:
    """To the only one who holds a share, and is at the screen."""
    assert viewer(page, "rfb.viewOnly") is True
    for button, control in (("Give control", "true"), ("Take control back", "false")):
        owner.get_by_role("button", name=button, exact=True).click()
        expect(page.locator("#viewer")).to_have_attribute("data-control", control)
        wait_for_screen(page)
        assert viewer(page, "rfb.viewOnly") is (control == "false")


# ---- the others ---------------------------------------------------------------------------------------------


def accept(page: Page, *, name: str = "") -> Page:
    """Says yes to what is offered; a guest by a name, if one is given."""
    if name:
        page.get_by_label("Your name, if you like").fill(name)
    page.get_by_role("button", name="Open the session").click()
    wait_for_screen(page)
    return page


def log_in_over_the_link(page: Page, name: str) -> None:
    """Logs in where the link's page asks for it, and comes back to it."""
    page.locator("#share-login").click()
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def expect_sent_away(page: Page) -> None:
    """Somebody looked who may not any more."""
    expect(page.get_by_role("heading", name="This session is not there for you")).to_be_visible()
