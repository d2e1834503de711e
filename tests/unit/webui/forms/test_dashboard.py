"""What the dashboard's forms take, and what they say of the rest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.functional import Promise

from remote_service.models import Announcement, Drain
from remote_service.states import State
from webui.forms.dashboard import (
    KINDS,
    LEVELS,
    AnnouncementForm,
    DrainForm,
    ReasonForm,
    SessionFilter,
    TextForm,
    is_state,
)

pytestmark = pytest.mark.django_db


def in_hours(hours: float) -> str:
    """A moment as the browser's own field sends it."""
    return f"{timezone.now() + timedelta(hours=hours):%Y-%m-%dT%H:%M}"


# ---- the filter -------------------------------------------------------------------------------------------


def test_a_filter_without_anything_means_live_sessions() -> None:
    assert SessionFilter({}).wanted == {"state": "live", "type": "", "owner": "", "host": "", "text": ""}


def test_a_filter_takes_what_is_asked_for() -> None:
    asked = {"state": "failed", "type": "Gone", "owner": "alice", "host": "n8", "text": "disk"}
    assert SessionFilter(asked).wanted == asked


def test_what_a_filter_cannot_mean_counts_as_not_said() -> None:
    asked = {"state": "paused", "owner": "x" * 151, "text": "disk\0", "host": "n8"}
    assert SessionFilter(asked).wanted == {"state": "live", "type": "", "owner": "", "host": "n8", "text": ""}


def test_a_filter_offers_the_types_there_are_and_the_one_that_is_asked_for(make_type: Callable[..., Any]) -> None:
    make_type("Pattern")
    names = [name for name, _ in SessionFilter({"type": "Gone"}).fields["type"].choices]  # type: ignore[attr-defined]
    assert names == ["", "Pattern", "Gone"]


def test_states_of_sessions_are_told_from_other_filters() -> None:
    assert is_state("running") and not is_state("live") and not is_state("")


# ---- reasons and texts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "   ", "\x1b\u202e", None])
def test_a_reason_cannot_be_left_out(text: str | None) -> None:
    form = ReasonForm({} if text is None else {"reason": text})
    assert not form.is_valid()
    assert form.errors["reason"] == ["This field is required."]


def test_a_reason_is_one_line_that_cannot_act_on_a_terminal() -> None:
    form = ReasonForm({"reason": " Main\x1btenance\x07 \x9b at\u202e  noon.\u2028"})
    assert form.is_valid()
    assert form.cleaned_data["reason"] == "Main tenance at noon."


def test_a_reason_and_a_text_have_an_end() -> None:
    assert ReasonForm({"reason": "x" * 301}).errors["reason"] == [
        "Ensure this value has at most 300 characters (it has 301)."
    ]
    assert TextForm({"text": "x" * 1001}).errors["text"] == [
        "Ensure this value has at most 1000 characters (it has 1001)."
    ]


# ---- drains -----------------------------------------------------------------------------------------------


def test_a_filter_offers_types_that_were_removed_while_their_sessions_live(
    make_type: Callable[..., Any], make_session: Callable[..., Any], alice: User
) -> None:
    make_type("Pattern")
    make_session(alice, State.RUNNING, type_name="Removed")
    make_session(alice, State.RUNNING, type_name="Pattern")
    make_session(alice, State.ENDED, type_name="Long over")
    names = [name for name, _ in SessionFilter({}).fields["type"].choices]  # type: ignore[attr-defined]
    assert names == ["", "Pattern", "Removed"]


def test_a_type_that_is_drained_must_be_there(make_type: Callable[..., Any]) -> None:
    make_type("Pattern")
    assert DrainForm({"kind": "type", "name": "Pattern", "text": "A."}).is_valid()
    form = DrainForm({"kind": "type", "name": "Patern", "text": "A."})
    assert form.errors["name"] == ["There is no session type “Patern”."]


def test_a_host_that_is_drained_must_be_one_that_types_name(make_type: Callable[..., Any]) -> None:
    make_type("Cluster", options={"host": "n8"})
    make_type("Other cluster", options={"host": "n7"})
    make_type("Pattern")
    form = DrainForm({"kind": "host", "name": "vm", "text": "A fan is broken."})
    assert form.errors["name"] == [
        "No session type names the host “vm”; drain the types that run there instead. Hosts that types name: n7, n8."
    ]
    assert DrainForm({"kind": "host", "name": "n8", "text": "A fan is broken."}).is_valid()
    assert DrainForm({"kind": "host", "name": "n8"}).errors["text"] == ["This field is required."]


# ---- announcements ----------------------------------------------------------------------------------------


def test_an_announcement_without_times_begins_now_and_has_no_end() -> None:
    form = AnnouncementForm({"text": "Cake at four.", "level": "info"})
    assert form.is_valid()
    assert abs(form.cleaned_data["shown_from"] - timezone.now()) < timedelta(minutes=1)
    assert form.cleaned_data["shown_until"] is None


def test_an_announcement_has_the_times_that_the_browsers_field_gives() -> None:
    form = AnnouncementForm(
        {"text": "Cake.", "level": "info", "shown_from": "2040-01-02T03:04", "shown_until": "2040-01-02T04:04"}
    )
    assert form.is_valid()
    assert str(form.cleaned_data["shown_from"]) == "2040-01-02 03:04:00+00:00"


@pytest.mark.parametrize(("begins", "ends"), [(2, 1), (1, 1), (-2, -1)])
def test_an_announcement_that_would_never_be_shown_is_refused(begins: float, ends: float) -> None:
    form = AnnouncementForm(
        {"text": "Cake.", "level": "info", "shown_from": in_hours(begins), "shown_until": in_hours(ends)}
    )
    assert form.errors["shown_until"] == ["It would never be shown: this is over before it begins."]


def test_a_time_that_is_none_is_said_beside_its_field() -> None:
    form = AnnouncementForm({"text": "Cake.", "level": "loud", "shown_from": "soon"})
    assert form.errors["shown_from"] == ["Enter a valid date/time."]
    assert form.errors["level"] == ["Select a valid choice. loud is not one of the available choices."]


def test_the_choices_are_those_of_the_models_in_words_that_can_be_translated() -> None:
    for ours, theirs in ((KINDS, Drain.Kind.choices), (LEVELS, Announcement.Level.choices)):
        assert [(value, str(label)) for value, label in ours] == theirs
        assert all(isinstance(label, Promise) for _value, label in ours)
