"""Runners as a supervisor has them: forked once for a session, replaced, and told what to go on with."""

from __future__ import annotations

import errno
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from remote_service.catalogue import Catalogue
from remote_service.endpoints import Endpoint
from remote_service.hosting.client import HostError
from remote_service.hosting.machine import boot
from remote_service.hosting.programs import NEVER, Program
from remote_service.leftovers import Successor
from remote_service.models import Session
from remote_service.sealing import seal
from remote_service.supervision.charges import Charge
from remote_service.supervision.runners import Runners
from tests.integration.probe_site import ProbeSite
from tests.waiting import eventually_async

ENDPOINT = Endpoint.tcp("localhost", 5901)
PROGRAM = Program(4711, 99, "Xtigervnc")


async def runners_of(site: ProbeSite) -> Runners:
    """Of a supervisor of which nothing else is at work; another one has loaded the types."""
    running = await site.start()
    runners = (await site.term()).runners
    runners.catalogue = running.catalogue
    site.pause(running)
    return runners


async def test_a_session_has_one_runner(site: ProbeSite) -> None:
    runners, session = await runners_of(site), await site.reserve()
    first = await runners.fork(session)
    with pytest.raises(OSError) as caught:
        await runners.fork(session)
    assert caught.value.errno == errno.EADDRINUSE
    assert site.runner_of(session) == first


async def test_ps_tells_whose_it_is(site: ProbeSite) -> None:
    await site.start()
    session = await site.run()
    shown = {Path(f"/proc/{each.pid}/cmdline").read_bytes().rstrip(b"\0") for each in site.marked(session)}
    module, reference = b"remote_service.hosting.script_host", session.reference.encode()
    assert shown == {b"\0".join((module, what, reference, b"Probe")) for what in (b"runner", b"script")}


async def test_one_that_has_ended_is_replaced(site: ProbeSite) -> None:
    runners, session = await runners_of(site), await site.reserve()
    first = await runners.fork(session)
    await site.kill_runner(session)
    second = await runners.replace(session)
    assert first != second
    assert site.runner_of(session) == second


async def test_one_that_is_found_says_at_once_how_things_are(site: ProbeSite) -> None:
    runners, session, charge = await runners_of(site), await site.reserve(), Charge()
    pid = await runners.fork(session)
    await runners.connect(session, charge)
    await eventually_async(lambda: charge.status is not None)
    assert charge.process == pid
    await site.kill_runner(session)
    runners.charges[str(session.pk)] = charge
    await eventually_async(lambda: charge.runner == "lost")


async def test_a_session_without_its_type_or_its_slot_has_no_runner(site: ProbeSite) -> None:
    runners = await runners_of(site)
    _, session = await site.reserve(), await site.reserve()
    site.write(Probe={"count": 1})
    entry = runners.catalogue.entries["Probe"]
    entry.order = replace(entry.order, count=1)
    with pytest.raises(HostError) as caught:
        await runners.fork(session)
    assert str(caught.value) == "The type 'Probe' has 1 of its slots left, and this is number 2."
    runners.catalogue = Catalogue({})
    with pytest.raises(HostError) as caught:
        await runners.fork(session)
    assert str(caught.value) == "The type 'Probe' is not in the sessions file any more."
    assert site.left(session) == []


def made(**fields: Any) -> Session:
    """A session, as its row has it."""
    kept = {"sealed_script_state": seal(json.dumps({"display": 3})), "programs": [PROGRAM.as_list()]}
    return Session(type_name="Probe", index=0, stored_endpoint=ENDPOINT.as_dict(), **{**kept, **fields})


async def test_a_successor_is_told_what_the_row_has(site: ProbeSite) -> None:
    runners = (await site.term()).runners
    expected = Successor({"display": 3}, ENDPOINT, (PROGRAM,))
    assert runners.successor_of(made(runner_boot=boot())) == expected
    assert runners.successor_of(made(runner_boot="")) == expected
    fresh = made(sealed_script_state="", programs=[])
    assert runners.successor_of(fresh) == Successor(None, ENDPOINT, ())


async def test_programs_from_before_the_machine_was_started_again_have_ended(site: ProbeSite) -> None:
    found = (await site.term()).runners.successor_of(made(runner_boot="another start"))
    assert found.programs == (Program(4711, NEVER, "Xtigervnc"),)


async def test_a_state_that_cannot_be_opened_is_done_without(
    site: ProbeSite, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    session = made()
    settings.SECRET_KEY = "another key"
    assert (await site.term()).runners.successor_of(session) == Successor(None, ENDPOINT, (PROGRAM,))
    why = "A sealed secret cannot be opened: SECRET_KEY has changed since it was stored."
    said = f"session {session.pk}: its script has to do without its state: {why}"
    assert caplog.record_tuples == [("remote_service.supervision.runners", logging.WARNING, said)]
