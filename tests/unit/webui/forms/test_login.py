"""What the login page says of logins that fail."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.hashers import BasePasswordHasher, get_hasher
from django.contrib.auth.models import User
from django.test import RequestFactory

from tests.conftest import PASSWORD
from webui.forms.login import LoginForm

WRONG = ["Please enter a correct username and password. Note that both fields may be case-sensitive."]
BLOCKED = ["This account is blocked. Ask those who run this site."]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def people(alice: User, make_user: Callable[..., User]) -> None:
    """Alice, and Mallory who is blocked."""
    make_user("mallory", is_active=False)


def filled_in(name: str, password: str) -> LoginForm:
    return LoginForm(RequestFactory().post("/login/"), {"username": name, "password": password})


def test_who_may_log_in_gets_no_error() -> None:
    assert filled_in("alice", PASSWORD).is_valid()


@pytest.mark.parametrize(
    ("name", "password", "said"),
    [
        ("mallory", PASSWORD, BLOCKED),
        ("mallory", "wrong secret", WRONG),
        ("alice", "wrong secret", WRONG),
        ("nobody", PASSWORD, WRONG),
    ],
)
def test_only_who_knows_the_password_reads_that_the_account_is_blocked(
    name: str, password: str, said: list[str]
) -> None:
    assert filled_in(name, password).non_field_errors() == said


def test_for_a_name_that_is_locked_nothing_is_looked_at() -> None:
    form = filled_in("mallory", PASSWORD)
    assert form.request is not None
    form.request.axes_locked_out = True  # type: ignore[attr-defined]
    assert form.non_field_errors() == WRONG


def test_every_failure_costs_as_many_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    kind: type[BasePasswordHasher] = type(get_hasher())
    encode = kind.encode

    def counted(self: BasePasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return str(encode(self, password, salt))

    monkeypatch.setattr(kind, "encode", counted)
    costs = set()
    for name, password in [("mallory", PASSWORD), ("mallory", "wrong"), ("alice", "wrong"), ("nobody", "wrong")]:
        hashed.clear()
        assert not filled_in(name, password).is_valid()
        costs.add(len(hashed))
    assert costs == {2}
