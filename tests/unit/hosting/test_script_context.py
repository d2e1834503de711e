"""What a session offers its script: what is told to the runner, what is answered; programs are in integration."""

from __future__ import annotations

import logging
import os
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import Popen
from types import SimpleNamespace
from typing import Any, cast

import pytest

from remote_service.answers import Poll
from remote_service.endpoints import Endpoint, EndpointError
from remote_service.hosting import script_context
from remote_service.hosting.programs import Program
from remote_service.hosting.script_context import MOST_STATE, ScriptContext
from remote_service.hosting.wire import Channel, Message
from remote_service.script import RemoteServiceScript

SESSION = "12345678-9abc-4def-8123-456789abcdef"
ENDPOINT = Endpoint.tcp("localhost", 5901)


class Stage:
    """A context whose runner is the test."""

    def __init__(self, scratch: Path | None = None) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self.runner = Channel(ours)
        self.channel = Channel(theirs)
        self.log = logging.Logger("session")
        self.lines: list[str] = []
        handler = logging.Handler()
        handler.emit = lambda record: self.lines.append(record.getMessage())  # type: ignore[method-assign]
        self.log.addHandler(handler)
        self.context = ScriptContext(SESSION, self.channel, self.log, scratch)

    def told(self) -> list[Message]:
        return self.runner.receive_available() or []

    def close(self) -> None:
        self.runner.close()
        self.channel.close()


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.close()


def test_the_log_is_the_session_s(stage: Stage) -> None:
    assert stage.context.log is stage.log


def test_the_scratch_directory_is_made_when_it_is_first_asked_for_and_told_at_once(stage: Stage) -> None:
    assert stage.told() == []
    made = stage.context.scratch
    try:
        assert stat.S_IMODE(made.stat().st_mode) == 0o700
        assert stage.told() == [{"scratch": str(made)}]
        assert stage.context.scratch == made and stage.told() == []
    finally:
        made.rmdir()


def test_a_successor_has_the_directory_of_its_predecessor(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    assert stage.context.scratch == tmp_path and stage.told() == []
    stage.close()


@pytest.mark.parametrize("password", [None, "secret", "geheimes Wörtchen"])
def test_an_endpoint_is_told_with_its_password(stage: Stage, password: str | None) -> None:
    stage.context.publish(ENDPOINT, password)
    assert stage.told() == [{"endpoint": ENDPOINT.as_dict(), "password": password}]


@pytest.mark.parametrize(
    ("password", "why"),
    [
        (7, "the password is a int; expected a text or None"),
        (b"secret", "the password is a bytes; expected a text or None"),
        ("two\nlines", "the password holds characters that are not printable; expected letters and digits"),
        ("\udc80", "the password holds characters that are not printable; expected letters and digits"),
    ],
)
def test_a_password_that_cannot_be_one_is_named_and_not_shown(stage: Stage, password: Any, why: str) -> None:
    with pytest.raises(EndpointError) as caught:
        stage.context.publish(ENDPOINT, password)
    assert str(caught.value) == why
    assert stage.told() == []


def test_a_secret_is_told(stage: Stage) -> None:
    stage.context.keep_secret("pa55word")
    assert stage.told() == [{"secret": "pa55word"}]


# ---- the script's state ---------------------------------------------------------------------------------


class Service(RemoteServiceScript):
    """Gives what the test says as its state."""

    def __init__(self, state: Any) -> None:
        super().__init__()
        self.state = state

    def get_state(self) -> dict[str, Any]:
        if isinstance(self.state, Exception):
            raise self.state
        return cast(dict[str, Any], self.state)


def test_a_state_is_told(stage: Stage) -> None:
    stage.context.save_state(Service({"display": 3}))
    assert stage.told() == [{"state": {"display": 3}}]
    assert stage.lines == []


KEPT = "the older state is kept"
EXPECTED = f"expected a dict of at most {MOST_STATE} bytes as JSON; {KEPT}"
RAISED = f"get_state() raised, or gave nothing that JSON can hold; {KEPT}"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"x": object()}, RAISED),
        ({"x": float("inf")}, RAISED),
        (RuntimeError("of the script"), RAISED),
        ([1], f"get_state() gave a list; {EXPECTED}"),
        (None, f"get_state() gave a NoneType; {EXPECTED}"),
        ({"x": "y" * MOST_STATE}, f"get_state() gave {MOST_STATE + 9} bytes; {EXPECTED}"),
    ],
)
def test_a_state_that_is_none_is_noted_and_not_told(stage: Stage, state: Any, said: str) -> None:
    stage.context.save_state(Service(state))
    assert stage.told() == []
    assert stage.lines == [said]


# ---- polling --------------------------------------------------------------------------------------------


def program(status: int | None, args: Any = ("/usr/bin/Xtigervnc", ":1")) -> Popen[bytes]:
    return cast(Popen[bytes], SimpleNamespace(args=args if isinstance(args, str) else list(args), poll=lambda: status))


@pytest.mark.parametrize(
    ("spawned", "endpoint", "listens", "has_listened", "expected"),
    [
        ([], None, None, False, Poll.pending("It has no endpoint yet.")),
        ([], ENDPOINT, False, False, Poll.pending("Nothing listens at tcp:localhost:5901 yet.")),
        ([], ENDPOINT, False, True, Poll.ended("Nothing listens at tcp:localhost:5901 any more.")),
        ([], ENDPOINT, True, True, Poll.alive()),
        # Another machine's: it is not known, and a VNC server must not be asked.
        ([], ENDPOINT, None, True, Poll.alive()),
        ([program(None)], ENDPOINT, True, True, Poll.alive()),
        ([program(None), program(1)], ENDPOINT, True, True, Poll.ended("Xtigervnc has ended: exit status 1.")),
        ([program(-9, "/bin/x")], None, None, False, Poll.ended("x has ended: killed by SIGKILL.")),
    ],
)
def test_the_base_s_poll_looks_at_programs_and_at_the_listening_socket(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    spawned: list[Popen[bytes]],
    endpoint: Endpoint | None,
    listens: bool | None,
    has_listened: bool,
    expected: Poll,
) -> None:
    monkeypatch.setattr(script_context, "listens_locally", lambda asked: listens)
    stage.context._spawned.extend(spawned)
    stage.context.restore(endpoint)
    stage.context.has_listened = has_listened
    assert stage.context.poll() == expected


def test_a_successor_looks_at_the_programs_of_its_predecessor(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script_context, "listens_locally", lambda asked: True)
    alive = Program.of(os.getpid(), "Xtigervnc")
    stage.context.restore(ENDPOINT, (alive,))
    assert stage.context.poll() == Poll.alive()
    stage.context.restore(ENDPOINT, (alive, Program(os.getpid(), alive.start_time - 1, "xterm")))
    assert stage.context.poll() == Poll.ended("xterm has ended: nobody saw how.")


def test_a_program_is_told_of_as_soon_as_it_runs(stage: Stage) -> None:
    process = stage.context.spawn(["/bin/sleep", "60"], env=None, cwd=None, pass_fds=())
    try:
        (told,) = stage.told()
        assert told == {"spawned": Program.of(process.pid, "sleep").as_list()}
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("argv", ["xterm -ls", b"xterm", [], ()])
def test_a_command_that_is_no_list_is_named_before_anything_runs(stage: Stage, argv: Any) -> None:
    helpers: dict[str, Callable[[], object]] = {
        "run": lambda: stage.context.run(argv, timeout=1.0, env=None, cwd=None),
        "spawn": lambda: stage.context.spawn(argv, env=None, cwd=None, pass_fds=()),
    }
    for helper, call in helpers.items():
        with pytest.raises(TypeError) as caught:
            call()
        assert str(caught.value) == (
            f"{helper}() got {argv!r}; expected the command as a list of texts, such as ['xterm', '-ls']"
        )
