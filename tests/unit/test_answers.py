"""The four answers of a poll."""

from __future__ import annotations

import pytest

from remote_service.answers import Answer, Poll


@pytest.mark.parametrize(
    ("poll", "answer"),
    [
        (Poll.pending("It waits for a node."), Answer.PENDING),
        (Poll.ended("It waits for a node."), Answer.ENDED),
        (Poll.unknown("It waits for a node."), Answer.UNKNOWN),
        (Poll.alive("It waits for a node."), Answer.ALIVE),
    ],
)
def test_each_shorthand_makes_its_answer_with_the_reason(poll: Poll, answer: Answer) -> None:
    assert (poll.answer, poll.reason) == (answer, "It waits for a node.")


def test_only_alive_needs_no_reason() -> None:
    assert Poll.alive() == Poll(Answer.ALIVE, "")


def test_there_are_four_answers_and_their_words_are_stable() -> None:
    assert [answer.value for answer in Answer] == ["alive", "pending", "ended", "unknown"]
