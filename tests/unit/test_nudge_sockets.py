"""Nudges between processes as datagrams; each listener has a socket in a directory of the test."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

from remote_service.nudge_sockets import listening, post
from tests.waiting import eventually_async

ABOUT = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"


class Ears:
    """Remembers what every nudge was about, and who sent those that name a sender."""

    def __init__(self, heard: list[str]) -> None:
        self._heard = heard

    def __call__(self, about: str, sender: str) -> None:
        self._heard.append(f"{about} by {sender}" if sender else about)


async def test_a_nudge_says_who_sent_it_where_that_matters(tmp_path: Path) -> None:
    heard: list[str] = []
    with listening(tmp_path, "gateways", Ears(heard)):
        post(tmp_path, "gateways", ABOUT, "me")
        post(tmp_path, "gateways", "", "me")
        await eventually_async(lambda: heard == [f"{ABOUT} by me", " by me"])


async def test_a_nudge_is_heard_by_all_of_its_group_and_by_no_other(tmp_path: Path) -> None:
    one: list[str] = []
    other: list[str] = []
    stranger: list[str] = []
    with (
        listening(tmp_path, "gateways", Ears(one)),
        listening(tmp_path, "gateways", Ears(other)),
        listening(tmp_path, "supervisor", Ears(stranger)),
    ):
        post(tmp_path, "gateways", ABOUT)
        post(tmp_path, "gateways", "")
        await eventually_async(lambda: one == other == [ABOUT, ""])
    assert stranger == []


async def test_where_nobody_listens_nothing_happens(tmp_path: Path) -> None:
    post(tmp_path, "gateways", ABOUT)
    post(tmp_path / "none", "gateways", ABOUT)


async def test_who_listens_no_more_is_gone(tmp_path: Path) -> None:
    with listening(tmp_path, "gateways", lambda _about, _sender: None):
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


async def test_what_a_killed_process_left_is_cleared_away_and_the_others_hear(tmp_path: Path) -> None:
    left = tmp_path / "gateways.1.1"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as killed:
        killed.bind(str(left))
    heard: list[str] = []
    with listening(tmp_path, "gateways", Ears(heard)):
        post(tmp_path, "gateways", ABOUT)
        await eventually_async(lambda: heard == [ABOUT])
        assert not left.exists()


async def test_what_a_killed_process_left_is_cleared_away_by_its_successor(tmp_path: Path) -> None:
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    left, others = tmp_path / f"supervisor.{gone.pid}.1", tmp_path / f"gateways.{gone.pid}.1"
    living = tmp_path / f"supervisor.{os.getpid()}.0"
    for path in (left, others, living):
        path.touch()
    with listening(tmp_path, "supervisor", lambda _about, _sender: None):
        assert (left.exists(), others.exists(), living.exists()) == (False, True, True)


async def test_one_that_does_not_keep_up_holds_nobody_back_and_looks_all_the_same(tmp_path: Path) -> None:
    heard: list[str] = []
    with listening(tmp_path, "gateways", Ears(heard)):
        for _ in range(5000):
            post(tmp_path, "gateways", ABOUT)
        await eventually_async(lambda: heard)
    assert 0 < len(heard) < 5000


async def test_a_path_of_any_length_will_do(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    heard: list[str] = []
    with listening(deep, "gateways", Ears(heard)):
        post(deep, "gateways", ABOUT)
        await eventually_async(lambda: heard == [ABOUT])
