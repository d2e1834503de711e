"""The rules of a session's course, as playbooks: events and the time go in, commands come out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from remote_service.answers import Answer, Poll
from remote_service.endpoints import Endpoint
from remote_service.hosting.course import (
    INTERRUPT_PATIENCE,
    POLL_INTERVAL,
    POLL_PATIENCE,
    REPLACEMENTS,
    STOP_TIMEOUT,
    Course,
)
from remote_service.hosting.programs import Program
from remote_service.hosting.status import Phase, StartFault, Status, StopOutcome
from remote_service.hosting.steps import Command, Outcome, Step

ARGUMENTS = {"token": "t", "timestamp": 1.0, "options": {"size": "800x600"}}
ENDPOINT = Endpoint.tcp("localhost", 5900)
PROGRAMS = (Program(4711, 99, "Xtigervnc"),)
DONE = "done"
ALIVE = ("alive", "", "")


class Playbook:
    """A course and its clock. Every event returns the commands as text, and checks that calls do not overlap."""

    def __init__(self) -> None:
        self.course = Course("a-session")
        self.now = 100.0
        self.running = ""
        self.calls: list[str] = []

    @property
    def status(self) -> Status:
        return self.course.status

    def start(self, timeout: float | None = 60.0) -> list[str]:
        return self._carried_out(self.course.start(self.now, ARGUMENTS, timeout))

    def stop(self, timeout: float = 10.0, **patience: float) -> list[str]:
        return self._carried_out(self.course.stop(self.now, timeout, **patience))

    def recover(self, state: dict[str, Any] | None = None) -> list[str]:
        return self._carried_out(self.course.recover(state, ENDPOINT, PROGRAMS))

    def ends(self, kind: str = DONE, detail: str = "", value: tuple[str, ...] = ()) -> list[str]:
        """The running call comes back."""
        self.running = ""
        return self._carried_out(self.course.call_ended(self.now, Outcome(kind, detail, value)))

    def polled(self, answer: str, reason: str = "", progress: str = "") -> list[str]:
        return self.ends(value=(answer, reason, progress))

    def dies(self, how: str = "exit status 3") -> list[str]:
        self.running = ""
        return self._carried_out(self.course.worker_died(self.now, how))

    def publishes(self) -> None:
        self.course.published(ENDPOINT, "secret")

    def listens(self) -> None:
        self.course.listens(self.now)

    def after(self, seconds: float) -> list[str]:
        self.now += seconds
        return self._carried_out(self.course.tick(self.now))

    def is_cleaned(self, survivors: tuple[int, ...] = ()) -> None:
        self.course.cleaned(survivors)

    def ready(self) -> None:
        """Plays until the endpoint listens."""
        assert self.start() == ["call validate"]
        assert self.ends() == ["call start"]
        self.publishes()
        assert self.ends() == []
        self.listens()
        assert self.status.phase is Phase.READY

    def waiting(self, timeout: float | None = 60.0) -> None:
        """Plays until `start` has returned."""
        self.start(timeout)
        self.ends()
        self.publishes()
        assert self.ends() == []
        assert self.status.phase is Phase.WAITING

    def stops(self) -> int:
        return self.calls.count("stop")

    def _carried_out(self, steps: list[Step]) -> list[str]:
        shown = []
        for step in steps:
            if step.command is Command.CALL:
                assert not self.running, f"{step.call} was called while {self.running} was running"
                self.running = step.call
                self.calls.append(step.call)
            elif step.command is Command.INTERRUPT:
                assert self.running, "an interrupt with nothing to interrupt"
            else:
                self.running = ""
            shown.append(f"{step.command} {step.call}".strip())
        return shown


@pytest.fixture
def book() -> Playbook:
    return Playbook()


# ---- the ordinary way -----------------------------------------------------------------------------------


def test_a_session_goes_from_its_start_to_its_end(book: Playbook) -> None:
    assert book.status == Status("a-session")
    assert book.start() == ["call validate"]
    assert (book.status.phase, book.status.fault) == (Phase.STARTING, None)
    assert book.ends() == ["call start"]
    book.publishes()
    assert book.ends() == []
    assert (book.status.phase, book.status.endpoint, book.status.password) == (Phase.WAITING, ENDPOINT, "secret")
    book.listens()
    assert (book.status.phase, book.status.fault) == (Phase.READY, None)
    assert book.after(POLL_INTERVAL) == ["call poll"]
    assert book.polled("alive", "", "all is well") == []
    assert (book.status.poll, book.status.progress) == (Poll.alive(), "all is well")
    assert book.stop() == ["call stop"]
    assert book.status.phase is Phase.STOPPING
    assert book.ends() == ["clean"]
    assert (book.status.phase, book.status.stop) == (Phase.CLEANING, StopOutcome.DONE)
    book.is_cleaned()
    assert (book.status.phase, book.status.fault, book.status.survivors) == (Phase.OVER, None, ())
    assert book.calls == ["validate", "start", "poll", "stop"]


def test_the_calls_get_what_they_need() -> None:
    course = Course("s")
    (validate,) = course.start(0.0, ARGUMENTS, None)
    assert validate == Step(Command.CALL, "validate", {"options": {"size": "800x600"}})
    (start,) = course.call_ended(0.0, Outcome(DONE))
    assert start == Step(Command.CALL, "start", ARGUMENTS)
    course.published(ENDPOINT, None)
    course.call_ended(0.0, Outcome(DONE))
    assert course.tick(1.0) == [Step(Command.CALL, "poll", {"has_listened": False})]
    course.call_ended(1.0, Outcome(DONE, value=ALIVE))
    course.listens(1.0)
    assert course.tick(2.0) == [Step(Command.CALL, "poll", {"has_listened": True})]
    course.call_ended(2.0, Outcome(DONE, value=ALIVE))
    assert course.stop(2.0, 1.0) == [Step(Command.CALL, "stop", {})]


def test_a_second_start_changes_nothing(book: Playbook) -> None:
    book.ready()
    assert book.start() == []
    assert book.status.phase is Phase.READY


def test_a_session_that_was_never_started_is_not_stopped(book: Playbook) -> None:
    assert book.stop() == ["clean"]
    assert book.status.stop is StopOutcome.NOT_CALLED


def test_a_saved_state_is_in_the_status(book: Playbook) -> None:
    book.course.saved({"display": 3})
    assert book.status.state == {"display": 3}


def test_survivors_are_reported(book: Playbook) -> None:
    book.stop()
    book.is_cleaned((7, 8))
    assert book.status.survivors == (7, 8)


def test_nothing_that_comes_after_the_end_changes_it(book: Playbook) -> None:
    book.ready()
    book.stop()
    book.ends()
    anything: list[Callable[[], list[str]]] = [book.stop, book.start, book.recover, book.ends, book.dies]
    for late in anything:
        assert late() == []
    book.is_cleaned()
    over = book.status
    for late in [*anything, lambda: book.after(1000.0)]:
        assert late() == []
    book.listens()
    assert book.status == over


# ---- a start that fails ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["refused", "raised", "exited"])
def test_options_that_are_refused_are_followed_by_neither_start_nor_stop(book: Playbook, kind: str) -> None:
    book.start()
    assert book.ends(kind, "No more than 8 cores.") == ["clean"]
    assert (book.status.fault, book.status.detail) == (StartFault.REFUSED, "No more than 8 cores.")
    assert book.calls == ["validate"]


def test_a_falsy_start_is_not_stopped(book: Playbook) -> None:
    book.start()
    book.ends()
    assert book.ends("falsy", "start() returned None.") == ["clean"]
    assert (book.status.fault, book.status.detail) == (StartFault.FALSY, "start() returned None.")
    assert book.status.stop is StopOutcome.NOT_CALLED


@pytest.mark.parametrize("kind", ["raised", "exited", "interrupted"])
def test_a_start_that_raises_is_stopped_once(book: Playbook, kind: str) -> None:
    book.start()
    book.ends()
    assert book.ends(kind, "start() raised OSError: full.") == ["call stop"]
    assert (book.status.fault, book.status.detail) == (StartFault.RAISED, "start() raised OSError: full.")
    assert book.ends() == ["clean"]
    assert book.stops() == 1


def test_a_start_without_an_endpoint_is_stopped_once(book: Playbook) -> None:
    book.start()
    book.ends()
    assert book.ends() == ["call stop"]
    assert book.status.fault is StartFault.NO_ENDPOINT
    assert book.status.detail == "start() succeeded, but never called set_host_port() or a sibling of it."


def test_a_start_whose_process_ends_is_stopped_by_a_successor(book: Playbook) -> None:
    book.start()
    book.ends()
    assert book.dies("killed by SIGSEGV") == ["replace", "call stop"]
    assert book.status.fault is StartFault.DIED
    assert book.status.detail == "The script ended its process: killed by SIGSEGV."
    assert book.ends() == ["clean"]


def test_a_process_that_ends_while_options_are_validated_is_not_stopped(book: Playbook) -> None:
    book.start()
    assert book.dies() == ["clean"]
    assert (book.status.fault, book.stops()) == (StartFault.DIED, 0)


def test_an_endpoint_that_never_listens_is_stopped_once(book: Playbook) -> None:
    book.waiting(timeout=5.0)
    assert book.after(4.5) == ["call poll"]
    assert book.polled("pending", "Not yet.") == []
    assert book.after(0.5) == ["call stop"]
    assert book.status.fault is StartFault.NEVER_LISTENED
    assert book.status.detail == "Nothing listened at tcp:localhost:5900 in time."


def test_an_endpoint_that_never_listens_while_poll_hangs_is_stopped_after_an_interrupt(book: Playbook) -> None:
    book.waiting(timeout=5.0)
    book.after(4.5)
    assert book.after(0.5) == ["interrupt"]
    assert book.ends("interrupted") == ["call stop"]


def test_a_program_that_ends_before_it_listens_fails_the_start(book: Playbook) -> None:
    book.waiting()
    book.after(POLL_INTERVAL)
    assert book.polled("ended", "Xvnc has ended: exit status 1.") == ["call stop"]
    assert book.status.fault is StartFault.ENDED_EARLY
    assert book.status.detail == "The program ended before it could be reached: Xvnc has ended: exit status 1."


def test_a_start_without_a_limit_may_take_for_ever(book: Playbook) -> None:
    book.start(None)
    book.ends()
    assert book.after(1_000_000.0) == []
    book.publishes()
    book.ends()
    assert book.after(1_000_000.0) == ["call poll"]


# ---- a start that hangs ---------------------------------------------------------------------------------


def test_a_start_that_hangs_is_interrupted_then_killed_then_stopped_by_a_successor(book: Playbook) -> None:
    book.start(timeout=60.0)
    book.after(1.0)
    book.ends()
    assert book.after(58.9) == []
    assert book.after(0.1) == ["interrupt"]
    assert book.status.fault is StartFault.TIMEOUT
    assert book.status.detail == "start() had not returned after 60 s."
    assert book.after(INTERRUPT_PATIENCE - 0.1) == []
    assert book.after(0.1) == ["replace", "call stop"]
    assert book.ends() == ["clean"]
    assert book.calls == ["validate", "start", "stop"]


@pytest.mark.parametrize("kind", ["interrupted", "done", "raised", "exited", "falsy"])
def test_a_start_that_comes_back_after_its_timeout_is_stopped_once_whatever_it_says(book: Playbook, kind: str) -> None:
    """A start that was interrupted cannot know whether something of it runs: its False counts for nothing."""
    book.start(timeout=0.5)
    book.ends()
    book.after(0.5)
    assert book.ends(kind) == ["call stop"]
    assert (book.status.fault, book.status.detail) == (
        StartFault.TIMEOUT,
        "start() had not returned after 0.5 s.",
    )
    assert book.ends() == ["clean"]


def test_a_start_whose_process_dies_of_the_interrupt_is_stopped_by_a_successor(book: Playbook) -> None:
    book.start(timeout=1.0)
    book.ends()
    book.after(1.0)
    assert book.dies() == ["replace", "call stop"]
    assert book.status.fault is StartFault.TIMEOUT


def test_options_whose_check_hangs_are_never_followed_by_stop(book: Playbook) -> None:
    book.start(timeout=1.0)
    assert book.after(1.0) == ["interrupt"]
    assert book.status.detail == "validate_options() had not returned after 1 s."
    assert book.after(INTERRUPT_PATIENCE) == ["clean"]
    assert (book.status.fault, book.stops()) == (StartFault.TIMEOUT, 0)


@pytest.mark.parametrize("end", ["ends", "dies"])
def test_options_whose_check_comes_back_too_late_are_never_followed_by_stop(book: Playbook, end: str) -> None:
    book.start(timeout=1.0)
    book.after(1.0)
    assert (book.ends() if end == "ends" else book.dies()) == ["clean"]
    assert (book.status.fault, book.calls) == (StartFault.TIMEOUT, ["validate"])


# ---- a stop that is ordered while something else goes on ------------------------------------------------


def test_a_stop_during_the_start_waits_until_the_call_was_got_back(book: Playbook) -> None:
    book.start()
    book.ends()
    assert book.stop() == ["interrupt"]
    assert book.status.phase is Phase.STOPPING
    assert book.ends("interrupted") == ["call stop"]
    assert book.status.fault is None


def test_a_stop_during_a_start_that_cannot_be_got_back_kills_it(book: Playbook) -> None:
    book.start()
    book.ends()
    book.stop()
    assert book.after(INTERRUPT_PATIENCE) == ["replace", "call stop"]


def test_a_stop_during_a_start_that_dies_is_made_by_a_successor(book: Playbook) -> None:
    book.start()
    book.ends()
    book.stop()
    assert book.dies() == ["replace", "call stop"]


def test_a_stop_during_a_start_that_then_says_false_is_not_made(book: Playbook) -> None:
    book.start()
    book.ends()
    book.stop()
    assert book.ends("falsy") == ["clean"]
    assert book.stops() == 0


@pytest.mark.parametrize("end", ["ends", "dies", "hangs"])
def test_a_stop_while_options_are_validated_calls_neither_start_nor_stop(book: Playbook, end: str) -> None:
    book.start()
    assert book.stop() == ["interrupt"]
    answers: dict[str, Callable[[], list[str]]] = {
        "ends": book.ends, "dies": book.dies, "hangs": lambda: book.after(INTERRUPT_PATIENCE),
    }  # fmt: skip
    assert answers[end]() == ["clean"]
    assert book.calls == ["validate"]


def test_a_stop_after_the_start_s_timeout_does_not_interrupt_twice(book: Playbook) -> None:
    book.start(timeout=1.0)
    book.ends()
    assert book.after(1.0) == ["interrupt"]
    assert book.after(1.0) == []
    assert book.stop() == []
    assert book.after(INTERRUPT_PATIENCE - 1.0) == ["replace", "call stop"]


def test_a_stop_during_a_poll_interrupts_it(book: Playbook) -> None:
    book.ready()
    book.after(POLL_INTERVAL)
    assert book.stop() == ["interrupt"]
    assert book.ends("interrupted") == ["call stop"]


def test_a_stop_during_a_poll_that_cannot_be_got_back_kills_it(book: Playbook) -> None:
    book.ready()
    book.after(POLL_INTERVAL)
    book.stop()
    assert book.after(INTERRUPT_PATIENCE) == ["replace", "call stop"]
    assert book.ends() == ["clean"]
    assert book.stops() == 1


def test_a_stop_while_the_endpoint_is_waited_for_is_made_at_once(book: Playbook) -> None:
    book.waiting()
    assert book.stop() == ["call stop"]
    assert book.status.fault is None


# ---- polls ----------------------------------------------------------------------------------------------


def test_polls_come_one_interval_after_the_other_has_ended(book: Playbook) -> None:
    book.ready()
    assert book.after(POLL_INTERVAL - 0.1) == []
    assert book.after(0.1) == ["call poll"]
    assert book.after(3.0) == []
    book.polled("alive")
    assert book.after(POLL_INTERVAL - 0.1) == []
    assert book.after(0.1) == ["call poll"]


@pytest.mark.parametrize("answer", ["alive", "pending", "ended", "unknown"])
def test_an_answer_is_told_and_the_session_goes_on(book: Playbook, answer: str) -> None:
    book.ready()
    book.after(POLL_INTERVAL)
    assert book.polled(answer, "Because.") == []
    assert book.status.poll == Poll(Answer(answer), "Because.")
    assert book.status.phase is Phase.READY


def test_a_poll_that_fails_is_unknown(book: Playbook) -> None:
    book.ready()
    book.after(POLL_INTERVAL)
    assert book.ends("raised", "poll() raised OSError: gone.") == []
    assert book.status.poll == Poll.unknown("poll() failed: poll() raised OSError: gone.")


def test_a_poll_that_does_not_answer_is_unknown_until_it_does(book: Playbook) -> None:
    book.ready()
    book.after(POLL_INTERVAL)
    assert book.after(POLL_PATIENCE - 0.1) == []
    assert book.status.poll.answer is Answer.ALIVE
    assert book.after(0.1) == []
    assert book.status.poll == Poll.unknown("poll() has not answered for 5 s.")
    assert book.after(1000.0) == []
    book.polled("alive")
    assert book.status.poll.answer is Answer.ALIVE


# ---- a worker that dies between calls -------------------------------------------------------------------


@pytest.mark.parametrize("during", ["poll", "nothing"])
def test_a_worker_that_dies_gets_a_successor_and_the_session_goes_on(book: Playbook, during: str) -> None:
    book.ready()
    if during == "poll":
        book.after(POLL_INTERVAL)
    assert book.dies() == ["replace"]
    assert book.status.phase is Phase.READY
    assert book.after(POLL_INTERVAL) == ["call poll"]


def test_a_worker_that_dies_too_often_ends_the_session(book: Playbook) -> None:
    book.ready()
    for _ in range(REPLACEMENTS):
        assert book.dies() == ["replace"]
    assert book.dies("killed by SIGKILL") == ["replace", "call stop"]
    why = "The script's process ended again and again, the last time so: killed by SIGKILL."
    assert book.status.poll == Poll.ended(why)
    assert book.status.fault is None
    assert book.ends() == ["clean"]


def test_a_worker_that_dies_too_often_before_the_endpoint_listens_fails_the_start(book: Playbook) -> None:
    book.waiting()
    for _ in range(REPLACEMENTS):
        assert book.dies() == ["replace"]
    assert book.dies() == ["replace", "call stop"]
    assert book.status.fault is StartFault.DIED
    assert book.status.detail == "The script's process ended again and again, the last time so: exit status 3."


def test_a_worker_that_dies_too_often_before_the_start_fails_it_without_a_call(book: Playbook) -> None:
    for _ in range(REPLACEMENTS):
        assert book.dies() == ["replace"]
    assert book.dies() == ["clean"]
    assert (book.status.fault, book.calls) == (StartFault.DIED, [])


# ---- stop itself ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["falsy", "raised", "exited"])
def test_a_stop_that_fails_is_not_made_again(book: Playbook, kind: str) -> None:
    book.ready()
    book.stop()
    assert book.ends(kind) == ["clean"]
    assert (book.status.stop, book.stops()) == (StopOutcome.FAILED, 1)


def test_a_stop_whose_process_dies_is_made_once_more(book: Playbook) -> None:
    book.ready()
    book.stop()
    assert book.dies() == ["replace", "call stop"]
    assert book.ends() == ["clean"]
    assert (book.status.stop, book.stops()) == (StopOutcome.DONE, 2)


def test_a_stop_whose_process_dies_twice_is_not_made_a_third_time(book: Playbook) -> None:
    book.ready()
    book.stop()
    book.dies()
    assert book.dies() == ["clean"]
    assert (book.status.stop, book.stops()) == (StopOutcome.FAILED, 2)


def test_a_stop_that_hangs_is_interrupted(book: Playbook) -> None:
    book.ready()
    book.stop(timeout=3.0)
    assert book.after(2.9) == []
    assert book.after(0.1) == ["interrupt"]
    assert book.ends("interrupted") == ["clean"]
    assert book.status.stop is StopOutcome.FAILED


def test_a_stop_that_hangs_and_then_succeeds_is_done(book: Playbook) -> None:
    book.ready()
    book.stop(timeout=3.0)
    book.after(3.0)
    assert book.ends() == ["clean"]
    assert book.status.stop is StopOutcome.DONE


@pytest.mark.parametrize("end", ["stays", "dies of the interrupt"])
def test_a_stop_that_cannot_be_got_back_is_hung_and_not_made_again(book: Playbook, end: str) -> None:
    book.ready()
    book.stop(timeout=3.0)
    book.after(3.0)
    assert (book.after(INTERRUPT_PATIENCE) if end == "stays" else book.dies()) == ["clean"]
    assert (book.status.stop, book.stops()) == (StopOutcome.HUNG, 1)


def test_a_stop_that_nobody_ordered_may_take_the_usual_time(book: Playbook) -> None:
    book.start()
    book.ends()
    book.ends("raised")
    assert book.after(STOP_TIMEOUT - 0.1) == []
    assert book.after(0.1) == ["interrupt"]


@pytest.mark.parametrize(("later", "limit"), [(2.0, 2.0), (50.0, 10.0), (0.0, 0.0)])
def test_a_later_order_may_only_shorten_the_time(book: Playbook, later: float, limit: float) -> None:
    book.ready()
    book.stop(timeout=10.0)
    assert book.stop(timeout=later) == []
    if limit:
        assert book.after(limit - 0.1) == []
    assert book.after(0.1) == ["interrupt"]


def test_a_server_that_is_stopping_has_little_patience(book: Playbook) -> None:
    book.ready()
    book.stop(timeout=1.0, patience=0.5)
    book.after(1.0)
    assert book.after(0.4) == []
    assert book.after(0.1) == ["clean"]


# ---- a successor of a killed runner ---------------------------------------------------------------------


def test_a_recovered_session_has_its_state_and_is_stopped_once(book: Playbook) -> None:
    assert book.recover({"display": 3}) == ["replace"]
    assert (book.status.phase, book.status.endpoint, book.status.state) == (Phase.READY, ENDPOINT, {"display": 3})
    assert book.status.programs == PROGRAMS
    assert book.stop() == ["call stop"]
    assert book.ends() == ["clean"]


def test_what_a_recovered_session_spawns_is_added_to_what_its_predecessor_spawned(book: Playbook) -> None:
    book.recover()
    book.course.spawned(Program(4712, 100, "xterm"))
    assert book.status.programs == (*PROGRAMS, Program(4712, 100, "xterm"))


def test_a_recovered_session_is_polled_at_once(book: Playbook) -> None:
    book.recover()
    assert book.after(0.0) == ["call poll"]
    book.polled("alive")
    assert book.status.poll == Poll.alive()


def test_only_a_fresh_runner_can_recover(book: Playbook) -> None:
    book.start()
    assert book.recover() == []
    assert book.status.phase is Phase.STARTING


# ---- when to look again ---------------------------------------------------------------------------------


def test_the_next_deadline_is_the_nearest_moment_at_which_something_is_due(book: Playbook) -> None:
    def deadline() -> float:
        return book.course.next_deadline(book.now)

    assert deadline() == 1.0, "nothing is due: it looks again all the same"
    book.start(timeout=3.0)
    assert deadline() == 3.0
    book.ends()
    book.publishes()
    book.ends()
    assert deadline() == POLL_INTERVAL
    book.after(POLL_INTERVAL)
    assert deadline() == 2.0, "the start's deadline"
    book.listens()
    assert deadline() == POLL_PATIENCE
    book.polled("alive")
    book.stop(timeout=4.0)
    assert deadline() == 4.0
    book.after(4.0)
    assert deadline() == pytest.approx(1.0), "the patience with the poll comes first, and harms nobody"
    book.after(1.5)
    assert deadline() == pytest.approx(0.5)
    book.after(0.499)
    assert deadline() == 0.02, "never so short that the loop spins"


# ---- any events in any order ----------------------------------------------------------------------------


class AnyCourse(RuleBasedStateMachine):
    """Everything that can happen, in any order; what must hold is held against a record of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.book = Playbook()
        self.phases = [Phase.IDLE]
        self.recovered = False
        self.no_stop_due = False
        self.stop_died = False
        self.interrupted = False

    def _did(self, commands: list[str]) -> None:
        if "interrupt" in commands:
            assert not self.interrupted, "the running call was interrupted twice"
            self.interrupted = True
        if any(command.startswith(("call", "replace", "clean")) for command in commands):
            self.interrupted = False
        if "clean" in commands:
            assert commands[-1] == "clean"
            self.book.is_cleaned()
        self.phases.append(self.book.status.phase)

    @initialize(started=st.sampled_from([True, True, True, False]), timeout=st.sampled_from([None, 0.0, 5.0]))
    def most_courses_begin_with_a_start(self, started: bool, timeout: float | None) -> None:
        if started:
            self._did(self.book.start(timeout))

    @rule()
    def start(self) -> None:
        self._did(self.book.start())

    @rule(timeout=st.sampled_from([0.0, 1.0, 10.0]), patience=st.sampled_from([0.5, 2.0]))
    def stop(self, timeout: float, patience: float) -> None:
        self._did(self.book.stop(timeout, patience=patience))

    @rule()
    def recover(self) -> None:
        idle = self.book.status.phase is Phase.IDLE
        self._did(self.book.recover({"x": 1}))
        self.recovered |= idle

    @rule(seconds=st.sampled_from([0.0, 1.0, 5.0]))
    def time_passes(self, seconds: float) -> None:
        self._did(self.book.after(seconds))

    @precondition(lambda self: self.book.running)
    @rule(
        kind=st.sampled_from(["done", "falsy", "raised", "interrupted"]),
        answer=st.sampled_from(["alive", "ended", "unknown"]),
    )
    def the_call_ends(self, kind: str, answer: str) -> None:
        call, in_time = self.book.running, self.book.status.fault is None
        if call == "start" and kind == "falsy" and in_time:
            self.no_stop_due = True
        if call == "validate" and kind != "raised":
            # Most options are sound, or nothing more would happen in most courses.
            kind = "done"
        self.interrupted = False
        self._did(self.book.ends(kind, "Why.", (answer, "Why.", "") if call == "poll" else ()))

    @precondition(lambda self: not self.book.running)
    @rule()
    def an_outcome_comes_that_nobody_waits_for(self) -> None:
        self._did(self.book.ends())

    @rule()
    def the_worker_dies(self) -> None:
        if self.book.running == "stop" and not self.interrupted:
            self.stop_died = True
        self.interrupted = False
        self._did(self.book.dies())

    @rule()
    def an_endpoint_is_named(self) -> None:
        self.book.publishes()

    @rule()
    def the_endpoint_listens(self) -> None:
        self.book.listens()
        self.phases.append(self.book.status.phase)

    @invariant()
    def the_phase_never_goes_back(self) -> None:
        order = [list(Phase).index(phase) for phase in self.phases]
        assert order == sorted(order)

    @invariant()
    def stop_is_called_as_often_as_the_contract_says(self) -> None:
        started = "start" in self.book.calls or self.recovered
        most = 0 if not started or self.no_stop_due else 2 if self.stop_died else 1
        assert self.book.stops() <= most
        if self.book.status.phase is Phase.OVER:
            assert self.book.stops() == most
            assert (self.book.stops() == 0) == (self.book.status.stop is StopOutcome.NOT_CALLED)

    @invariant()
    def start_is_called_at_most_once(self) -> None:
        assert self.book.calls.count("start") <= 1
        assert self.book.calls.count("validate") <= 1

    @invariant()
    def there_is_always_a_next_look(self) -> None:
        assert 0.02 <= self.book.course.next_deadline(self.book.now) <= 60.0

    def teardown(self) -> None:
        """Told to stop, it is over after the time of one `stop` and the patience for two calls, whatever hangs."""
        self._did(self.book.stop(10.0))
        for _ in range(4):
            self._did(self.book.after(10.0))
        assert self.book.status.phase is Phase.OVER
        self.stop_is_called_as_often_as_the_contract_says()


TestAnyCourse = AnyCourse.TestCase
TestAnyCourse.settings = settings(max_examples=200, stateful_step_count=20, deadline=None)
