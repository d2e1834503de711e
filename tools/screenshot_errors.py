"""The pages that nobody likes to see, for their pictures."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from playwright.sync_api import Page

from tools.screenshot_tour import ScreenshotError, Tour

WRONG_PASSWORDS = 10
"""After so many a name is locked for a while."""
TOO_MANY_FIELDS = 1001
MOST_LOG_INS = 60
"""More than an address may fail at in a minute."""


def not_found(tour: Tour) -> Page:
    """A page that is not there."""
    page = tour.context.new_page()
    page.goto("/nowhere/")
    return page


def bad_request(tour: Tour) -> Page:
    """The answer to a request that makes no sense."""
    page = tour.context.new_page()
    page.goto("/dashboard/sessions/?" + "&".join(["text"] * TOO_MANY_FIELDS))
    return page


def csrf(tour: Tour) -> Page:
    """The answer to a form that was open for too long."""
    page = tour.new_page("/password/")
    page.locator("main form input[name=csrfmiddlewaretoken]").evaluate("(field) => { field.value = 'old'; }")
    page.locator("main form").evaluate("(form) => { form.noValidate = true; }")
    page.get_by_role("main").get_by_role("button").first.click()
    page.wait_for_load_state()
    return page


def login_locked(tour: Tour) -> Page:
    """The login page after too many wrong passwords."""
    page = tour.stranger()
    page.goto("/login/")
    for _ in range(WRONG_PASSWORDS):
        page.get_by_label("Username").fill("mallory")
        page.get_by_label("Password").fill("a guess")
        page.get_by_role("button", name="Log in").click()
        page.wait_for_load_state()
    return page


def too_many_log_ins(tour: Tour) -> Page:
    """The answer to more log-ins than an address may try in a minute."""
    page = tour.stranger()
    page.goto("/login/")
    for number in range(MOST_LOG_INS + 1):
        page.get_by_label("Username").fill(f"mallory{number}")
        page.get_by_label("Password").fill("a guess")
        with page.expect_navigation() as answer:
            page.get_by_role("button", name="Log in").click()
        if answer.value.status == 429:
            return page
    raise ScreenshotError(f"{MOST_LOG_INS} wrong log-ins were answered; expected 429")


def server_error(tour: Tour) -> Page:
    """The answer when something of ours is broken: for a moment, a table of the database is not there."""
    page = tour.context.new_page()
    rename = "ALTER TABLE {} RENAME TO {}"
    table, away = "remote_service_viewer", "remote_service_viewer_away"
    with closing(sqlite3.connect(tour.product.database)) as database:
        database.execute(rename.format(table, away))
        database.commit()
        try:
            page.goto("/dashboard/sessions/")
        finally:
            database.execute(rename.format(away, table))
            database.commit()
    return page


def maintenance(tour: Tour) -> Page:
    """What everybody but staff sees while the pages are closed."""
    staff = tour.new_page("/dashboard/site/")
    staff.get_by_label("What users read").fill("The gateway is upgraded. Sessions go on; the pages are back at ten.")
    staff.get_by_role("button", name="Close the pages").click()
    staff.close()
    page = tour.stranger()
    page.goto("/")
    return page
