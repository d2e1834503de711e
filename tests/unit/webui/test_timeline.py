"""Tests of how a session's page tells what happened."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

from django.contrib.auth.models import User
from django.utils.translation import override

from remote_service import lifecycle
from remote_service.actors import Actor
from remote_service.models import Session
from remote_service.states import Event, State
from webui import timeline as module
from webui.timeline import EVENT_WORDS, timeline

ROOT = Path(module.__file__).resolve().parent.parent
MakeSession = Callable[..., Session]


def noted() -> Iterator[str]:
    """The kinds of events that the source code notes for a session."""
    for path in [path for package in ("remote_service", "webui") for path in (ROOT / package).rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Name(id="note") | ast.Attribute(attr="note"), args=[session, what, *_]):
                    if not (isinstance(session, ast.Constant) and session.value is None):
                        yield from (part.value for part in ast.walk(what) if _is_text(part))


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_every_kind_of_event_that_a_session_can_have_is_told_in_words_of_its_own() -> None:
    assert {*Event, *noted()} - set(EVENT_WORDS) == set()
    assert len({str(words) for words in EVENT_WORDS.values()}) == len(EVENT_WORDS)


def test_what_happened_is_told_in_order_with_who_and_why(alice: User, make_session: MakeSession) -> None:
    session = make_session(alice, State.RESERVED)
    lifecycle.note(session.pk, "reserved", by=Actor("alice", "192.0.2.7", "web"))
    lifecycle.transition(session.pk, State.RESERVED, Event.LAUNCH, why="It was wanted.")
    lifecycle.note(session.pk, "viewer opened", by=Actor("", "192.0.2.8", "websocket"))

    told = timeline(session, addresses=True)

    assert [(one.words, one.who, one.why, one.address) for one in told.happenings] == [
        ("A slot was reserved", "alice", "", "192.0.2.7"),
        ("Its start began", "", "It was wanted.", ""),
        ("A viewer came", "somebody without a login", "", "192.0.2.8"),
    ]
    assert told.left_out == 0


def test_who_may_not_know_gets_no_address(alice: User, make_session: MakeSession) -> None:
    session = make_session(alice)
    lifecycle.note(session.pk, Event.REACH, why="It can be reached at tcp:n8:5901.", by=Actor())
    lifecycle.note(session.pk, "stop asked", why="It is late.", by=Actor("root", "192.0.2.7", "web"))
    reached, stopped = timeline(session, addresses=False).happenings
    assert (stopped.who, stopped.why, stopped.address) == ("root", "It is late.", "")
    assert reached.why == ""
    assert timeline(session, addresses=True).happenings[0].why == "It can be reached at tcp:n8:5901."


def test_a_kind_without_words_is_told_as_it_is_stored(alice: User, make_session: MakeSession) -> None:
    session = make_session(alice)
    lifecycle.note(session.pk, "moved house", by=Actor())
    assert [one.words for one in timeline(session, addresses=False).happenings] == ["Moved house"]


def test_of_very_many_events_the_newest_are_told(alice: User, make_session: MakeSession) -> None:
    session = make_session(alice)
    for number in range(module.MOST + 3):
        lifecycle.note(session.pk, "viewer opened", why=str(number), by=Actor())
    told = timeline(session, addresses=False)
    assert (told.happenings[0].why, told.happenings[-1].why) == ("3", str(module.MOST + 2))
    assert told.left_out == 3


def test_guests_are_told_as_guests(alice: User, make_session: MakeSession) -> None:
    session = make_session(alice)
    for name in ("guest “Maria Curie”", "a guest", "alice"):
        lifecycle.note(session.pk, "viewer opened", by=Actor(name, "", "websocket"))
    with override("de"):
        assert [one.who for one in timeline(session, addresses=True).happenings] == [
            "guest “Maria Curie”",
            "a guest",
            "alice",
        ]
