"""The dashboard's pages for their pictures."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from playwright.sync_api import Page

from tools.screenshot_tour import ALICE, BROKEN, PATTERN, SOLVER, Tour, press_start, sessions_file, wait_for_screen


def overview(tour: Tour) -> Page:
    """What staff see first."""
    return tour.new_page("/dashboard/")


def sessions(tour: Tour) -> Page:
    """All sessions."""
    return tour.new_page("/dashboard/sessions/")


def slots(tour: Tour) -> Page:
    """The slots of every type."""
    return tour.new_page("/dashboard/slots/")


def stop(tour: Tour) -> Page:
    """The question for a reason, before staff ends a session."""
    page = sessions(tour)
    page.get_by_role("link", name="Stop", exact=True).first.click()
    page.get_by_label("Reason").fill("The node is rebooted at noon. Your files are safe.")
    return page


def drain(tour: Tour) -> Page:
    """The form by which a type takes no new sessions."""
    page = tour.new_page(f"/dashboard/drains/?kind=type&name={SOLVER}")
    page.get_by_label("What users read").fill("The licence server is moved. The solver is back at four.")
    return page


def catalogue(tour: Tour) -> Page:
    """What is wrong with the sessions file, and how it is mended."""
    page = tour.new_page("/dashboard/catalogue/")
    tour.product.sessions_file.write_text(json.dumps(sessions_file() | BROKEN, indent=2))
    page.get_by_role("button", name="Read it again").click()
    page.get_by_role("heading", name="Error E031").wait_for()
    return page


def watch(tour: Tour) -> Page:
    """The question that staff answer before they see somebody's screen."""
    alice = press_start(tour.log_in_as(ALICE), PATTERN, "Blade 7")
    wait_for_screen(alice)
    page = tour.new_page(urlsplit(alice.url).path)
    page.get_by_label("Reason").fill("Ticket 4711: the picture stands still.")
    return page


def users(tour: Tour) -> Page:
    """A search for a user."""
    return tour.new_page("/dashboard/users/?text=ali")


def block(tour: Tour) -> Page:
    """The question for a reason, before a user is locked out."""
    page = tour.new_page("/dashboard/users/?text=alicia")
    page.get_by_role("link", name="Block", exact=True).click()
    page.get_by_label("Reason").fill("The account was stolen; call the help desk.")
    return page


def site(tour: Tour) -> Page:
    """The switches of the whole site."""
    return tour.new_page("/dashboard/site/")


def announcements(tour: Tour) -> Page:
    """What is said to everybody."""
    page = tour.new_page("/dashboard/announcements/")
    page.get_by_label("Text").fill("On Friday from 14:00 the cluster is drained. Save your work.")
    page.get_by_role("button", name="Announce").click()
    page.get_by_text("Users see it on every page in its time.").wait_for()
    return page
