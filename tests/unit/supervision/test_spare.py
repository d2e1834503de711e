"""What a standby loads, when, and what it hands over; the catalogues are played."""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from remote_service.conf import GatewaySettings
from remote_service.hosting.account import AccountError
from remote_service.supervision import spare as module
from remote_service.supervision.spare import AT_ONCE, STEADY, Loaded, Spare
from remote_service.tasks import spawn
from tests.waiting import eventually_async

LEASE_TIME = 5.0
STEADY_AFTER = STEADY * LEASE_TIME


class Catalogue:
    """One type, of one script."""

    def __init__(self, script: Path) -> None:
        self.entries = {"Board": SimpleNamespace(loaded=SimpleNamespace(script_path=script))}
        self.readable = True
        self.closed = False

    async def close(self) -> None:
        self.closed = True


class Loader:
    """Gives catalogues as soon as it may."""

    def __init__(self, script: Path) -> None:
        self.script = script
        self.given: list[Catalogue] = []
        self.asked = 0
        self.may = asyncio.Event()
        self.may.set()
        self.readable = True
        self.fault: Exception | None = None

    async def load(self, settings: GatewaySettings, at_once: int) -> Catalogue:
        assert at_once == AT_ONCE
        self.asked += 1
        await self.may.wait()
        if self.fault is not None:
            raise self.fault
        self.given.append(Catalogue(self.script))
        self.given[-1].readable = self.readable
        return self.given[-1]


@pytest.fixture
async def loader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loader:
    made = Loader(tmp_path / "board.py")
    made.script.write_text("")
    monkeypatch.setattr(module, "load_catalogue", made.load)
    return made


@pytest.fixture
def settings_of_it(gateway_settings: GatewaySettings, tmp_path: Path) -> GatewaySettings:
    (tmp_path / "sessions.json").write_text("{}")
    return replace(gateway_settings, sessions_file=tmp_path / "sessions.json", lease_time=LEASE_TIME)


@pytest.fixture
def spare(settings_of_it: GatewaySettings) -> Spare:
    return Spare(settings_of_it)


async def steady(spare: Spare, generation: int = 1, epoch: int = 1) -> None:
    """Somebody has supervised for so long that it loads."""
    spare.keep_up(epoch, generation, 0.0)
    spare.keep_up(epoch, generation, STEADY_AFTER)
    await eventually_async(lambda: spare._loading is None)


async def taken(spare: Spare) -> Loaded:
    found = await spare.hand_over()
    assert found is not None
    return found


async def test_it_loads_when_somebody_has_supervised_for_a_while(spare: Spare, loader: Loader) -> None:
    spare.keep_up(1, 1, 0.0)
    spare.keep_up(1, 1, STEADY_AFTER - 0.1)
    assert await spare.hand_over() is None
    spare.keep_up(2, 1, STEADY_AFTER)  # another one has taken over
    spare.keep_up(2, 1, STEADY_AFTER + 1)
    assert loader.asked == 0
    spare.keep_up(2, 1, 2 * STEADY_AFTER)
    assert (await taken(spare)).generation == 1
    assert loader.asked == 1


async def test_what_nobody_has_loaded_yet_is_not_loaded(spare: Spare, loader: Loader) -> None:
    spare.keep_up(1, None, 0.0)
    spare.keep_up(1, None, STEADY_AFTER)
    assert (spare._loading, await spare.hand_over()) == (None, None)


async def test_what_is_being_loaded_is_handed_over_when_it_is(spare: Spare, loader: Loader) -> None:
    loader.may.clear()
    spare.keep_up(1, 1, 0.0)
    spare.keep_up(1, 1, STEADY_AFTER)
    handing = spawn(spare.hand_over(), name="takeover")
    await eventually_async(lambda: loader.asked)
    spare.keep_up(1, 2, STEADY_AFTER + 1)
    assert not handing.done()
    loader.may.set()
    found = await handing
    assert found is not None
    assert found.catalogue is loader.given[0]  # type: ignore[comparison-overlap]
    assert loader.asked == 1


async def test_it_is_loaded_once_and_again_after_a_reload(
    spare: Spare, loader: Loader, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        await steady(spare)
        await steady(spare)
    assert caplog.messages == ["standing by with 1 session types loaded"]
    assert loader.asked == 1
    await steady(spare, generation=2)
    assert [each.closed for each in loader.given] == [True, False]
    assert (await taken(spare)).generation == 2
    # Whoever had it stands by again later, perhaps.
    assert await spare.hand_over() is None
    await steady(spare, generation=2, epoch=3)
    assert (await taken(spare)).catalogue is loader.given[2]  # type: ignore[comparison-overlap]


async def test_a_file_that_cannot_be_read_leaves_what_is_ready(spare: Spare, loader: Loader) -> None:
    await steady(spare)
    loader.readable = False
    await steady(spare, generation=2)
    assert [each.closed for each in loader.given] == [False, True]
    assert (await taken(spare)).generation == 1


@pytest.mark.parametrize("fault", [AccountError("there is no account"), OSError("no more processes")])
async def test_what_cannot_be_loaded_is_tried_again_after_the_next_reload_only(
    spare: Spare, loader: Loader, caplog: pytest.LogCaptureFixture, fault: Exception
) -> None:
    loader.fault = fault
    with caplog.at_level(logging.INFO):
        await steady(spare)
        await steady(spare)
    assert caplog.messages == [f"standing by without session types: {fault}"]
    loader.fault = None
    await steady(spare, generation=2)
    assert (await taken(spare)).generation == 2


@pytest.mark.parametrize("which", ["sessions.json", "board.py"])
async def test_it_knows_whether_a_file_was_written_since(
    spare: Spare, loader: Loader, tmp_path: Path, which: str
) -> None:
    await steady(spare)
    found = await taken(spare)
    assert not found.stale
    os.utime(tmp_path / which, (1, 1))
    assert found.stale
    (tmp_path / which).unlink()
    assert found.stale


async def test_at_the_end_its_script_hosts_are_ended(spare: Spare, loader: Loader) -> None:
    await steady(spare)
    await spare.close()
    assert [each.closed for each in loader.given] == [True]
    await spare.close()


async def test_also_while_it_loads(spare: Spare, loader: Loader) -> None:
    loader.may.clear()
    spare.keep_up(1, 1, 0.0)
    spare.keep_up(1, 1, STEADY_AFTER)
    await eventually_async(lambda: loader.asked)
    await asyncio.wait_for(spare.close(), 5)
    assert (loader.given, await spare.hand_over()) == ([], None)


def test_a_file_that_is_not_there_has_a_stamp_too(tmp_path: Path) -> None:
    stamps: dict[Path, Any] = {tmp_path / "none": 0}
    assert not Loaded(None, 1, stamps).stale  # type: ignore[arg-type]
