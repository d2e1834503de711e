"""The four answers of `poll`."""

from __future__ import annotations

import pytest

from remote_service.answers import Answer, Poll


@pytest.mark.parametrize("answer", Answer)
def test_each_answer_has_a_way_to_say_it_with_its_reason(answer: Answer) -> None:
    assert getattr(Poll, answer.value)("Because.") == Poll(answer, "Because.")


def test_only_alive_needs_no_reason() -> None:
    assert Poll.alive() == Poll(Answer.ALIVE, "")
    for needs_one in (Poll.pending, Poll.ended, Poll.unknown):
        with pytest.raises(TypeError):
            needs_one()  # type: ignore[call-arg]  # that is the point


def test_an_answer_does_not_change() -> None:
    with pytest.raises(AttributeError):
        Poll.alive().reason = "other"  # type: ignore[misc]  # that is the point
