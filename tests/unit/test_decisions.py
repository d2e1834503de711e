"""Every rule by which the supervisor decides, as a table: what is known, and what is done."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from remote_service.answers import Poll
from remote_service.config.schema import Limits
from remote_service.decisions import (
    NOTHING,
    Action,
    Decision,
    Departure,
    Known,
    Runner,
    decide,
    quarantine_reason,
)
from remote_service.hosting.status import Phase, StartFault, Status, StopOutcome
from remote_service.states import EndReason, State

SESSION = "00000000-0000-0000-0000-000000000001"
Rule = tuple[str, dict[str, Any], Decision]
CLEAN_LATE, CLEAN_EARLY = Departure(15.0, clean=True), Departure(14.9, clean=True)
CUT_LATE, CUT_EARLY = Departure(900.0, clean=False), Departure(899.9, clean=False)


def known(state: State, **changes: Any) -> Known:
    """A session of the default limits that has just come to its state, and whose script is well."""
    base = Known(
        state=state,
        wanted="",
        wanted_reason=None,
        wanted_detail="",
        limits=Limits(),
        keep=False,
        state_age=0.0,
        status=STATUS.get(state),
        runner=Runner.HERE,
    )
    return replace(base, **changes)


def status(phase: Phase, **changes: Any) -> Status:
    return Status(SESSION, phase, **changes)


def limits(**changes: float | None) -> Limits:
    return Limits(**changes)  # type: ignore[arg-type]  # the table below holds seconds and None only


STATUS = {
    State.STARTING: status(Phase.STARTING),
    State.QUEUED: status(Phase.WAITING),
    State.RUNNING: status(Phase.READY),
    State.STOPPING: status(Phase.STOPPING),
}
ENDED_POLL = status(Phase.READY, poll=Poll.ended("its window was closed"))

RESERVED: list[Rule] = [
    ("fresh", {}, NOTHING),
    ("just before its time", {"state_age": 299.9}, NOTHING),
    ("reservation_timeout", {"state_age": 300.0}, Decision(Action.DROP, EndReason.RESERVATION_EXPIRED)),
    ("reservation_timeout null", {"state_age": 1e9, "limits": limits(reservation_timeout=None)}, NOTHING),
    (
        "reservation_timeout 0",
        {"limits": limits(reservation_timeout=0)},
        Decision(Action.DROP, EndReason.RESERVATION_EXPIRED),
    ),
    ("wanted", {"wanted": "start"}, Decision(Action.LAUNCH)),
    ("wanted, however late", {"wanted": "start", "state_age": 1e9}, Decision(Action.LAUNCH)),
    ("released", {"wanted": "stop"}, Decision(Action.DROP, EndReason.RELEASED)),
    (
        "stopped by staff",
        {"wanted": "stop", "wanted_reason": EndReason.STAFF, "wanted_detail": "Maintenance."},
        Decision(Action.DROP, EndReason.STAFF, "Maintenance."),
    ),
    ("a runner is none of its business", {"runner": Runner.LOST}, NOTHING),
]

# `start_timeout` is kept by the runner, which says so by a fault.
STARTING: list[Rule] = [
    ("no word yet", {"status": None}, NOTHING),
    ("forked", {"status": status(Phase.IDLE)}, NOTHING),
    ("start runs", {"status": status(Phase.STARTING)}, NOTHING),
    ("start runs, for ever", {"state_age": 1e9, "limits": limits(start_timeout=None)}, NOTHING),
    ("the endpoint is waited for", {"status": status(Phase.WAITING)}, NOTHING),
    ("the endpoint listens", {"status": status(Phase.READY)}, Decision(Action.REACHED)),
    (
        "the start timed out",
        {"status": status(Phase.STOPPING, fault=StartFault.TIMEOUT, detail="start() had not returned after 60 s.")},
        Decision(Action.STOP, EndReason.START_FAILED, "start() had not returned after 60 s."),
    ),
    (
        "start said no, and it is over already",
        {"status": status(Phase.OVER, fault=StartFault.FALSY, detail="start() returned False.")},
        Decision(Action.STOP, EndReason.START_FAILED, "start() returned False."),
    ),
    (
        "a failed start tells more than the wish to stop",
        {"wanted": "stop", "status": status(Phase.OVER, fault=StartFault.RAISED, detail="start() raised.")},
        Decision(Action.STOP, EndReason.START_FAILED, "start() raised."),
    ),
    ("its user does not want it any more", {"wanted": "stop"}, Decision(Action.STOP, EndReason.USER)),
    (
        "staff does not want it",
        {"wanted": "stop", "wanted_reason": EndReason.STAFF, "wanted_detail": "Maintenance."},
        Decision(Action.STOP, EndReason.STAFF, "Maintenance."),
    ),
    (
        "stopped although it can be reached now",
        {"wanted": "stop", "status": status(Phase.READY)},
        Decision(Action.STOP, EndReason.USER),
    ),
    (
        "the runner gave it up",
        {"status": status(Phase.STOPPING, poll=Poll.ended("It ended again and again."))},
        Decision(Action.STOP, EndReason.START_FAILED, "It ended again and again."),
    ),
    (
        "the runner gave it up and says more",
        {"status": status(Phase.OVER, detail="It died.", poll=Poll.ended("It ended."))},
        Decision(Action.STOP, EndReason.START_FAILED, "It died."),
    ),
    ("the runner was killed", {"runner": Runner.LOST}, Decision(Action.RECOVER, EndReason.RUNNER_LOST)),
    (
        "the runner left when all was over",
        {"runner": Runner.LOST, "status": status(Phase.OVER, fault=StartFault.FALSY, detail="No.")},
        Decision(Action.STOP, EndReason.START_FAILED, "No."),
    ),
]

RUNNING: list[Rule] = [
    ("fresh", {}, NOTHING),
    ("its user stops it", {"wanted": "stop", "viewers": 1}, Decision(Action.STOP, EndReason.USER)),
    (
        "it is released",
        {"wanted": "stop", "wanted_reason": EndReason.RELEASED},
        Decision(Action.STOP, EndReason.RELEASED),
    ),
    # The program.
    (
        "its program ended",
        {"status": ENDED_POLL},
        Decision(Action.STOP, EndReason.PROGRAM_ENDED, "its window was closed"),
    ),
    ("its program ended, says the poll, but a viewer gets bytes", {"status": ENDED_POLL, "viewers": 1}, NOTHING),
    (
        "its program ended, and its viewers have left",
        {"status": ENDED_POLL, "departures": (CUT_EARLY,)},
        Decision(Action.STOP, EndReason.PROGRAM_ENDED, "its window was closed"),
    ),
    ("nobody knows whether it lives", {"status": status(Phase.READY, poll=Poll.unknown("no answer"))}, NOTHING),
    ("it waits for something", {"status": status(Phase.READY, poll=Poll.pending("the node boots"))}, NOTHING),
    ("no word from the runner", {"status": None}, NOTHING),
    (
        "the runner gave it up under its viewers' eyes",
        {"status": status(Phase.STOPPING, poll=Poll.ended("It ended again and again.")), "viewers": 2},
        Decision(Action.STOP, EndReason.PROGRAM_ENDED, "It ended again and again."),
    ),
    (
        "the runner has ended it",
        {"status": status(Phase.OVER, detail="It died."), "viewers": 2},
        Decision(Action.STOP, EndReason.PROGRAM_ENDED, "It died."),
    ),
    # Its runner.
    ("the runner was killed", {"runner": Runner.LOST, "viewers": 1}, Decision(Action.SUCCEED)),
    ("the runner was killed before it said a word", {"runner": Runner.LOST, "status": None}, Decision(Action.SUCCEED)),
    (
        "the runner was killed, however late it is",
        {"runner": Runner.LOST, "running_age": 1e9, "limits": limits(max_lifetime=3600)},
        Decision(Action.SUCCEED),
    ),
    ("the runner was killed again, just now", {"runner": Runner.LOST, "may_try_again": False}, NOTHING),
    (
        "its user stops it after the runner was killed",
        {"runner": Runner.LOST, "wanted": "stop", "may_try_again": False},
        Decision(Action.RECOVER, EndReason.USER),
    ),
    (
        "staff stops it after the runner was killed",
        {"runner": Runner.LOST, "wanted": "stop", "wanted_reason": EndReason.STAFF, "wanted_detail": "Maintenance."},
        Decision(Action.RECOVER, EndReason.STAFF, "Maintenance."),
    ),
    ("a successor has been told nothing", {"status": status(Phase.IDLE)}, Decision(Action.SUCCEED)),
    ("a successor is being told", {"status": status(Phase.IDLE), "may_try_again": False}, NOTHING),
    ("a successor must know what it stops", {"status": status(Phase.IDLE), "wanted": "stop"}, Decision(Action.SUCCEED)),
    # max_lifetime
    ("no lifetime is set", {"viewers": 1, "running_age": 1e9}, NOTHING),
    (
        "just before its lifetime is over",
        {"viewers": 1, "running_age": 3599.5, "limits": limits(max_lifetime=3600)},
        Decision(Action.WARN, EndReason.LIFETIME, left=0.5),
    ),
    (
        "its lifetime has been extended",
        {"viewers": 1, "running_age": 3600.0, "extension": 3600.0, "limits": limits(max_lifetime=3600)},
        NOTHING,
    ),
    (
        "its extended lifetime is over",
        {"viewers": 1, "running_age": 7200.0, "extension": 3600.0, "limits": limits(max_lifetime=3600)},
        Decision(Action.STOP, EndReason.LIFETIME),
    ),
    (
        "max_lifetime",
        {"viewers": 1, "running_age": 3600.0, "limits": limits(max_lifetime=3600)},
        Decision(Action.STOP, EndReason.LIFETIME),
    ),
    ("max_lifetime 0", {"viewers": 1, "limits": limits(max_lifetime=0)}, Decision(Action.STOP, EndReason.LIFETIME)),
    (
        "max_lifetime, although it is to be kept",
        {"keep": True, "running_age": 3600.0, "limits": limits(max_lifetime=3600)},
        Decision(Action.STOP, EndReason.LIFETIME),
    ),
    # idle_timeout
    ("no idle time is set", {"viewers": 1, "input_age": 1e9}, NOTHING),
    ("not idle enough", {"viewers": 1, "input_age": 29.5, "limits": limits(idle_timeout=60)}, NOTHING),
    (
        "idle_timeout",
        {"viewers": 1, "input_age": 60.0, "limits": limits(idle_timeout=60)},
        Decision(Action.STOP, EndReason.IDLE),
    ),
    ("idle_timeout 0", {"viewers": 1, "limits": limits(idle_timeout=0)}, Decision(Action.STOP, EndReason.IDLE)),
    (
        "idle, although it is to be kept",
        {"keep": True, "input_age": 60.0, "limits": limits(idle_timeout=60)},
        Decision(Action.STOP, EndReason.IDLE),
    ),
    (
        "the lifetime comes before idleness",
        {"running_age": 60.0, "input_age": 60.0, "limits": limits(idle_timeout=60, max_lifetime=60)},
        Decision(Action.STOP, EndReason.LIFETIME),
    ),
    # Warnings of both.
    ("more than a minute is left", {"viewers": 1, "input_age": 3539.5, "limits": limits(idle_timeout=3600)}, NOTHING),
    (
        "a minute is left",
        {"viewers": 1, "input_age": 3540.0, "limits": limits(idle_timeout=3600)},
        Decision(Action.WARN, EndReason.IDLE, left=60.0),
    ),
    (
        "half of a short limit is left",
        {"viewers": 1, "input_age": 5.0, "limits": limits(idle_timeout=10)},
        Decision(Action.WARN, EndReason.IDLE, left=5.0),
    ),
    (
        "its users have been warned",
        {"viewers": 1, "input_age": 3550.0, "warned": EndReason.IDLE, "limits": limits(idle_timeout=3600)},
        NOTHING,
    ),
    (
        "somebody used it after the warning",
        {"viewers": 1, "input_age": 1.0, "warned": EndReason.IDLE, "limits": limits(idle_timeout=3600)},
        Decision(Action.WARN, None),
    ),
    (
        "of two limits the next one counts",
        {
            "viewers": 1,
            "running_age": 3550.0,
            "input_age": 3545.0,
            "warned": EndReason.IDLE,
            "limits": limits(idle_timeout=3600, max_lifetime=3600),
        },
        Decision(Action.WARN, EndReason.LIFETIME, left=50.0),
    ),
    (
        "one that nobody looks at any more ends rather than warns",
        {"input_age": 3550.0, "departures": (CLEAN_LATE,), "limits": limits(idle_timeout=3600)},
        Decision(Action.STOP, EndReason.LAST_VIEWER),
    ),
    # Nobody came.
    ("nobody has come yet", {"unseen_age": 299.9}, NOTHING),
    ("nobody came", {"unseen_age": 300.0}, Decision(Action.STOP, EndReason.NEVER_VIEWED)),
    ("nobody could come", {"running_age": 1e9, "unseen_age": 1.0}, NOTHING),
    ("nobody need come", {"unseen_age": 1e9, "limits": limits(reservation_timeout=None)}, NOTHING),
    ("nobody came, and it is to be kept", {"unseen_age": 1e9, "keep": True}, NOTHING),
    # The last viewer has left: linger.
    ("a viewer is there", {"viewers": 1, "departures": (CLEAN_LATE, CUT_LATE), "unseen_age": 1e6}, NOTHING),
    ("the last viewer closed its window just now", {"departures": (CLEAN_EARLY,), "unseen_age": 1e6}, NOTHING),
    ("linger", {"departures": (CLEAN_LATE,)}, Decision(Action.STOP, EndReason.LAST_VIEWER)),
    (
        "linger 0",
        {"departures": (Departure(0.0, clean=True),), "limits": limits(linger=0)},
        Decision(Action.STOP, EndReason.LAST_VIEWER),
    ),
    ("linger null", {"departures": (Departure(1e9, clean=True),), "limits": limits(linger=None)}, NOTHING),
    ("it is to be kept", {"departures": (CLEAN_LATE, CUT_LATE), "keep": True}, NOTHING),
    # The last viewer's line was cut: reconnect.
    ("the last viewer's line was cut just now", {"departures": (CUT_EARLY,)}, NOTHING),
    ("a cut line is waited for longer than linger", {"departures": (Departure(100.0, clean=False),)}, NOTHING),
    ("reconnect", {"departures": (CUT_LATE,)}, Decision(Action.STOP, EndReason.LAST_VIEWER)),
    (
        "reconnect 0",
        {"departures": (Departure(0.0, clean=False),), "limits": limits(reconnect=0)},
        Decision(Action.STOP, EndReason.LAST_VIEWER),
    ),
    ("reconnect null", {"departures": (Departure(1e9, clean=False),), "limits": limits(reconnect=None)}, NOTHING),
    # Several have left.
    ("one left long ago, one just now", {"departures": (CLEAN_LATE, CLEAN_EARLY)}, NOTHING),
    ("one closed long ago, one may come back", {"departures": (CLEAN_LATE, CUT_EARLY)}, NOTHING),
    ("one was cut long ago, one left just now", {"departures": (CUT_LATE, CLEAN_EARLY)}, NOTHING),
    ("all left long ago", {"departures": (CLEAN_LATE, CUT_LATE)}, Decision(Action.STOP, EndReason.LAST_VIEWER)),
]

LATE_START: list[Rule] = [
    ("the runner may still say so", {"state_age": 104.9}, NOTHING),
    ("the runner hangs", {"state_age": 105.0}, Decision(Action.RECOVER, EndReason.RUNNER_LOST)),
]

IN_QUEUE: list[Rule] = [("the time in a queue does not count", {"state_age": 1e9}, NOTHING)]

STOPPING: list[Rule] = [
    ("stop runs", {}, NOTHING),
    ("what is left is being ended", {"status": status(Phase.CLEANING)}, NOTHING),
    ("no word from the runner", {"status": None}, NOTHING),
    ("it is over", {"status": status(Phase.OVER)}, Decision(Action.FINISH)),
    (
        "it is over, and the runner has left",
        {"status": status(Phase.OVER), "runner": Runner.LOST},
        Decision(Action.FINISH),
    ),
    ("the runner was killed", {"runner": Runner.LOST}, Decision(Action.RECOVER, EndReason.RUNNER_LOST)),
    ("it is wanted no more, again", {"wanted": "stop", "wanted_reason": EndReason.STAFF}, NOTHING),
    ("the runner may still come to an end", {"state_age": 44.9}, NOTHING),
    ("the runner hangs", {"state_age": 45.0}, Decision(Action.RECOVER, EndReason.RUNNER_LOST)),
    ("it was late, and is over", {"state_age": 1e9, "status": status(Phase.OVER)}, Decision(Action.FINISH)),
]

STAFF = {"wanted": "stop", "wanted_reason": EndReason.STAFF, "wanted_detail": "Its node has burnt."}
# Of a session in any state in which it has a runner, of which nothing was heard.
UNHEARD: list[Rule] = [
    ("nobody has looked for its runner", {"runner": Runner.UNSEEN}, Decision(Action.ADOPT)),
    ("nobody has looked, and it is to stop", {"runner": Runner.UNSEEN, "wanted": "stop"}, Decision(Action.ADOPT)),
    ("nobody has looked, however late it is", {"runner": Runner.UNSEEN, "state_age": 1e9}, Decision(Action.ADOPT)),
    ("its runner is away", {"runner": Runner.AWAY}, Decision(Action.ADOPT)),
    ("its runner is away, as was seen just now", {"runner": Runner.AWAY, "may_try_again": False}, NOTHING),
    (
        "its runner is away, however late it is",
        {"runner": Runner.AWAY, "may_try_again": False, "state_age": 1e9, "running_age": 1e9, "input_age": 1e9},
        NOTHING,
    ),
    (
        "its user stops it while its runner is away",
        {"runner": Runner.AWAY, "may_try_again": False, "wanted": "stop"},
        NOTHING,
    ),
    (
        "staff declares it ended while its runner is away",
        {"runner": Runner.AWAY, **STAFF},
        Decision(Action.DECLARE, EndReason.STAFF, "Its node has burnt."),
    ),
]
NEVER_STARTED: list[Rule] = [("it has no runner yet", {"runner": Runner.NEVER}, Decision(Action.LAUNCH_AGAIN))]
NEVER_FORKED: list[Rule] = [
    ("it never had a runner", {"runner": Runner.NEVER}, Decision(Action.RECOVER, EndReason.RUNNER_LOST))
]


def unheard(rules: list[Rule]) -> list[Rule]:
    return [(name, {"status": None, **changes}, expected) for name, changes, expected in rules]


OVER: list[Rule] = [
    ("nothing is wanted", {}, NOTHING),
    ("everything is late, and the runner gone", {"state_age": 1e9, "runner": Runner.LOST, "wanted": "stop"}, NOTHING),
]

RULES = [
    pytest.param(state, changes, expected, id=f"{state}: {name}")
    for state, rules in (
        (State.RESERVED, RESERVED),
        (State.STARTING, [*STARTING, *LATE_START, *unheard([*UNHEARD, *NEVER_STARTED])]),
        (State.QUEUED, [*STARTING, *IN_QUEUE, *unheard([*UNHEARD, *NEVER_FORKED])]),
        (State.RUNNING, [*RUNNING, *unheard(UNHEARD)]),
        (State.STOPPING, [*STOPPING, *unheard([*UNHEARD, *NEVER_FORKED])]),
        (State.ENDED, OVER),
        (State.FAILED, OVER),
    )
    for name, changes, expected in rules
]


@pytest.mark.parametrize(("state", "changes", "expected"), RULES)
def test_the_rule(state: State, changes: dict[str, Any], expected: Decision) -> None:
    assert decide(known(state, **changes)) == expected


def test_the_table_of_rules_has_every_state() -> None:
    assert {rule.values[0] for rule in RULES} == set(State)


@pytest.mark.parametrize("limit", ["reservation_timeout", "linger", "reconnect", "idle_timeout", "max_lifetime"])
def test_every_limit_ends_a_session_and_none_ends_it_when_all_are_null(limit: str) -> None:
    unlimited = dict.fromkeys(("reservation_timeout", "linger", "reconnect", "idle_timeout", "max_lifetime"))
    old = {"state_age": 50.0, "running_age": 50.0, "unseen_age": 50.0, "input_age": 50.0}
    left = {"linger": (Departure(50.0, clean=True),), "reconnect": (Departure(50.0, clean=False),)}.get(limit, ())
    session = known(State.RUNNING, departures=left, limits=limits(**unlimited), **old)
    assert decide(session) == NOTHING
    assert decide(replace(session, limits=limits(**{**unlimited, limit: 50.0}))).action is Action.STOP


def test_a_slot_is_free_after_a_session_that_left_nothing() -> None:
    assert quarantine_reason(status(Phase.OVER, stop=StopOutcome.DONE)) == ""
    assert quarantine_reason(status(Phase.OVER, stop=StopOutcome.FAILED)) == ""


def test_a_slot_is_in_quarantine_when_its_processes_could_not_be_ended() -> None:
    left = status(Phase.OVER, stop=StopOutcome.HUNG, survivors=(17, 4242))
    assert quarantine_reason(left) == "processes 17, 4242 could not be ended"


def test_a_slot_is_in_quarantine_when_stop_hung() -> None:
    hung = status(Phase.OVER, stop=StopOutcome.HUNG)
    assert quarantine_reason(hung) == "stop() did not return in time, so nobody knows what it left"
