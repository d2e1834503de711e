"""Tests of the picker's fragments: which there are, what each holds, and that equal cards are made once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from remote_service.models import Session, Site, Viewer
from remote_service.states import State
from webui import picker_fragments
from webui.picker_fragments import launch, picker

MakeType = Callable[..., Any]
MakeSession = Callable[..., Session]


def test_each_list_and_each_card_is_a_fragment(
    alice: User, bob: User, manager: User, make_type: MakeType, make_session: MakeSession
) -> None:
    row = make_type()
    own, hers, over = make_session(manager), make_session(alice), make_session(manager, State.ENDED)
    assert set(picker(manager, {})) == {
        "yours", "ended", "shared", "others", "types",
        f"session-{own.pk}", f"session-{hers.pk}", f"ended-{over.pk}", f"type-{row.pk}", f"foot-{row.pk}",
    }  # fmt: skip
    assert f"session-{hers.pk}" not in picker(bob, {})


def test_every_fragment_has_the_id_of_its_element(alice: User, make_type: MakeType, make_session: MakeSession) -> None:
    make_type()
    for state in State:
        make_session(alice, state)
    for element_id, html in picker(alice, {}).items():
        assert f' id="{element_id}"' in html.partition(">")[0]


def test_what_is_only_reserved_is_not_said_to_have_started(alice: User, make_session: MakeSession) -> None:
    reserved, running = make_session(alice, State.RESERVED), make_session(alice)
    shown = picker(alice, {})
    assert "<dt>Reserved</dt>" in shown[f"session-{reserved.pk}"]
    assert "<dt>Started</dt>" in shown[f"session-{running.pk}"]


def test_a_change_of_a_session_changes_its_card_alone(
    alice: User, make_type: MakeType, make_session: MakeSession
) -> None:
    make_type()
    session = make_session(alice, State.STARTING)
    make_session(alice)
    before = picker(alice, {})
    Session.objects.filter(pk=session.pk).update(progress="Copying files")
    after = picker(alice, {})
    assert {key for key in after if after[key] != before.get(key)} == {f"session-{session.pk}"}


def test_a_taken_slot_changes_the_foot_of_its_type_alone(
    alice: User, bob: User, make_type: MakeType, make_session: MakeSession
) -> None:
    row = make_type()
    before = picker(alice, {})
    make_session(bob, index=0)
    after = picker(alice, {})
    assert {key for key in after if after[key] != before.get(key)} == {f"foot-{row.pk}"}


def test_a_card_is_made_once_for_the_same_things_that_it_shows(
    alice: User, charlie: User, make_type: MakeType, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        make_type(f"Type {number}")
    picker(alice, {})
    made: list[str] = []
    render = picker_fragments.render_to_string
    monkeypatch.setattr(
        picker_fragments, "render_to_string", lambda name, context: made.append(name) or render(name, context)
    )
    picker(charlie, {})
    assert "webui/_type_card.html" not in made
    assert "webui/_type_foot.html" not in made


def test_no_fragment_counts_seconds(alice: User, make_session: MakeSession) -> None:
    now = timezone.now()
    session = make_session(alice, running_at=now, stored_limits={"max_lifetime": 3600.0})
    Viewer.objects.create(session=session, closed_at=now, ending=Viewer.Ending.CLEAN)
    html = picker(alice, {})[f"session-{session.pk}"]
    end = now + timedelta(seconds=15)
    assert f"Ends at {end:%H:%M:%S} UTC unless you open it" in html
    assert 'data-countdown="Ends in {} unless you open it"' in html
    assert picker(alice, {})[f"session-{session.pk}"] == html


def test_the_page_of_one_type_has_its_foot_and_the_sites_switch(alice: User, make_type: MakeType) -> None:
    row = make_type("One")
    make_type("Two")
    assert set(fragments := launch(alice, {"type": "One"}) or {}) == {f"foot-{row.pk}", "switch"}
    assert "switched off" not in fragments["switch"]
    Site.objects.update(external_sessions_enabled=False)
    assert "Launching sessions is switched off" in (launch(alice, {"type": "One"}) or {})["switch"]
    assert launch(alice, {"type": "Three"}) is None
    assert launch(alice, {}) is None


def test_the_site_switch_changes_the_feet_and_the_notice(alice: User, make_type: MakeType) -> None:
    row = make_type()
    before = picker(alice, {})
    Site.objects.update(external_sessions_enabled=False)
    after = picker(alice, {})
    assert {key for key in after if after[key] != before[key]} == {"types", f"foot-{row.pk}"}


def test_a_field_to_find_types_comes_with_many_of_them(alice: User, make_type: MakeType) -> None:
    for number in range(5):
        make_type(f"Type {number}")
    assert "Find a type" not in picker(alice, {})["types"]
    make_type("One more")
    assert "Find a type" in picker(alice, {})["types"]
