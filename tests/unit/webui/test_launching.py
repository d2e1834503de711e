"""Tests of launching from a page: what is checked, and what is noted when it is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from remote_service.actors import Actor
from remote_service.errors import InvalidOptionError, NoFreeSlotError, UnknownTypeError
from remote_service.models import Session, SessionEvent
from tests.conftest import GROUP
from webui.launching import TITLE, entered_options, fitting_options, launch, launch_again, options_again

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


def test_a_session_has_the_name_that_its_user_gave_it(alice: User, make_type: Callable[..., Any]) -> None:
    make_type()
    assert launch(alice, "Pattern", {}, BY, "  Wing  ").title == "Wing"


@pytest.mark.parametrize(("title", "found"), [("x" * 81, 81), ("bell \a", 6)])
def test_a_name_that_does_not_fit_is_refused_beside_its_field(
    alice: User, make_type: Callable[..., Any], title: str, found: int
) -> None:
    make_type()
    with pytest.raises(InvalidOptionError) as refused:
        launch(alice, "Pattern", {}, BY, title)
    sentence = f"Name of the session: expected at most 80 printable characters, found {found}."
    assert refused.value.fields == {TITLE: sentence}
    assert not Session.objects.exists()


def test_a_session_is_started_again_with_its_options_and_its_name(alice: User, make_type: Callable[..., Any]) -> None:
    make_type(options={"sizes": ["1x1", "2x2"]}, form=[{"name": "cores", "type": "number", "default": 1}])
    first = launch(alice, "Pattern", {"size": "2x2", "cores": "4"}, BY, "Wing")
    second = launch_again(first, alice, BY)
    assert second.pk != first.pk
    assert (second.title, second.options) == ("Wing", first.options)


def test_of_a_type_that_is_gone_nothing_is_started_again(alice: User, make_type: Callable[..., Any]) -> None:
    row = make_type()
    first = launch(alice, "Pattern", {}, BY)
    row.delete()
    assert options_again(first, alice) == {}
    with pytest.raises(UnknownTypeError):
        launch_again(first, alice, BY)


def test_only_options_that_the_form_takes_are_kept(make_type: Callable[..., Any]) -> None:
    row = make_type(
        options={"sizes": ["1x1"]},
        form=[{"name": "cores", "type": "number", "max": 8}, {"name": "gpu", "type": "checkbox"}],
    )
    given = {"size": "9x9", "cores": "99", "gpu": "on", "username": "alice"}
    assert fitting_options(row.definition, given) == {"gpu": "true"}
