"""The pure parts of the desktop script: command lines, files, options."""

from __future__ import annotations

import os
import shlex
import stat
import time
from pathlib import Path

import pytest
from desktop_session import (
    display_of,
    no_display,
    port_argv,
    programs_of,
    read_display,
    realize_service,
    server_argv,
    socket_argv,
    write_private,
    xauthority,
)
from screen_size import Size

AUTHORITY = Path("/s/xauthority")


def everything(name: str) -> str:
    return f"/usr/bin/{name}"


def nothing(name: str) -> None:
    return None


def test_the_server_takes_a_free_display_and_lets_nobody_in_without_the_cookie() -> None:
    assert server_argv("Desktop #0", Size(1600, 1200), None, AUTHORITY, ["-x"]) == [
        *("Xtigervnc", "-desktop", "Desktop #0", "-geometry", "1600x1200", "-depth", "24"),
        *("-auth", "/s/xauthority"),
        *("-nolisten", "tcp", "-noreset", "-AlwaysShared", "-x"),
    ]


def test_the_server_takes_the_display_that_is_given() -> None:
    assert server_argv("", Size(16, 16), 107, AUTHORITY, [])[:2] == ["Xtigervnc", ":107"]


def test_a_socket_has_no_port_beside_it() -> None:
    assert socket_argv(Path("/s/vnc.sock")) == [
        *("-SecurityTypes", "None", "-rfbport", "-1"),
        *("-rfbunixpath", "/s/vnc.sock", "-rfbunixmode", "0600"),
    ]


def test_a_port_is_on_the_loopback_interface_and_behind_a_password() -> None:
    assert port_argv(6001, Path("/s/passwd")) == [
        *("-rfbport", "6001", "-localhost"),
        *("-SecurityTypes", "VncAuth", "-PasswordFile", "/s/passwd", "-UseBlacklist=0"),
    ]


def test_the_desktop_has_a_window_manager_a_clipboard_and_a_terminal() -> None:
    background, clipboard, manager = programs_of(None, everything)
    assert (background[0], clipboard) == ("xsetroot", ["vncconfig", "-nowin"])
    assert manager[:2] == ["openbox", "--startup"] and shlex.split(manager[2])[0] == "xterm"


def test_programs_that_are_not_installed_are_left_out() -> None:
    assert programs_of(None, nothing) == []


def test_the_command_takes_the_terminals_place() -> None:
    command = ["paraview", "--title", "a 'b' c"]
    assert shlex.split(programs_of(command, everything)[-1][2]) == command


def test_without_a_window_manager_the_command_is_started_alone() -> None:
    command = ["paraview", "--stereo"]
    assert programs_of(command, lambda name: name == "paraview") == [command]


@pytest.mark.parametrize("command", ["xterm -ls", [], ["xterm", 5], {"xterm": 1}, False])
def test_it_refuses_a_command_that_is_no_list_of_texts(command: object) -> None:
    with pytest.raises(ValueError) as caught:
        programs_of(command, everything)
    assert str(caught.value) == (
        f"the option command is {command!r}; expected a list of texts, such as ['xterm', '-ls']"
    )


def test_it_refuses_a_command_that_is_not_installed() -> None:
    with pytest.raises(ValueError) as caught:
        programs_of(["paraview"], nothing)
    assert str(caught.value) == "the option command names 'paraview', and there is no such program here"


def test_the_display_is_the_base_plus_the_index() -> None:
    assert display_of(100, 3) == 103
    assert display_of(0, 0) == 0
    assert display_of(None, 3) is None


@pytest.mark.parametrize("base", ["100", True, -1, 1.5, 60001])
def test_it_refuses_a_base_that_is_no_display(base: object) -> None:
    with pytest.raises(ValueError) as caught:
        display_of(base, 0)
    assert str(caught.value) == f"the option display_base is {base!r}; expected a whole number, such as 100"


def test_it_says_why_there_is_no_desktop() -> None:
    assert no_display(None, 2) == "Xtigervnc did not start; what it said itself is above"
    assert no_display(102, 2) == (
        "Xtigervnc did not start on display :102 (display_base 100 + index 2); when it is taken, choose "
        "another display_base, or leave the option out and any free display is used"
    )


def test_the_display_is_read_up_to_its_newline_even_in_pieces() -> None:
    reader, writer = os.pipe()
    with open(reader, "rb", buffering=0) as pipe, open(writer, "wb", buffering=0) as end:
        end.write(b"1")
        end.write(b"07\n")
        assert read_display(pipe.fileno(), time.monotonic() + 5) == 107


@pytest.mark.parametrize("written", [b"", b"10"])
def test_a_server_that_died_gave_no_display(written: bytes) -> None:
    reader, writer = os.pipe()
    with open(reader, "rb", buffering=0) as pipe:
        os.write(writer, written)
        os.close(writer)
        assert read_display(pipe.fileno(), time.monotonic() + 5) is None


def test_a_server_that_says_nothing_is_not_waited_for_after_the_deadline() -> None:
    reader, writer = os.pipe()
    with open(reader, "rb", buffering=0) as pipe, open(writer, "wb", buffering=0):
        assert read_display(pipe.fileno(), time.monotonic() - 1) is None


def test_the_authority_file_is_for_every_display() -> None:
    cookie = bytes(range(16))
    assert xauthority(cookie) == b"\xff\xff\0\0\0\0\0\x12MIT-MAGIC-COOKIE-1\0\x10" + cookie


def test_a_private_file_is_new_and_only_its_owners(tmp_path: Path) -> None:
    path = tmp_path / "passwd"
    write_private(path, b"secret")
    assert path.read_bytes() == b"secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        write_private(path, b"other")


def test_a_size_that_cannot_be_is_refused_before_the_start() -> None:
    service = realize_service("Desktop", 1, 0, {})
    assert service.validate_options({"size": "1280x1024"}) is None
    assert service.validate_options({}) is None
    assert service.validate_options({"size": "huge"}) == (
        "the screen size is 'huge'; expected width x height in pixels, such as '1600x1200'"
    )


def test_a_service_starts_nothing_and_knows_its_slot() -> None:
    service = realize_service("Desktop", 3, 2, {"display_base": 100})
    assert (service.name, service.count, service.index) == ("Desktop", 3, 2)
    assert service.common_options == {"display_base": 100}
    assert service.stop()
