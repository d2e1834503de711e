"""`serve --workers`: which of its processes may die or be renewed, and what users notice of it."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.integration.conftest import BRIEF, SESSIONS, SMALL
from tests.integration.leftovers import command, lives, marked
from tests.integration.live import LiveServer
from tests.integration.pages import fetch, opener
from tests.waiting import eventually

PARTS = {"supervisor": "serve_part supervisor", "relay": "relay_process", "pages": "serve_part pages"}
ECHO = {**SESSIONS["Echo"], "limits": {**BRIEF, "reconnect": 60}}


@pytest.fixture
def crew(site_template: Path) -> Iterator[LiveServer]:
    """A site that two processes serve pages of."""
    server = LiveServer(
        site_template,
        {"Echo": ECHO, "Pattern": {"script": "test_pattern.py", "count": 2, "options": SMALL}},
    )
    try:
        server.start("--workers", "2")
        yield server
    finally:
        server.clean_up()


def processes(site: LiveServer, part: str) -> list[psutil.Process]:
    """The processes that do this part."""
    children = psutil.Process(site.pid).children()
    return [child for child in children if PARTS[part] in command(child)]


def pids(*sessions: str) -> set[int]:
    """The sessions' processes."""
    return {process.pid for process in marked(*sessions)}


def run(crew: LiveServer, *types: str) -> list[str]:
    """Alice's new sessions, of which all that they consist of is there."""
    sessions = [crew.launch("alice", name) for name in types]
    eventually(lambda: {row.state for row in crew.rows()} == {"running"}, within=10)
    return sessions


def echoes(viewer: object, data: bytes) -> None:
    viewer.send(data)  # type: ignore[attr-defined]
    assert viewer.recv(20) == data  # type: ignore[attr-defined]


@contextmanager
def comes_back(crew: LiveServer, session: str) -> Iterator[object]:
    """Comes until she is let in, as her page does: who comes while the relay ends may be cut off with it."""
    with ExitStack() as opened:

        def let_in() -> object | None:
            try:
                return opened.enter_context(crew.open_page("alice", session))
            except InvalidHandshake:
                return None

        yield eventually(let_in, within=10)


def test_each_part_is_a_process_and_only_the_relay_holds_screens(crew: LiveServer) -> None:
    session = crew.launch("alice", "Echo")
    with crew.open_page("alice", session) as viewer:
        echoes(viewer, b"hello")

        assert {part: len(processes(crew, part)) for part in PARTS} == {"supervisor": 1, "relay": 1, "pages": 2}
        port = viewer.socket.getsockname()[1]
        holders = [
            part
            for part in PARTS
            for process in processes(crew, part)
            for connection in process.net_connections("tcp4")
            if connection.raddr and connection.raddr.port == port
        ]
        assert holders == ["relay"]


def test_pages_that_die_or_are_renewed_cost_nobody_a_screen(crew: LiveServer) -> None:
    session = crew.launch("alice", "Echo")
    with crew.open_page("alice", session) as viewer:
        before = processes(crew, "pages")
        for page in before:
            page.kill()
        eventually(lambda: len(processes(crew, "pages")) == 2 and not any(lives(page) for page in before), within=20)
        echoes(viewer, b"still here")
        eventually(lambda: "the pages-1 process has died (signal 9); it is started again in 0.2 s" in crew.output)
        eventually(crew.answers, within=20)

        # One after the other, so that somebody answers all the while.
        before, failed = processes(crew, "pages"), []
        renewed = threading.Event()

        def ask() -> None:
            while not renewed.is_set():
                if fetch(opener(), f"{crew.url}/healthz").status != 200:
                    failed.append(1)

        asking = threading.Thread(target=ask)
        asking.start()
        os.kill(crew.pid, signal.SIGUSR2)
        eventually(lambda: len({p.pid for p in processes(crew, "pages")} - {p.pid for p in before}) == 2, within=30)
        renewed.set()
        asking.join()
        assert failed == []
        echoes(viewer, b"and still here")
        assert crew.get("alice", f"/sessions/{session}/").status == 200


def test_a_relay_that_is_killed_is_there_again_and_viewers_find_their_session(crew: LiveServer) -> None:
    session = crew.launch("alice", "Echo")
    with crew.open_page("alice", session) as viewer:
        echoes(viewer, b"hello")
        (relay,) = processes(crew, "relay")
        relay.kill()
        with pytest.raises(ConnectionClosed):
            viewer.recv(20)

    with comes_back(crew, session) as viewer:
        echoes(viewer, b"hello again")
    assert [row.state for row in crew.rows()] == ["running"]


def test_a_relay_that_is_asked_to_end_says_that_it_comes_again(crew: LiveServer) -> None:
    session = crew.launch("alice", "Echo")
    with crew.open_page("alice", session) as viewer:
        echoes(viewer, b"hello")
        processes(crew, "relay")[0].terminate()
        with pytest.raises(ConnectionClosed) as end:
            viewer.recv(20)
        assert end.value.rcvd is not None
        assert (end.value.rcvd.code, end.value.rcvd.reason) == (1012, "The server was stopped.")

    with comes_back(crew, session) as viewer:
        echoes(viewer, b"hello again")


def test_a_supervisor_that_is_killed_costs_nobody_anything(crew: LiveServer) -> None:
    session, other = run(crew, "Echo", "Pattern")
    before = pids(session, other)
    with crew.open_page("alice", session) as viewer:
        echoes(viewer, b"hello")
        (supervisor,) = processes(crew, "supervisor")
        supervisor.kill()
        # While there is none a screen needs none.
        echoes(viewer, b"still here")

        eventually(lambda: crew.output.count("found again") == 2, within=20)
        echoes(viewer, b"and still here")
        assert pids(session, other) == before
        assert [row.state for row in crew.rows()] == ["running", "running"]
        # Its successor is asked what viewers may do, and does what it is asked.
        crew.stop_session("alice", session)
        with pytest.raises(ConnectionClosed) as end:
            while True:
                viewer.recv(20)
        assert end.value.rcvd is not None
        assert (end.value.rcvd.code, end.value.rcvd.reason) == (1000, "It was stopped by its user.")
    assert crew.query("SELECT epoch FROM remote_service_lease") == [(2,)]


@pytest.mark.parametrize("how", ["SIGINT", "rest"])
def test_the_end_of_one_is_the_end_of_all(site_template: Path, how: str) -> None:
    crew = LiveServer(site_template, {"Echo": ECHO}, REMOTE_SERVICE_REST_STOP="1")
    try:
        crew.start("--workers", "2")
        crew.launch("alice", "Echo")
        members = psutil.Process(crew.pid).children(recursive=True)

        if how == "rest":
            began = time.monotonic()
            assert crew.rest("/v1/stop").body == {"stopping": True}
            ended = crew.wait_for_end(began)
        else:
            ended = crew.stop()

        assert ended.status == 0, crew.output
        assert [member for member in members if lives(member)] == []
        assert not (crew.state / "crew").exists()
        assert [(row.state, row.end_reason) for row in crew.rows()] == [("ended", "server_stopped")]
    finally:
        crew.clean_up()


def test_one_who_has_the_secret_of_the_rest_cannot_stop_several_processes(crew: LiveServer) -> None:
    assert crew.rest("/v1/stop") == (
        403,
        {
            "error": "rest_closed",
            "message": "The REST interface may not stop this server. Stop it on its machine, or start it with "
            "REMOTE_SERVICE_REST_STOP=1, which is the default where one process does everything.",
        },
    )
    assert crew.answers()


def test_when_it_leaves_the_next_start_goes_on_with_its_sessions(crew: LiveServer) -> None:
    (session,) = run(crew, "Echo")
    before = pids(session)
    members = [member for part in PARTS for member in processes(crew, part)]
    with crew.open_page("alice", session) as viewer:
        echoes(viewer, b"hello")
        assert crew.leave().status == 0
        with pytest.raises(ConnectionClosed) as end:
            viewer.recv(20)
        assert end.value.rcvd is not None
        assert end.value.rcvd.code == 1012
    assert [member for member in members if lives(member)] == []
    assert [row.state for row in crew.rows()] == ["running"]

    crew.start("--workers", "2")

    with crew.open_page("alice", session) as viewer:
        echoes(viewer, b"hello again")
        # Who was sent away by it counts as cut off: it did not close the page.
        eventually(lambda: crew.query("SELECT ending FROM remote_service_viewer ORDER BY id")[0] == ("cut",), within=20)
    assert pids(session) == before


def test_when_the_first_is_killed_none_is_left_and_the_next_start_goes_on_with_its_sessions(crew: LiveServer) -> None:
    (session,) = run(crew, "Echo")
    before = pids(session)
    members = [member for part in PARTS for member in processes(crew, part)]

    crew.kill()

    eventually(lambda: not any(lives(member) for member in members), within=10)
    assert pids(session) == before
    crew.start("--workers", "2")
    with crew.open_page("alice", session) as viewer:
        echoes(viewer, b"hello again")
    assert pids(session) == before


def test_it_may_change_between_one_process_and_several(crew: LiveServer) -> None:
    (session,) = run(crew, "Echo")
    before = pids(session)
    crew.leave()

    crew.start()

    with crew.open_page("alice", session) as viewer:
        echoes(viewer, b"hello again")
    assert pids(session) == before


def test_figures_are_those_of_every_process_and_the_site_is_ready(crew: LiveServer) -> None:
    session = crew.launch("alice", "Echo")
    with crew.open_page("alice", session) as viewer:
        echoes(viewer, b"hello")
        figures = fetch(opener(), f"{crew.url}/metrics").text

    assert re.findall(r'^remote_session_viewers\{process="(.+)"\} 1\.0$', figures, re.MULTILINE) == ["relay"]
    assert 'remote_session_relayed_bytes_total{direction="from_viewers",process="relay"} 5.0' in figures
    lags = re.findall(r'^remote_session_event_loop_lag_seconds_count\{process="(.+)"\}', figures, re.MULTILINE)
    assert sorted(lags) == ["pages-1", "pages-2", "relay", "supervisor"]
    assert 'remote_session_sessions{state="running"} 1.0' in figures
    eventually(lambda: json.loads(fetch(opener(), f"{crew.url}/readyz").text) == {"ready": True})
