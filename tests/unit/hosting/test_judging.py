"""Tests of the judgement on what realize_service returned."""

from __future__ import annotations

from typing import Any

import pytest

from remote_service.config.script_report import ScriptFault, ScriptReport
from remote_service.hosting.judging import LoadError, judged
from remote_service.script import RemoteServiceScript


class Sound(RemoteServiceScript):
    def start(self, token: str, timestamp: float | None = None, options: dict[str, Any] | None = None) -> Any:
        return True

    def stop(self) -> Any:
        return True


class Catching(Sound):
    def start(self, *args: Any, **kwargs: Any) -> Any:
        return True


class Renamed(Sound):
    def start(self, ticket: str, **rest: Any) -> Any:  # type: ignore[override]
        return True


class Builtin(Sound):
    stop = dict  # type: ignore[assignment]


class NoArguments(Sound):
    def start(self) -> Any:  # type: ignore[override]
        return True


class Demanding(NoArguments):
    def stop(self, how: str, why: str) -> Any:  # type: ignore[override]
        return True


@pytest.mark.parametrize("kind", [Sound, Catching, Renamed, Builtin])
def test_a_service_that_can_be_called_as_the_worker_does_is_taken(kind: type[Sound]) -> None:
    service = kind("A type")
    assert judged(service, 0) is service


@pytest.mark.parametrize(
    ("kind", "wrong"), [(NoArguments, ("start",)), (Demanding, ("start", "stop"))], ids=["start", "both"]
)
def test_methods_that_cannot_take_our_arguments_are_named(kind: type[Sound], wrong: tuple[str, ...]) -> None:
    with pytest.raises(LoadError) as refused:
        judged(kind("A type"), 3)
    assert refused.value.report == ScriptReport(ScriptFault.WRONG_SIGNATURE, index=3, found=kind.__name__, names=wrong)


def test_both_missing_methods_are_named_at_once() -> None:
    with pytest.raises(LoadError) as refused:
        judged(RemoteServiceScript("A type"), 0)
    assert refused.value.report == ScriptReport(
        ScriptFault.MISSING_METHODS, index=0, found="RemoteServiceScript", names=("start", "stop")
    )


def test_something_else_is_told_by_its_type() -> None:
    with pytest.raises(LoadError) as refused:
        judged(None, 0)
    assert refused.value.report == ScriptReport(ScriptFault.WRONG_TYPE, index=0, found="NoneType")
