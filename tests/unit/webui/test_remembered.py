"""Tests of what is remembered of launch forms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from remote_service.models import Session
from remote_service.states import State
from webui.remembered import last_entered

MakeSession = Callable[..., Session]


def test_the_newest_session_of_each_type_counts_whatever_became_of_it(
    alice: User, bob: User, make_session: MakeSession
) -> None:
    now = timezone.now()
    for name, age, cores in (("A", 3, "1"), ("A", 1, "2"), ("A", 2, "3"), ("B", 9, "4")):
        created = now - timedelta(minutes=age)
        make_session(alice, State.FAILED, type_name=name, created_at=created, options={"cores": cores})
    make_session(bob, type_name="A", created_at=now, options={"cores": "5"})
    assert last_entered(alice, ["A", "B", "C"]) == {"A": {"cores": "2"}, "B": {"cores": "4"}}
    assert last_entered(alice, ["B"]) == {"B": {"cores": "4"}}
    assert last_entered(alice, []) == {}


def test_what_was_not_entered_into_a_form_is_not_remembered(alice: User, make_session: MakeSession) -> None:
    make_session(alice, door="rest", options={"cores": "1"})
    assert last_entered(alice, ["Pattern"]) == {}


def test_two_queries_do(
    alice: User, make_session: MakeSession, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        make_session(alice, type_name=f"Type {number % 10}")
    with django_assert_num_queries(2):
        assert len(last_entered(alice, [f"Type {number}" for number in range(10)])) == 10
