"""The transition table and the table of endings."""

from __future__ import annotations

import pytest

from remote_service.states import (
    ENDINGS,
    FINAL,
    LIVE,
    TRANSITIONS,
    EndReason,
    Event,
    IllegalTransitionError,
    State,
    ending_of,
    next_state,
)


def test_every_state_has_its_row() -> None:
    assert set(TRANSITIONS) == set(State)


def test_a_final_state_is_left_by_nothing() -> None:
    assert all(TRANSITIONS[state] == {} for state in FINAL)


def test_every_live_state_can_reach_an_end() -> None:
    def ends(state: State) -> set[State]:
        reached: set[State] = set()
        waiting = [state]
        while waiting:
            for after in TRANSITIONS[waiting.pop()].values():
                if after not in reached:
                    reached.add(after)
                    waiting.append(after)
        return reached & FINAL

    assert all(ends(state) for state in LIVE)


def test_no_transition_leads_back() -> None:
    order = list(State)
    assert all(order.index(after) > order.index(state) for state, row in TRANSITIONS.items() for after in row.values())


@pytest.mark.parametrize(("state", "event"), [(s, e) for s in State for e in Event if e not in TRANSITIONS[s]])
def test_an_event_outside_the_table_is_refused(state: State, event: Event) -> None:
    with pytest.raises(IllegalTransitionError) as caught:
        next_state(state, event)
    allowed = ", ".join(sorted(TRANSITIONS[state])) or "nothing: the state is final"
    assert str(caught.value) == f"a session that is {state} cannot {event}; it can {allowed}"


def test_every_reason_has_an_ending_in_a_final_state() -> None:
    assert set(ENDINGS) == set(EndReason)
    assert all(ending.final in FINAL for ending in ENDINGS.values())


def test_every_close_code_is_one_of_the_published() -> None:
    published = {1000, 1011, 1012, 4001, 4004, 4008, 4009, 4010, 4011, 4013}
    assert {ending.close_code for ending in ENDINGS.values()} <= published


def test_of_a_reason_that_only_a_later_release_knows_little_is_said() -> None:
    assert ending_of("idle") is ENDINGS[EndReason.IDLE]
    assert (ending_of("struck by lightning").sentence, ending_of("struck by lightning").close_code) == (
        "It has ended.",
        1000,
    )
