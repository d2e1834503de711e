"""Which servers hold nobody back."""

from __future__ import annotations

from functools import partial
from types import FunctionType
from typing import Any

import pytest
from channels.sessions import InstanceSessionWrapper

from remote_service.admission.handshakes import _Answers
from remote_service.relay.backpressure import lacks_backpressure
from tests.unit.relay.doubles import Viewer


async def _send(*_message: Any) -> None: ...


def made_in(module: str) -> Any:
    """A function as that module defines it."""
    function = FunctionType(_send.__code__, {})
    function.__module__ = module
    return function


@pytest.mark.parametrize("module", ["daphne.server", "daphne"])
def test_daphne_is_known_by_where_its_send_comes_from(module: str) -> None:
    assert lacks_backpressure(made_in(module))
    assert lacks_backpressure(partial(made_in(module), "a connection"))


@pytest.mark.parametrize("module", ["uvicorn.protocols.websockets", "daphnes_friend"])
def test_other_servers_are_not(module: str) -> None:
    assert not lacks_backpressure(made_in(module))
    assert not lacks_backpressure(partial(made_in(module), "a connection"))
    assert not lacks_backpressure(Viewer().send)


def test_it_is_known_behind_channels_sessions_and_our_own_bounds() -> None:
    bounds = _Answers(made_in("daphne.server"), None)  # type: ignore[arg-type]  # nobody is let in
    assert lacks_backpressure(InstanceSessionWrapper({"cookies": {}}, bounds.send).send)
    assert not lacks_backpressure(InstanceSessionWrapper({"cookies": {}}, made_in("uvicorn.protocols.websockets")).send)
