"""Every page of the product in a state that is worth a picture: how one gets there, in the order it is done."""

from __future__ import annotations

import time
from collections.abc import Callable

from playwright.sync_api import Page

from tools import screenshot_errors as errors
from tools import screenshot_staff as staff
from tools.screenshot_tour import ALICE, BATCH, PATIENCE, PATTERN, STILL, ScreenshotError, Tour, wait_for_screen


def login(tour: Tour) -> Page:
    """The login page, as somebody sees it who asked for another page."""
    page = tour.stranger()
    page.goto("/password/")
    return page


def picker(tour: Tour) -> Page:
    """The first page, with sessions that run, wait and failed."""
    return tour.new_page("/")


def refused(tour: Tour) -> Page:
    """The first page when what was entered cannot be."""
    page = tour.new_page("/")
    form = page.get_by_role("form", name=BATCH, exact=True)
    form.evaluate("(form) => { form.noValidate = true; }")
    form.get_by_label("Cores").fill("99")
    form.get_by_role("button", name="Start", exact=True).click()
    form.locator("[aria-invalid=true]").first.wait_for()
    return page


def deep_link(tour: Tour) -> Page:
    """A link that has filled the form in."""
    return tour.new_page("/launch/Render%20node?title=Turbine&size=1280x800&field-cores=8&field-memory=32")


def viewer(tour: Tour) -> Page:
    """A desktop."""
    page = next(page for page in tour.context.pages if page.url == tour.desktop)
    page.bring_to_front()
    return page


def share_link(tour: Tour) -> Page:
    """What somebody sees who was sent the link to a session."""
    owner = tour.new_page(f"{tour.desktop}details/")
    owner.get_by_label("For").select_option("anyone")
    owner.get_by_role("button", name="Make the link").click()
    owner.get_by_label("The link").wait_for()
    link = owner.get_by_label("The link").input_value()
    owner.close()
    page = tour.log_in_as(ALICE)
    page.goto(link)
    page.locator("#share-offer").wait_for()
    return page


def viewer_starting(tour: Tour) -> Page:
    """A session that waits for its start; it stays for the pages after this one."""
    page = tour.start(BATCH, "Turbine, second run")
    page.get_by_text("2 jobs are before this one").first.wait_for()
    return page


def viewer_failed(tour: Tour) -> Page:
    """A session that could not be started."""
    return tour.new_page(tour.failed)


def session_over(tour: Tour) -> Page:
    """A session that its user has stopped."""
    page = tour.start(PATTERN, "A first try")
    wait_for_screen(page)
    page.locator("#viewer-bar, .viewer-bar").hover()
    page.get_by_role("button", name="Stop", exact=True).click()
    address = page.url
    page.get_by_role("button", name="Stop the session").click()
    page.wait_for_url("**/")
    deadline = time.monotonic() + PATIENCE
    while True:
        page.goto(address)
        if page.locator("#session-over").count():
            return page
        if time.monotonic() > deadline:
            raise ScreenshotError(f"the session at {address} was not over {PATIENCE:g} s after it was stopped")
        page.wait_for_timeout(STILL)


def details(tour: Tour) -> Page:
    """All that is known of a session."""
    return tour.new_page(f"{tour.desktop}details/")


def password(tour: Tour) -> Page:
    """The page to change one's password."""
    return tour.new_page("/password/")


PAGES: dict[str, Callable[[Tour], Page]] = {
    "login": login,
    "login-locked": errors.login_locked,
    "viewer-starting": viewer_starting,
    "viewer-failed": viewer_failed,
    "session-over": session_over,
    "picker": picker,
    "picker-refused": refused,
    "launch": deep_link,
    "details": details,
    "dashboard": staff.overview,
    "dashboard-sessions": staff.sessions,
    "dashboard-stop": staff.stop,
    "dashboard-slots": staff.slots,
    "dashboard-drain": staff.drain,
    "dashboard-catalogue": staff.catalogue,
    "dashboard-users": staff.users,
    "dashboard-block": staff.block,
    "dashboard-site": staff.site,
    "dashboard-watch": staff.watch,
    "share-link": share_link,
    "password": password,
    "not-found": errors.not_found,
    "bad-request": errors.bad_request,
    "csrf": errors.csrf,
    # On the narrow window it is resized.
    "viewer": viewer,
    # From here on all pages show it.
    "dashboard-announcements": staff.announcements,
    "too-many-log-ins": errors.too_many_log_ins,
    "server-error": errors.server_error,
    "maintenance": errors.maintenance,
}
"""Name of the picture to how one gets to its page."""
