"""Tests of logging in and out, of the lock, and of changing one's password."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client

from tests.conftest import PASSWORD

Visit = Callable[[User], Client]


def log_in(browser: Client, name: str, password: str, **extra: Any) -> Any:
    return browser.post("/login/", {"username": name, "password": password}, **extra)


def is_logged_in(browser: Client) -> bool:
    return bool(browser.get("/").status_code == 200)


def test_the_right_password_leads_to_the_picker(alice: User, client: Client) -> None:
    response = log_in(client, "alice", PASSWORD)
    assert (response.status_code, response["Location"]) == (302, "/")
    assert is_logged_in(client)


def test_one_gets_to_the_page_that_one_asked_for(alice: User, client: Client) -> None:
    posted = {"username": "alice", "password": PASSWORD, "next": "/password/"}
    assert client.post("/login/", posted)["Location"] == "/password/"


def test_one_is_not_led_to_another_site(alice: User, client: Client) -> None:
    posted = {"username": "alice", "password": PASSWORD, "next": "https://example.org/"}
    assert client.post("/login/", posted)["Location"] == "/"


def test_a_wrong_password_says_so_and_keeps_the_name_only(alice: User, client: Client) -> None:
    page = log_in(client, "alice", "wrong secret").content.decode()
    assert "Please enter a correct username and password." in page
    assert 'value="alice"' in page
    assert "wrong secret" not in page


def test_who_is_blocked_reads_so(client: Client, make_user: Callable[..., User]) -> None:
    make_user("mallory", is_active=False)
    page = log_in(client, "mallory", PASSWORD).content.decode()
    assert "This account is blocked. Ask those who run this site." in page
    assert "Please enter a correct username and password." not in page


def test_the_log_has_a_failures_address_and_neither_name_nor_password(
    alice: User, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    log_in(client, "typed into the wrong field", "wrong secret", REMOTE_ADDR="192.0.2.7")
    (line,) = [record.getMessage() for record in caplog.records if record.name.startswith("axes.")]
    assert 'ip_address: "192.0.2.7"' in line
    assert "wrong" not in line


def test_who_is_logged_in_needs_no_login_page(alice: User, visit: Visit) -> None:
    assert visit(alice).get("/login/")["Location"] == "/"


def test_ten_wrong_passwords_lock_the_name_at_this_address(alice: User, client: Client) -> None:
    answers = [log_in(client, "alice", f"wrong {number}") for number in range(10)]
    assert [answer.status_code for answer in answers] == [200] * 9 + [429]
    page = answers[-1].content.decode()
    assert "Locked for a few minutes" in page
    assert "logging in is locked for 5 minutes" in page
    assert log_in(client, "alice", PASSWORD).status_code == 429
    assert not is_logged_in(client)


def test_the_lock_is_for_one_name_and_one_address(alice: User, bob: User, client: Client) -> None:
    for number in range(10):
        log_in(client, "alice", f"wrong {number}")
    assert log_in(client, "bob", PASSWORD).status_code == 302
    assert log_in(Client(), "alice", PASSWORD, REMOTE_ADDR="192.0.2.7").status_code == 302


def test_logging_out_needs_a_post(alice: User, visit: Visit) -> None:
    browser = visit(alice)
    assert browser.get("/logout/").status_code == 405
    assert is_logged_in(browser)
    assert browser.post("/logout/")["Location"] == "/login/"
    assert not is_logged_in(browser)


@pytest.mark.django_db
def test_changing_a_password_needs_a_login(client: Client) -> None:
    assert client.get("/password/")["Location"] == "/login/?next=/password/"


def test_a_new_password_counts_at_once_and_the_login_stays(alice: User, visit: Visit) -> None:
    browser = visit(alice)
    new = "a quite different phrase"
    posted = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert browser.post("/password/", posted)["Location"] == "/"
    assert "Your password was changed." in browser.get("/").content.decode()
    assert log_in(Client(), "alice", new).status_code == 302


def test_a_password_that_is_refused_is_marked_and_not_shown(alice: User, visit: Visit) -> None:
    posted = {"old_password": "wrong secret", "new_password1": "short", "new_password2": "short"}
    page = visit(alice).post("/password/", posted).content.decode()
    assert "The password was not changed. See what is marked below." in page
    assert "This password is too short." in page
    assert "wrong secret" not in page
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


@pytest.mark.parametrize("path", ["/login/", "/password/"])
def test_pages_are_not_for_search_engines(alice: User, visit: Visit, path: str) -> None:
    browser = Client() if path == "/login/" else visit(alice)
    assert '<meta name="robots" content="noindex, nofollow">' in browser.get(path).content.decode()


def test_posted_forms_tell_where_they_come_from(client: Client, db: None) -> None:
    # Under the site's header "no-referrer" a browser posts with "Origin: null", which the CSRF check refuses.
    assert '<meta name="referrer" content="same-origin">' in client.get("/login/").content.decode()


def test_who_was_a_guest_before_is_logged_in_as_long_as_others(
    alice: User, client: Client, browse: Callable[..., str]
) -> None:
    browser = SessionStore(browse())
    browser.set_expiry(0)
    browser.save()
    client.cookies["gateway_session"] = browser.session_key
    log_in(client, "alice", PASSWORD)
    cookie = client.cookies["gateway_session"]
    assert cookie.value != browser.session_key
    assert cookie["max-age"] == 14 * 24 * 3600
