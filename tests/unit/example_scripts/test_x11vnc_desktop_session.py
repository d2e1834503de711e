"""The pure parts of the x11vnc script: the start script's command line, and what its output means."""

from __future__ import annotations

from subprocess import CompletedProcess
from typing import Any

import pytest
from screen_size import Size
from ssh_node import Node, NodeError
from x11vnc_desktop_session import last_words, realize_service, script, seen, start_argv, started

from remote_service.answers import Poll

DIRECTORY = "/tmp/x11-session-1"
ALWAYS = ["sh", "-s", "--", "-d", DIRECTORY, "-n", "Node #2", "-p", "5902"]
N8 = Node("render@n8")


def done(code: int, stdout: str = "", stderr: str = "") -> CompletedProcess[str]:
    return CompletedProcess([], code, stdout, stderr)


def argv(**options: Any) -> list[str]:
    return start_argv(DIRECTORY, Size(1600, 1200), "Node", 2, options)


def test_a_new_x_server_gets_the_size() -> None:
    assert argv() == [*ALWAYS, "-s", "1600x1200", "-l"]


def test_an_x_server_that_runs_gets_no_size() -> None:
    assert argv(display=":0") == [*ALWAYS, "-x", ":0", "-l"]
    assert argv(display=":0.1", xauthority="/run/xauth", host="n8")[-4:] == ["-x", ":0.1", "-a", "/run/xauth"]


def test_a_tunnel_needs_the_loopback_interface_only() -> None:
    assert argv(host="n8") == [*ALWAYS, "-s", "1600x1200"]
    assert argv(host="n8", tunnel=True) == [*ALWAYS, "-s", "1600x1200", "-l"]


def test_a_command_is_passed_on_as_it_is() -> None:
    assert argv(command=["paraview", "--stereo", "a b"])[-4:] == ["--", "paraview", "--stereo", "a b"]


@pytest.mark.parametrize("display", ["0", "n8:0", ":", ":0 -auth x", 0, True])
def test_it_refuses_a_display_that_cannot_be_one(display: object) -> None:
    with pytest.raises(ValueError) as caught:
        argv(display=display)
    assert str(caught.value) == f"the option display is {display!r}; expected an X display, such as ':0'"


@pytest.mark.parametrize("authority", ["", 5, False])
def test_it_refuses_an_authority_file_that_cannot_be_one(authority: object) -> None:
    with pytest.raises(ValueError) as caught:
        argv(display=":0", xauthority=authority)
    assert str(caught.value) == f"the option xauthority is {authority!r}; expected the path of a file"


def test_it_refuses_a_command_that_is_no_list() -> None:
    with pytest.raises(ValueError) as caught:
        argv(command="paraview")
    assert str(caught.value) == ("the option command is 'paraview'; expected a list of texts, such as ['one', 'two']")


def test_port_and_process_are_found_behind_what_a_login_shell_says() -> None:
    said = "Welcome to n8!\nX11-SESSION port=5903 pid=4711 display=:2\n"
    assert started(done(0, said), N8) == (5903, 4711)


def test_a_start_script_that_failed_is_quoted() -> None:
    with pytest.raises(NodeError) as caught:
        started(done(1, "", "a line\nstart_x11_server.sh: Xvfb did not start\n\n"), N8)
    assert str(caught.value) == "no desktop on n8 (exit code 1): start_x11_server.sh: Xvfb did not start"


def test_a_start_script_that_said_nothing_has_failed() -> None:
    with pytest.raises(NodeError) as caught:
        started(done(0, "hello\n"), N8)
    assert str(caught.value) == "no desktop on n8 (exit code 0): it said nothing"


@pytest.mark.parametrize(
    ("code", "poll"),
    [
        (0, Poll.alive()),
        (1, Poll.ended("x11vnc on n8 has ended")),
        (2, Poll.ended("x11vnc on n8 has ended")),
        (255, Poll.unknown("n8: ssh could not ask: Connection refused")),
        (127, Poll.unknown("n8: the look failed (127): Connection refused")),
    ],
)
def test_only_a_look_that_was_taken_says_that_it_ended(code: int, poll: Poll) -> None:
    assert seen(done(code, "", "Connection refused\n"), N8) == poll


def test_the_last_words_are_the_last_line_with_something_in_it() -> None:
    assert last_words(done(1, "out", "one\n two \n \n")) == "two"


@pytest.mark.parametrize("name", ["start_x11_server.sh", "stop_x11_server.sh"])
def test_the_shell_scripts_lie_beside_it(name: str) -> None:
    assert script(name).startswith("#!/bin/sh\n")


def test_a_successor_gets_what_it_needs_to_stop() -> None:
    service = realize_service("Node", 1, 0, {"host": "n8"})
    vars(service).update(_directory=DIRECTORY, _pid=4711)
    successor = realize_service("Node", 1, 0, {"host": "n8"})
    successor.load_state(service.get_state())
    assert (vars(successor)["_directory"], vars(successor)["_pid"]) == (DIRECTORY, 4711)


def test_a_session_that_never_started_is_stopped_already() -> None:
    assert realize_service("Node", 1, 0, {"host": "n8"}).stop()


def test_a_size_that_cannot_be_is_refused_before_the_start() -> None:
    service = realize_service("Node", 1, 0, {})
    assert service.validate_options({"size": "1280x1024"}) is None
    assert service.validate_options({"size": "9x9"}) == (
        "the screen size is '9x9'; expected sides from 16 to 16384 pixels"
    )
