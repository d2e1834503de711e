"""The supervisor with real script hosts, runners and a database: what it does from a launch to its own end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from remote_service import catalogue, supervisor
from remote_service.conf import GatewaySettings
from remote_service.hosting.account import AccountError
from remote_service.hosting.client import ScriptHost
from remote_service.leftovers import socket_path
from remote_service.models import Session, SessionType, Site, Viewer
from remote_service.states import EndReason, State
from remote_service.supervision import term
from remote_service.supervision.operations import Patience
from tests.integration.probe_site import SLOW_IMPORT, ProbeSite, probe_site
from tests.waiting import eventually_async


@pytest.fixture(autouse=True)
def _in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks come faster than usual, so that timeouts of tenths of seconds mean something."""
    monkeypatch.setattr(supervisor, "TICK", 0.05)


@pytest.fixture
async def site(
    session_account: GatewaySettings, settings: Any, tmp_path: Path, transactional_db: None
) -> AsyncIterator[ProbeSite]:
    async with probe_site(settings, tmp_path) as made:
        yield made


# ---- a session's way --------------------------------------------------------------------------------------


async def test_a_session_is_launched_runs_and_is_stopped(site: ProbeSite) -> None:
    await site.start()
    session = await site.launch(mark="blue", password="secret12")
    session = await site.until(session, State.RUNNING)
    assert session.endpoint is not None
    assert session.endpoint.path.endswith("/probe.sock")
    assert session.running_at is not None
    assert all((session.sealed_token, session.sealed_password, session.sealed_script_state))
    assert site.calls == ["start 0 blue"]

    await site.ask_to_stop(session, EndReason.STAFF, "Maintenance.")
    session = await site.until(session)
    assert (session.state, session.ending) == (State.ENDED, "It was stopped by staff. Maintenance.")
    assert (session.sealed_token, session.sealed_password, session.sealed_script_state) == ("", "", "")
    assert session.quarantined is False
    assert site.calls == ["start 0 blue", "stop 0 blue"]
    assert await site.history(session) == [
        ("reserved", ""),
        ("start asked", ""),
        ("launch", "It is wanted."),
        ("reach", f"It can be reached at {session.endpoint}."),
        ("stop asked", "It was stopped by staff. Maintenance."),
        ("stop", "It was stopped by staff. Maintenance."),
        ("finish", "It was stopped by staff. Maintenance."),
    ]
    await eventually_async(lambda: site.left(session) == [])
    assert not Path(session.endpoint.path).parent.exists()


async def test_nothing_starts_before_it_is_wanted_and_a_released_reservation_starts_nothing(site: ProbeSite) -> None:
    await site.start()
    session = await site.reserve()
    other = await site.run()
    await site.ask_to_stop(session, EndReason.RELEASED)
    session = await site.until(session)
    assert (session.state, session.ending) == (State.ENDED, "It was released.")
    assert site.calls == [f"start {other.index}"]
    assert site.left(session) == []


async def test_a_start_that_raises_fails_with_the_reason_and_is_stopped_once(site: ProbeSite) -> None:
    await site.start()
    session = await site.until(await site.launch(start="raise"))
    assert (session.state, session.end_reason) == (State.FAILED, EndReason.START_FAILED)
    assert session.ending == "It could not be started. start() raised RuntimeError: no licence."
    assert site.calls == ["start 0", "stop 0"]
    await eventually_async(lambda: site.left(session) == [])


async def test_a_start_that_returns_something_false_is_not_stopped(site: ProbeSite) -> None:
    await site.start()
    session = await site.until(await site.launch(start="refuse"))
    assert session.state == State.FAILED
    assert session.ending == "It could not be started. start() returned False."
    assert site.calls == ["start 0"]


async def test_a_start_can_be_called_off(site: ProbeSite) -> None:
    await site.start()
    session = await site.launch(start="hang")
    await eventually_async(lambda: site.calls == ["start 0"])
    await site.ask_to_stop(session)
    session = await site.until(session)
    assert (session.state, session.ending) == (State.ENDED, "It was stopped by its user.")
    assert site.calls == ["start 0", "stop 0"]


async def test_a_script_whose_process_ends_again_and_again_before_it_can_be_reached_fails(site: ProbeSite) -> None:
    await site.start()
    session = await site.launch(start="wait")
    await eventually_async(lambda: site.calls == ["start 0"])
    site.touch("die")
    session = await site.until(session)
    assert (session.state, session.end_reason) == (State.FAILED, EndReason.START_FAILED)
    assert session.ending.startswith("It could not be started. The script's process ended again and again, ")


async def test_a_program_that_ended_ends_its_session(site: ProbeSite) -> None:
    await site.start()
    session = await site.run()
    site.touch("ended")
    session = await site.until(session)
    assert (session.state, session.ending) == (State.ENDED, "Its program ended. Its window was closed.")
    assert site.calls == ["start 0", "stop 0"]


async def test_what_a_script_says_of_its_progress_stands_in_the_row(site: ProbeSite) -> None:
    await site.start()
    session = await site.launch(start="wait", progress="The node boots.")

    async def progress() -> str:
        return (await Session.objects.aget(pk=session.pk)).progress

    assert await eventually_async(progress) == "The node boots."


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"reservation_timeout": 0.2}, EndReason.NEVER_VIEWED),
        ({"max_lifetime": 0.2}, EndReason.LIFETIME),
        ({"idle_timeout": 0.2}, EndReason.IDLE),
    ],
)
async def test_a_limit_ends_a_session_that_runs(site: ProbeSite, limits: dict[str, float], reason: EndReason) -> None:
    site.write(Probe={"limits": limits})
    await site.start()
    session = await site.until(await site.launch())
    assert (session.state, session.end_reason) == (State.ENDED, reason)
    assert site.calls == ["start 0", "stop 0"]


async def test_a_reservation_that_nobody_uses_ends(site: ProbeSite) -> None:
    site.write(Probe={"limits": {"reservation_timeout": 0.2}})
    await site.start()
    session = await site.until(await site.reserve())
    assert (session.state, session.end_reason) == (State.ENDED, EndReason.RESERVATION_EXPIRED)
    assert site.calls == []


@pytest.mark.parametrize(
    ("limits", "ending"),
    [
        ({"linger": 0.2, "reconnect": None}, Viewer.Ending.CLEAN),
        ({"linger": None, "reconnect": 0.2}, Viewer.Ending.CUT),
    ],
)
async def test_a_session_ends_after_its_last_viewer_left(
    site: ProbeSite, limits: dict[str, float | None], ending: str
) -> None:
    site.write(Probe={"limits": limits})
    await site.start()
    session = await site.run()
    viewer = await Viewer.objects.acreate(session=session)
    await Viewer.objects.filter(pk=viewer.pk).aupdate(closed_at=timezone.now(), ending=ending)
    session = await site.until(session)
    assert (session.state, session.end_reason) == (State.ENDED, EndReason.LAST_VIEWER)


# ---- the sessions file ------------------------------------------------------------------------------------


async def types() -> list[str]:
    return [found.name async for found in SessionType.objects.all()]


async def test_a_reload_is_asked_for_by_a_row(site: ProbeSite) -> None:
    await site.start()
    session = await site.run()
    site.write(Other={"count": 1}, Third={})
    done = await site.reloaded(await site.ask_to_reload())
    assert done.problems == []
    assert await types() == ["Other", "Third"]
    assert (await site.run("Other")).index == 0
    assert (await Session.objects.aget(pk=session.pk)).state == State.RUNNING
    await site.ask_to_stop(session)
    await site.until(session, State.ENDED)
    assert site.calls == ["start 0", "start 0", "stop 0"]


async def test_a_reload_is_asked_for_by_a_signal(site: ProbeSite) -> None:
    running = await site.start()
    site.write(Other={})
    running.reload()

    async def published() -> bool:
        return await types() == ["Other"]

    await eventually_async(published)


async def test_a_broken_file_leaves_the_types_as_they_were(site: ProbeSite) -> None:
    await site.start()
    site.settings.sessions_file.write_text("{")
    done = await site.reloaded(await site.ask_to_reload())
    assert [problem["code"] for problem in done.problems] == ["E008"]
    assert await types() == ["Probe"]
    await site.run()


async def test_a_type_whose_script_is_broken_is_left_out(site: ProbeSite) -> None:
    (site.directory / "broken.py").write_text("raise RuntimeError('no licence')\n")
    site.write(Broken={"script": "broken.py"}, Probe={})
    await site.start()
    done = await Site.objects.aget(pk=1)
    assert [(problem["entry"], problem["code"]) for problem in done.problems] == [("Broken", "E041")]
    assert await types() == ["Probe"]


async def test_a_script_that_takes_its_time_at_import_keeps_no_session_waiting(site: ProbeSite) -> None:
    await site.start()
    (site.directory / "slow.py").write_text(SLOW_IMPORT)
    site.write(Slow={"script": "slow.py"}, Probe={})
    generation = await site.ask_to_reload()
    await eventually_async((site.directory / "importing").exists)
    await site.run()
    site.touch("go")
    await site.reloaded(generation)
    assert await types() == ["Slow", "Probe"]
    await site.run("Slow")


@pytest.mark.parametrize("error", [AccountError("the account has gone"), OSError(24, "Too many open files")])
async def test_a_reload_that_is_not_possible_leaves_everything_as_it_was(
    site: ProbeSite, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    await site.start()

    def refuse(_wanted: str) -> None:
        raise error

    monkeypatch.setattr(catalogue, "session_account", refuse)
    await site.reloaded(await site.ask_to_reload())
    assert await types() == ["Probe"]
    await site.run()
    logged = ("remote_service.supervisor", logging.ERROR, f"the sessions file is not read again: {error}")
    assert caplog.record_tuples.count(logged) == 1


async def test_without_the_account_for_scripts_it_does_not_start(
    site: ProbeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_wanted: str) -> None:
        raise AccountError("there is no account")

    monkeypatch.setattr(catalogue, "session_account", refuse)
    task = site.running.pop(site.begin())
    with pytest.raises(AccountError, match=r"^there is no account$"):
        await task


# ---- its own end ------------------------------------------------------------------------------------------


async def test_it_stops_all_sessions_side_by_side_each_once(site: ProbeSite) -> None:
    site.write(Probe={"count": 9})
    running = await site.start()
    sessions = [await site.run(**{"stop takes": "0.5"}) for _ in range(4)]
    starting, reserved = await site.launch(start="hang"), await site.reserve()
    await eventually_async(lambda: len(site.calls) == 5)
    began = time.monotonic()
    await site.end(running)
    assert time.monotonic() - began < 2.0
    for session in (*sessions, starting, reserved):
        ended = await Session.objects.aget(pk=session.pk)
        assert (ended.state, ended.ending) == (State.ENDED, "The server was stopped.")
        await eventually_async(lambda session=session: site.left(session) == [])
    assert sorted(site.calls[5:]) == [f"stop {index}" for index in range(5)]


async def test_it_waits_for_what_is_under_way_when_it_is_stopped(site: ProbeSite) -> None:
    running = await site.start()
    stopping, launched = await site.run(**{"stop takes": "0.3"}), await site.launch()
    await site.ask_to_stop(stopping)
    await site.until(stopping, State.STOPPING)
    await site.end(running)
    ended = await Session.objects.aget(pk=stopping.pk)
    assert (ended.state, ended.end_reason) == (State.ENDED, EndReason.USER)
    assert (await Session.objects.aget(pk=launched.pk)).over
    # The other one may have been launched or not: what was started is stopped once.
    assert sorted(site.calls) in (["start 0", "stop 0"], ["start 0", "start 1", "stop 0", "stop 1"])


async def test_a_stop_that_hangs_does_not_keep_it_beyond_five_seconds_and_quarantines_the_slot(
    site: ProbeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(term, "SHUTDOWN", Patience(stop=0.3, interrupt=0.1))
    running = await site.start()
    session = await site.run(stop="hang")
    began = time.monotonic()
    await site.end(running)
    assert time.monotonic() - began < 3.0
    ended = await Session.objects.aget(pk=session.pk)
    assert (ended.state, ended.quarantined) == (State.ENDED, True)
    assert ("quarantined", "stop() did not return in time, so nobody knows what it left") in await site.history(session)
    await eventually_async(lambda: site.left(session) == [])


async def test_what_is_not_over_in_time_is_left_to_the_next_start(
    site: ProbeSite, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(supervisor, "SHUTDOWN_PATIENCE", 0.2)
    monkeypatch.setattr(term, "SHUTDOWN", Patience(stop=5.0, interrupt=0.1))
    running = await site.start()
    session = await site.run(**{"stop takes": "1"})
    await site.end(running)
    assert (await Session.objects.aget(pk=session.pk)).state == State.STOPPING
    assert (
        "remote_service.supervisor",
        logging.WARNING,
        "some sessions were not over after 0.2 s; the next start ends them",
    ) in caplog.record_tuples
    await site.start()
    ended = await site.until(session)
    assert (ended.state, ended.end_reason) == (State.ENDED, EndReason.SERVER_STOPPED)
    assert site.calls == ["start 0", "stop 0"]


async def test_it_can_be_stopped_while_it_loads_for_the_first_time(site: ProbeSite) -> None:
    (site.directory / "slow.py").write_text(SLOW_IMPORT)
    site.write(Probe={}, Slow={"script": "slow.py"})
    running = site.begin()
    await eventually_async((site.directory / "importing").exists)
    began = time.monotonic()
    await site.end(running)
    assert time.monotonic() - began < 3.0
    assert not running.ready.is_set()
    assert await types() == []
    site.touch("go")


async def test_it_can_be_stopped_while_it_loads_again(site: ProbeSite) -> None:
    running = await site.start()
    session = await site.run()
    (site.directory / "slow.py").write_text(SLOW_IMPORT)
    site.write(Slow={"script": "slow.py"})
    await site.ask_to_reload()
    await eventually_async((site.directory / "importing").exists)
    began = time.monotonic()
    await site.end(running)
    assert time.monotonic() - began < 3.0
    assert (await Session.objects.aget(pk=session.pk)).state == State.ENDED
    assert await types() == ["Probe"]
    site.touch("go")


async def test_script_hosts_that_are_being_replaced_are_ended_before_it_stops(
    site: ProbeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    closing, go_on, closed = asyncio.Event(), asyncio.Event(), []
    close = ScriptHost.close

    async def slowly(host: ScriptHost) -> None:
        closing.set()
        await go_on.wait()
        await close(host)
        closed.append(host)

    monkeypatch.setattr(ScriptHost, "close", slowly)
    running = await site.start()
    site.write(Other={})
    running.reload()
    await asyncio.wait_for(closing.wait(), 10)
    running.end()
    go_on.set()
    await site.running[running]
    assert len(closed) == 2, "the replaced one and the one that serves"


async def test_the_runners_sockets_are_in_the_state_directory_and_ours_alone(site: ProbeSite) -> None:
    await site.start()
    session = await site.run()
    path = socket_path(site.settings.run_dir, str(session.pk))
    assert path.parent == site.settings.state_dir / "run"
    assert oct(path.stat().st_mode & 0o777) == "0o600"
