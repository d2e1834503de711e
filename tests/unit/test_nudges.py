"""Nudges arrive, and a channel layer that fails hurts nobody."""

from __future__ import annotations

import asyncio
import logging
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import InMemoryChannelLayer, get_channel_layer

from remote_service import nudges
from remote_service.conf import Crew
from remote_service.nudges import (
    GATEWAY_GROUP,
    SUPERVISOR_GROUP,
    Gathered,
    Heard,
    hearing,
    nudge_gateways,
    nudge_supervisor,
    send,
)

SESSION = uuid.UUID("6f9619ff-8b86-4d01-b42d-00cf4fc964ff")


class LayerError(Exception):
    """What the client of a layer raises: neither an OSError nor a RuntimeError, as that of Redis."""


class BrokenLayer:
    """A layer whose server is away; `mended` is what it becomes when it is back."""

    def __init__(self) -> None:
        self.mended: InMemoryChannelLayer | None = None
        self.tried = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any) -> Any:
            self.tried.set()
            if self.mended is None:
                raise LayerError("connection refused")
            return await getattr(self.mended, name)(*args)

        return call


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> BrokenLayer:
    layer = BrokenLayer()
    monkeypatch.setattr(nudges, "get_channel_layer", lambda: layer)
    monkeypatch.setattr(nudges, "RETRY", 0.01)
    return layer


async def is_heard(heard: asyncio.Event) -> None:
    """Fails when no nudge comes; clears it for the next."""
    async with asyncio.timeout(5.0):
        await heard.wait()
    heard.clear()


async def test_a_nudge_is_heard_by_its_group_only() -> None:
    async with hearing(SUPERVISOR_GROUP) as supervisor, hearing(GATEWAY_GROUP) as gateway:
        await send(SUPERVISOR_GROUP)
        await is_heard(supervisor)
        assert not gateway.is_set()
        await send(GATEWAY_GROUP, SESSION)
        await is_heard(gateway)
        assert not supervisor.is_set()


async def test_everybody_in_the_group_hears_it() -> None:
    async with hearing(GATEWAY_GROUP) as one, hearing(GATEWAY_GROUP) as other:
        await send(GATEWAY_GROUP, SESSION)
        await is_heard(one)
        await is_heard(other)


async def test_it_is_heard_when_it_comes_from_a_thread() -> None:
    async with hearing(SUPERVISOR_GROUP) as supervisor, hearing(GATEWAY_GROUP) as gateway:
        await sync_to_async(nudge_supervisor)()
        await is_heard(supervisor)
        await sync_to_async(nudge_gateways)(SESSION)
        await is_heard(gateway)


async def test_the_message_says_look_again_and_nothing_secret() -> None:
    layer = get_channel_layer()
    await layer.group_add(GATEWAY_GROUP, "specific.test")
    await send(GATEWAY_GROUP, SESSION)
    assert await layer.receive("specific.test") == {"type": "look.again", "session": str(SESSION)}
    await send(GATEWAY_GROUP)
    assert await layer.receive("specific.test") == {"type": "look.again", "session": ""}
    await layer.group_discard(GATEWAY_GROUP, "specific.test")


async def test_one_may_be_deaf_to_what_one_says_oneself() -> None:
    async with hearing(GATEWAY_GROUP, deaf_to="me") as me, hearing(GATEWAY_GROUP, deaf_to="you") as you:
        await send(GATEWAY_GROUP, SESSION, "me")
        await is_heard(you)
        assert (me.is_set(), me.count, you.count) == (False, 0, 1)
        await send(GATEWAY_GROUP, SESSION)
        await is_heard(me)


async def test_many_at_once_are_the_first_and_one_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nudges, "PAUSE", 0.01)
    gathered, other = Gathered(), uuid.uuid4()
    async with hearing(GATEWAY_GROUP) as heard:
        for _ in range(100):
            gathered.nudge(GATEWAY_GROUP, SESSION)
        gathered.nudge(GATEWAY_GROUP, other)
        await is_heard(heard)
        async with asyncio.timeout(5.0):
            while heard.count < 3:
                await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)
        assert heard.count == 3
        gathered.nudge(GATEWAY_GROUP, SESSION)
        heard.clear()
        await is_heard(heard)


async def test_who_has_left_the_group_is_forgotten() -> None:
    layer = get_channel_layer()
    async with hearing("leavers"):
        assert len(layer.groups["leavers"]) == 1
    assert "leavers" not in layer.groups


async def test_a_member_joins_again_before_the_layer_forgets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nudges, "RENEWAL", 0.01)
    layer = get_channel_layer()
    async with hearing("forgotten") as heard:
        (first,) = layer.groups["forgotten"]
        layer.groups["forgotten"].clear()
        async with asyncio.timeout(5.0):
            while not layer.groups["forgotten"]:
                await asyncio.sleep(0)
        assert list(layer.groups["forgotten"]) == [first]
        await send("forgotten")
        await is_heard(heard)


def test_without_an_event_loop_it_is_sent_too(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []

    async def note(group: str, session_id: uuid.UUID | None = None) -> None:
        sent.append((group, session_id))

    monkeypatch.setattr(nudges, "send", note)
    nudge_supervisor()
    nudge_gateways(SESSION)
    assert sent == [(SUPERVISOR_GROUP, None), (GATEWAY_GROUP, SESSION)]


async def test_in_an_event_loop_itself_it_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nudges, "send", None)
    nudge_supervisor()


async def test_a_layer_that_fails_is_logged_and_raises_nothing(
    broken: BrokenLayer, caplog: pytest.LogCaptureFixture
) -> None:
    await send(SUPERVISOR_GROUP)
    assert caplog.record_tuples == [
        (
            "remote_service.nudges",
            logging.WARNING,
            "a nudge to supervisor was lost (connection refused); it is made up for within a second",
        )
    ]


async def test_who_listens_goes_on_while_the_layer_fails_and_hears_again_afterwards(
    broken: BrokenLayer, caplog: pytest.LogCaptureFixture
) -> None:
    async with hearing(SUPERVISOR_GROUP) as heard:
        assert not heard.is_set()
        assert caplog.record_tuples[0] == (
            "remote_service.nudges",
            logging.WARNING,
            "nudges to supervisor cannot be heard (connection refused); what they say is found out within a second",
        )
        broken.mended = mended = InMemoryChannelLayer()
        async with asyncio.timeout(5.0):
            while SUPERVISOR_GROUP not in mended.groups:
                await asyncio.sleep(0.005)
        await send(SUPERVISOR_GROUP)
        await is_heard(heard)
    assert mended.groups == {}


class SilentLayer:
    """A layer whose server hangs; its calls end only when they are given up."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        async def call(*_args: Any) -> Any:
            self.calls.append(name)
            await asyncio.Event().wait()

        return call


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> SilentLayer:
    layer = SilentLayer()
    monkeypatch.setattr(nudges, "get_channel_layer", lambda: layer)
    monkeypatch.setattr(nudges, "PATIENCE", 0.01)
    monkeypatch.setattr(nudges._silence, "until", 0.0)
    return layer


async def test_a_layer_that_hangs_is_given_up_and_left_alone_for_a_while(
    silent: SilentLayer, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        await send(SUPERVISOR_GROUP)
    assert silent.calls == ["group_send"]
    assert caplog.messages == [
        "a nudge to supervisor was lost (no answer within 0.01 s); none is sent for 5 s, and each is made up for "
        "within a second"
    ]


async def test_nobody_waits_for_a_layer_that_hangs_in_order_to_hear_or_to_leave(silent: SilentLayer) -> None:
    async with asyncio.timeout(5.0), hearing(SUPERVISOR_GROUP) as heard:
        assert not heard.is_set()
    assert silent.calls[0] == "new_channel"


async def test_a_site_without_a_channel_layer_lives_on_regular_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nudges, "get_channel_layer", lambda: None)
    async with hearing(SUPERVISOR_GROUP) as heard:
        await send(SUPERVISOR_GROUP)
        assert not heard.is_set()


# ---- between the processes of a crew ----------------------------------------------------------------------


@pytest.fixture
def crew(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This process is one of a crew, whose nudges go from socket to socket; returns where."""
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, crew=Crew(1, tmp_path, tmp_path))
    monkeypatch.setattr(nudges, "get_channel_layer", BrokenLayer)
    return tmp_path


async def test_in_a_crew_nudges_need_no_channel_layer(crew: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with hearing(GATEWAY_GROUP) as one, hearing(GATEWAY_GROUP) as other, hearing(SUPERVISOR_GROUP) as supervisor:
        await send(GATEWAY_GROUP, SESSION)
        await is_heard_about(SESSION, one)
        await is_heard_about(SESSION, other)
        assert not supervisor.is_set()
        await send(SUPERVISOR_GROUP)
        await is_heard(supervisor)
    assert caplog.records == []


async def is_heard_about(session: uuid.UUID, heard: Heard) -> None:
    async with asyncio.timeout(5.0):
        await heard.wait()
    assert heard.sessions == {str(session)}


async def test_there_a_nudge_is_sent_from_wherever_somebody_is(crew: Path) -> None:
    async with hearing(SUPERVISOR_GROUP) as supervisor, hearing(GATEWAY_GROUP) as gateway:
        await sync_to_async(nudge_supervisor)()
        await is_heard(supervisor)
        nudge_gateways(SESSION)
        await is_heard_about(SESSION, gateway)


async def test_a_crew_whose_channel_layer_reaches_all_uses_that(
    crew: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, crew=Crew(1, crew))
    monkeypatch.setattr(nudges, "get_channel_layer", get_channel_layer)
    async with hearing(GATEWAY_GROUP) as heard:
        await send(GATEWAY_GROUP, SESSION)
        await is_heard(heard)
        assert list(crew.iterdir()) == []
