"""Whose a process is that holds a socket; families of processes are played, this process's own sockets are real."""

from __future__ import annotations

import os
import socket

import pytest

from remote_service.hosting import holders
from remote_service.hosting.holders import Belonging, belonging_of, holder_of, uid_of
from remote_service.hosting.processes import NO_SESSION, Process

SESSION = "12345678-9abc-4def-8123-456789abcdef"
OTHER = "87654321-9abc-4def-8123-456789abcdef"
ACCOUNT, STRANGER = 999, 1001
GATEWAY, HOST, RUNNER, PROGRAM = 100, 200, 300, 400
Family = dict[int, tuple[int, int, str]]
"""pid to its parent, its uid and its marker."""

FAMILY: Family = {
    1: (0, 0, ""),
    GATEWAY: (1, 0, ""),
    HOST: (GATEWAY, ACCOUNT, NO_SESSION),
    RUNNER: (HOST, ACCOUNT, SESSION),
    PROGRAM: (RUNNER, ACCOUNT, ""),
}


def play(monkeypatch: pytest.MonkeyPatch, family: Family) -> None:
    monkeypatch.setattr(holders, "look", lambda pid: Process(pid, family[pid][0], "S", 1) if pid in family else None)
    monkeypatch.setattr(holders, "uid_of", lambda pid: family[pid][1])
    monkeypatch.setattr(holders, "marker_of", lambda pid: family[pid][2])


@pytest.mark.parametrize(
    ("pid", "more", "whose"),
    [
        (RUNNER, {}, Belonging(SESSION)),
        (PROGRAM, {}, Belonging(SESSION)),
        (500, {500: (PROGRAM, ACCOUNT, OTHER)}, Belonging(OTHER)),
        # Root's, by sudo: what runs as another account belongs to the session by its parents.
        (500, {500: (PROGRAM, 0, "")}, Belonging(SESSION)),
        (500, {500: (1, STRANGER, SESSION)}, Belonging()),
        (500, {500: (1, STRANGER, "")}, Belonging()),
        (500, {500: (1, ACCOUNT, "")}, Belonging()),
        (GATEWAY, {}, Belonging(gateway=True)),
        (500, {500: (GATEWAY, 0, "")}, Belonging(gateway=True)),
        # What a script started when it was loaded serves every session of its type.
        (500, {500: (HOST, ACCOUNT, "")}, Belonging()),
        # The gateway itself was started in somebody's session.
        (GATEWAY, {GATEWAY: (1, ACCOUNT, SESSION)}, Belonging(gateway=True)),
        (0, {}, Belonging()),
        (12345, {}, Belonging()),
    ],
)
def test_a_process_belongs_to_the_nearest_of_its_line(
    monkeypatch: pytest.MonkeyPatch, pid: int, more: Family, whose: Belonging
) -> None:
    play(monkeypatch, {**FAMILY, **more})
    assert belonging_of(pid, ACCOUNT, {GATEWAY}) == whose


def test_a_line_that_leads_round_in_a_circle_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, {10: (11, STRANGER, ""), 11: (10, STRANGER, "")})
    assert belonging_of(10, ACCOUNT, {GATEWAY}) == Belonging()


def test_the_holder_of_a_socket_is_found() -> None:
    with socket.socket() as ours:
        inode = os.fstat(ours.fileno()).st_ino
        assert holder_of(inode) == os.getpid()
        assert holder_of(inode, os.getpid()) == os.getpid()
        assert holder_of(inode, likely=1) == os.getpid()
    assert holder_of(inode) is None


def test_a_process_has_the_uid_that_it_runs_as() -> None:
    assert uid_of(os.getpid()) == os.geteuid()
    assert uid_of(2**22 + 1) is None
