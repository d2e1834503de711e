"""Whether what a script's `realize_service` returned can serve sessions."""

from __future__ import annotations

import inspect
from typing import Any

from remote_service.config.script_report import ScriptFault, ScriptReport
from remote_service.script import RemoteServiceScript


class LoadError(Exception):
    """The script cannot be served; carries the report for the catalogue."""

    def __init__(self, report: ScriptReport) -> None:
        super().__init__(report.fault)
        self.report = report


def judged(service: object, index: int) -> RemoteServiceScript:
    """What `realize_service` returned, when sessions can be made of it.

    Raises:
        LoadError: it is no service, lacks `start` or `stop`, or defines one that cannot be called as the worker does.
    """
    if not isinstance(service, RemoteServiceScript):
        raise LoadError(ScriptReport(ScriptFault.WRONG_TYPE, index=index, found=type(service).__name__))
    base = RemoteServiceScript
    missing = [
        name
        for name in ("start", "stop")
        if getattr(type(service), name) is getattr(base, name) or not callable(getattr(type(service), name))
    ]
    if missing:
        found = type(service).__name__
        raise LoadError(ScriptReport(ScriptFault.MISSING_METHODS, index=index, found=found, names=tuple(missing)))
    wrong = [name for name, arguments in _CALLS.items() if not _takes(getattr(service, name), *arguments)]
    if wrong:
        found = type(service).__name__
        raise LoadError(ScriptReport(ScriptFault.WRONG_SIGNATURE, index=index, found=found, names=tuple(wrong)))
    return service


_CALLS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "start": (("token",), {"timestamp": 0.0, "options": {}}),
    "stop": ((), {}),
}
"""How the worker calls what every script defines."""


def _takes(method: Any, positional: tuple[Any, ...], named: dict[str, Any]) -> bool:
    """Whether the method can be called so; True when it does not say, as some written in C."""
    try:
        signature = inspect.signature(method)
    except (TypeError, ValueError):
        return True
    try:
        signature.bind(*positional, **named)
    except TypeError:
        return False
    return True
