"""The seam between scripts and the process that runs them: both sides agree."""

from __future__ import annotations

import inspect

import pytest

from remote_service.context import SessionContext
from remote_service.hosting.script_context import ScriptContext
from tests.integration.script_harness import Harness

MEMBERS = [name for name in vars(SessionContext) if not name.startswith("_")]


def test_the_seam_is_as_small_as_the_helpers_need() -> None:
    assert sorted(MEMBERS) == ["keep_secret", "log", "poll", "publish", "run", "scratch", "spawn"]


@pytest.mark.parametrize("provider", [ScriptContext, Harness])
@pytest.mark.parametrize("member", MEMBERS)
def test_whoever_provides_it_has_every_member_with_the_same_signature(provider: type, member: str) -> None:
    promised, given = getattr(SessionContext, member), getattr(provider, member)
    if isinstance(promised, property):
        assert isinstance(given, property)
    else:
        assert inspect.signature(given) == inspect.signature(promised)
