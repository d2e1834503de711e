"""Tests of launching from a page: what is checked, and what is noted when it is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from remote_service.errors import InvalidOptionError, NoFreeSlotError, UnknownTypeError
from remote_service.lifecycle import Actor
from remote_service.models import Session, SessionEvent
from tests.conftest import GROUP
from webui.launching import entered_options, launch

BY = Actor("alice", "192.0.2.7", "web")


def test_what_was_entered_loses_the_prefix_and_what_belongs_to_the_form() -> None:
    posted = {"csrfmiddlewaretoken": "t", "type": "Pattern", "size": "1x1", "field-type": "gpu", "cores": "4"}
    assert entered_options(posted) == {"size": "1x1", "type": "gpu", "cores": "4"}


def test_it_reserves_a_slot_and_asks_for_the_start(alice: User, make_type: Callable[..., Any]) -> None:
    make_type(options={"sizes": ["1x1", "2x2"]}, form=[{"name": "gpu", "type": "checkbox"}])
    session = launch(alice, "Pattern", {"size": "2x2", "gpu": "on"}, BY)
    assert session.options == {"size": "2x2", "gpu": "true", "username": "alice"}
    assert (session.owner, session.wanted, session.door) == (alice, "start", "web")


def test_it_refuses_a_type_of_another_group(charlie: User, make_type: Callable[..., Any]) -> None:
    make_type(options={"group": GROUP})
    with pytest.raises(UnknownTypeError) as refused:
        launch(charlie, "Pattern", {}, Actor("charlie", "192.0.2.7", "web"))
    assert str(refused.value) == "There is no session type 'Pattern' that you may use."
    event = SessionEvent.objects.get()
    assert (event.what, event.why) == ("refused", f"unknown_type: {refused.value}")
    assert (event.who, event.address, event.door, event.type_name) == ("charlie", "192.0.2.7", "web", "Pattern")


def test_it_refuses_options_that_do_not_fit_and_says_which(alice: User, make_type: Callable[..., Any]) -> None:
    make_type(options={"sizes": ["1x1"]}, form=[{"name": "cores", "type": "number", "label": "Cores", "max": 8}])
    with pytest.raises(InvalidOptionError) as refused:
        launch(alice, "Pattern", {"size": "9x9", "cores": "99", "colour": "red"}, BY)
    assert refused.value.fields == {
        "size": 'Size: found "9x9"; expected "1x1".',
        "cores": 'Cores: found "99"; expected a number of at most 8.',
        "colour": 'There is no option "colour"; expected one of "size" and "cores".',
    }
    assert SessionEvent.objects.get().why == f"invalid_option: {refused.value}"
    assert not Session.objects.exists()


def test_what_is_noted_is_short_and_on_one_line(alice: User, make_type: Callable[..., Any]) -> None:
    make_type()
    with pytest.raises(InvalidOptionError):
        launch(alice, "Pattern", {"size": "x" * 5000}, BY)
    with pytest.raises(UnknownTypeError):
        launch(alice, "\0\n" + "x" * 5000, {}, BY)
    for event in SessionEvent.objects.all():
        assert len(event.why) <= 500
        assert (event.why + event.type_name).isprintable()


def test_a_refusal_of_the_reservation_is_noted_once(alice: User, make_type: Callable[..., Any]) -> None:
    make_type(count=1)
    launch(alice, "Pattern", {}, BY)
    with pytest.raises(NoFreeSlotError):
        launch(alice, "Pattern", {}, BY)
    assert SessionEvent.objects.filter(what="refused").count() == 1
