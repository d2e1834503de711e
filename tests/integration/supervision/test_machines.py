"""Sessions of another machine, of a clone, of another container; and of this one before it was started again."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import replace

import pytest

from remote_service.hosting.machine import here
from remote_service.hosting.whereabouts import Whereabouts
from remote_service.leftovers import socket_path
from remote_service.models import Session
from remote_service.states import State
from remote_service.supervision import recovery
from tests.integration.probe_site import Probed, ProbeSite
from tests.waiting import eventually_async


async def left(site: ProbeSite, **changes: str) -> Session:
    """A session that runs, whose supervisor was killed; its row tells something else of where its runner is."""
    first = await site.start()
    session = await site.run()
    await site.kill(first)
    where = replace(here(site.settings.run_dir), **changes)
    await Session.objects.filter(pk=session.pk).aupdate(**where.as_columns())
    return session


async def where_is(session: Session) -> Whereabouts:
    return (await Session.objects.aget(pk=session.pk)).whereabouts


async def assert_it_is_kept(site: ProbeSite, session: Session, reason: str) -> Probed:
    """Nobody knows of it, and nothing is done with it, though its user wants it stopped."""
    supervisor = await site.start()
    await site.until_unknown(session, reason)
    await site.ask_to_stop(session)
    other = await site.run()
    assert other.index != session.index, "its slot is not given away"
    assert (await Session.objects.aget(pk=session.pk)).state == State.RUNNING
    assert site.calls == ["start 0", "start 1"]
    return supervisor


async def test_a_launch_writes_where_it_is(site: ProbeSite) -> None:
    await site.start()
    assert await where_is(await site.run()) == here(site.settings.run_dir)


async def test_one_that_the_version_before_wrote_is_adopted_and_from_then_on_known_for_good(site: ProbeSite) -> None:
    session = await left(site, home="")
    processes = site.processes(session)
    supervisor = await site.start()
    await site.adopted(supervisor, session)
    assert site.processes(session) == processes
    assert await where_is(session) == here(site.settings.run_dir)
    assert site.calls == ["start 0"]


async def test_one_of_this_machine_is_adopted_though_that_has_another_name_now(site: ProbeSite) -> None:
    session = await left(site, place=f"former:{site.settings.run_dir}")
    await site.adopted(await site.start(), session)
    assert await where_is(session) == here(site.settings.run_dir)


async def test_one_of_another_machine_of_our_name_is_kept(site: ProbeSite) -> None:
    session = await left(site, home="another pid:[1]", boot="another")
    processes = site.processes(session)
    await assert_it_is_kept(site, session, "The process that holds it is not found here: it was started at ")
    assert site.processes(session) == processes


@pytest.mark.parametrize("what", ["a clone of this machine", "a container of the same image"])
async def test_what_looks_like_ours_and_left_no_socket_here_is_kept(site: ProbeSite, what: str) -> None:
    machine = here(site.settings.run_dir).home.partition(" ")[0]
    session = await (left(site, boot="another") if "clone" in what else left(site, home=f"{machine} pid:[1]"))
    # Its own directory, which has its socket, is not ours.
    socket_path(site.settings.run_dir, str(session.pk)).unlink()
    await assert_it_is_kept(site, session, "The process that holds it is not found here: it was started at ")


async def lose_everything(site: ProbeSite, session: Session) -> None:
    """What the end of the machine does; its disk still has the runner's socket."""
    await site.kill_runner(session)

    def none_is_left() -> bool:
        for pid, _start_time in site.processes(session):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not site.processes(session)

    await eventually_async(none_is_left)
    assert socket_path(site.settings.run_dir, str(session.pk)).exists()


async def test_one_from_before_this_machine_was_started_again_is_over(site: ProbeSite) -> None:
    session = await left(site, boot="the start before")
    await lose_everything(site, session)
    await site.start()
    ended = await site.until(session)
    assert ended.state in (State.ENDED, State.FAILED)
    assert site.calls == ["start 0", "stop 0"]


async def test_with_a_directory_that_other_machines_see_too_nobody_knows(
    site: ProbeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "network_kind_of", lambda _path: "nfs4")
    session = await left(site, boot="another")
    await lose_everything(site, session)
    await assert_it_is_kept(site, session, "The process that holds it is not found here: it was started at ")
