"""Whose cookie it is: everything that ends a login ends what it vouches for."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session as LoginSession

from remote_service.relay.logins import login_of
from tests.unit.relay.scopes import BACKEND, log_in, scope


class OtherBackend(ModelBackend):
    """Has users from elsewhere."""

    def get_user(self, user_id: Any) -> User | None:
        """Knows one of them."""
        return User.objects.filter(pk=user_id, first_name="Known").first()


def whose(cookie: str) -> tuple[str, str]:
    user, key = login_of(scope(cookie=cookie))
    return user.get_username(), key


def test_a_login_is_its_users(alice: Any) -> None:
    assert whose(log_in(alice, "hers")) == ("alice", "hers")
    assert whose(f"other=x; {log_in(alice, 'hers')}; more=y") == ("alice", "hers")


@pytest.mark.parametrize("cookie", ["", "gateway_session=", "gateway_session=unknown", "other=hers", "hers"])
def test_without_one_it_is_nobodys(alice: Any, cookie: str) -> None:
    log_in(alice, "hers")

    assert whose(cookie) == ("", "")


def test_a_login_that_has_expired_is_nobodys(alice: Any) -> None:
    assert whose(log_in(alice, lasts=-1)) == ("", "")


@pytest.mark.parametrize(
    "changed",
    [
        {SESSION_KEY: "4711"},
        {SESSION_KEY: "alice"},
        {SESSION_KEY: None},
        {BACKEND_SESSION_KEY: "elsewhere.Backend"},
        {BACKEND_SESSION_KEY: None},
        {HASH_SESSION_KEY: "of another password"},
        {HASH_SESSION_KEY: ""},
    ],
    ids=str,
)
def test_what_does_not_fit_is_nobodys(alice: Any, changed: dict[str, Any]) -> None:
    assert whose(log_in(alice, **changed)) == ("", "login-key"), "it is a browser's all the same, perhaps a guest's"


def test_what_is_no_login_is_nobodys(alice: Any) -> None:
    cookie = log_in(alice, "hers")
    LoginSession.objects.update(session_data="somebody:wrote:this")

    assert whose(cookie) == ("", "hers")


@pytest.mark.parametrize("change", ["inactive", "deleted", "new password", "logged out"])
def test_what_ends_a_login_ends_it_here(alice: Any, change: str) -> None:
    cookie = log_in(alice)

    if change == "inactive":
        User.objects.update(is_active=False)
    elif change == "deleted":
        User.objects.all().delete()
    elif change == "new password":
        alice.set_password("another one")
        alice.save()
    else:
        LoginSession.objects.all().delete()

    assert whose(cookie) == ("", "" if change == "logged out" else "login-key")


def test_a_login_under_a_secret_key_of_before_holds_and_keeps_its_key(alice: Any, settings: Any) -> None:
    cookie = log_in(alice, "hers")
    before, settings.SECRET_KEY = settings.SECRET_KEY, "another one"
    assert whose(cookie) == ("", "hers")

    settings.SECRET_KEY_FALLBACKS = ["the one before", before]
    content = LoginSession.objects.get().session_data

    assert whose(cookie) == ("alice", "hers")
    assert LoginSession.objects.get().session_data == content


def test_a_backend_of_the_sites_own_is_asked(alice: Any, settings: Any) -> None:
    path = f"{__name__}.OtherBackend"
    settings.AUTHENTICATION_BACKENDS = [path, BACKEND]
    cookie = log_in(alice, "hers", **{BACKEND_SESSION_KEY: path})
    assert whose(cookie) == ("", "hers")

    User.objects.update(first_name="Known")

    assert whose(cookie) == ("alice", "hers")
