"""The form by which one changes one's password: wrong old ones count as wrong log-ins do."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import PASSWORD

Visit = Callable[[User], Client]

NEW = "a quite different phrase"


def change(browser: Client, old: str) -> int:
    """The status of the answer."""
    posted = {"old_password": old, "new_password1": NEW, "new_password2": NEW}
    return browser.post("/password/", posted).status_code


def test_ten_wrong_old_passwords_lock_the_name_at_this_address(alice: User, visit: Visit) -> None:
    browser = visit(alice)
    assert [change(browser, f"wrong {number}") for number in range(10)] == [200] * 9 + [429]
    assert change(browser, PASSWORD) == 429
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_the_right_one_is_taken_after_some_that_were_wrong(alice: User, visit: Visit) -> None:
    browser = visit(alice)
    assert [change(browser, old) for old in ("wrong", PASSWORD)] == [200, 302]
    alice.refresh_from_db()
    assert alice.check_password(NEW)


def test_who_is_logged_in_stays_so_while_somebody_guesses(alice: User, visit: Visit) -> None:
    browser = visit(alice)
    change(browser, "wrong")
    assert browser.get("/").status_code == 200
