"""Tests of what the dashboard lists of staff's doings."""

from __future__ import annotations

from typing import Any

import pytest

from remote_service import lifecycle, staff
from remote_service.actors import Actor
from remote_service.models import SessionEvent, Site
from webui.acts import ACT_WORDS, MOST, last_acts

MONA = Actor("mona", "", "dashboard")


@pytest.mark.parametrize("what", ACT_WORDS)
def test_an_act_is_called_as_it_is_stored(what: str, db: Any) -> None:
    lifecycle.note(None, what, by=MONA)
    assert [act.words for act in last_acts()] == [what[:1].upper() + what[1:]]


def test_the_newest_of_staff_come_first(db: Any) -> None:
    for number in range(MOST + 1):
        lifecycle.note(None, "something new", why=str(number), by=MONA)
    lifecycle.note(None, "reserved", by=Actor("alice", "", "web"))
    assert [(act.words, act.why) for act in last_acts()] == [
        ("Something new", str(number)) for number in range(MOST, 0, -1)
    ]


def test_every_act_of_staff_has_its_words(db: Any, django_assert_num_queries: Any) -> None:
    Site.load()
    staff.set_switch(False, MONA)
    staff.set_maintenance("New disks.", MONA)
    staff.set_maintenance("", MONA)
    staff.ask_to_reload(MONA)
    assert set(SessionEvent.objects.values_list("what", flat=True)) <= ACT_WORDS.keys()
    with django_assert_num_queries(1):
        assert [act.why for act in last_acts()] == ["", "", "New disks.", "External sessions are off."]


def test_who_acts_at_a_terminal_is_named_and_trials_of_types_are_left_out(db: Any) -> None:
    root, nobody = Actor("root", "", "command"), Actor("", "", "command")
    lifecycle.note(None, "stop asked", why="It was stopped by staff. Noon.", by=root)
    lifecycle.note(None, "released from quarantine", by=root)
    lifecycle.note(None, "declared ended", why="Its node has burnt.", by=root)
    lifecycle.note(None, "reserved", by=root)
    lifecycle.note(None, "stop asked", by=nobody)
    assert [(act.words, act.why, act.who) for act in last_acts()] == [
        ("Declared ended", "Its node has burnt.", "root at a terminal"),
        ("Released from quarantine", "", "root at a terminal"),
        ("Stop asked", "It was stopped by staff. Noon.", "root at a terminal"),
    ]
