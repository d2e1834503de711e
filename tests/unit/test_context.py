"""The seam between scripts and the process that runs them: both sides keep to it."""

from __future__ import annotations

import inspect

import pytest

from remote_service.context import SessionContext
from remote_service.hosting.script_context import ScriptContext

PROMISED = [name for name in vars(SessionContext) if not name.startswith("_")]


@pytest.mark.parametrize("name", PROMISED)
def test_the_process_that_runs_scripts_offers_what_the_protocol_promises(name: str) -> None:
    promised, offered = getattr(SessionContext, name), getattr(ScriptContext, name)
    assert isinstance(offered, property) == isinstance(promised, property)
    if not isinstance(promised, property):
        assert list(inspect.signature(offered).parameters) == list(inspect.signature(promised).parameters)


def test_the_protocol_covers_every_helper_of_the_contract() -> None:
    assert set(PROMISED) == {"log", "scratch", "publish", "keep_secret", "run", "spawn", "poll"}
