"""Kills the process that imports it at a named point of the transition table, when a file orders that.

Python imports a module of this name at its start wherever it finds one on PYTHONPATH; the crash test puts this folder
there for the site's own processes. The product knows nothing of it. A point is called PHASE-STATE-EVENT:

before-running-stop    before anything of it is written
within-running-stop    it has been written, and not been committed
after-running-stop     it has been committed, and nothing that follows from it has been done
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from types import ModuleType
from typing import Any

MODULE = "remote_service.lifecycle"
ORDERS = os.environ.get("CRASH_TEST_ORDERS", "")
"""The folder of the orders, a file for each, named as the point; who dies by it takes it along."""


def die_if_ordered(point: str) -> None:
    """One process dies by each order, however many come to the point."""
    try:
        os.unlink(os.path.join(ORDERS, point))
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def with_points(transition: Callable[..., bool]) -> Callable[..., bool]:
    """The same function with three points at which it may be the last thing that its process does."""
    from django.db import transaction

    @wraps(transition)
    def moved(session_id: Any, state: str, event: str, **more: Any) -> bool:
        point = f"{state}-{event}"
        die_if_ordered(f"before-{point}")
        won = transition(session_id, state, event, **more)
        if won:
            die_if_ordered(f"within-{point}")
            transaction.on_commit(lambda: die_if_ordered(f"after-{point}"))
        return won

    return moved


class _Loader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        module.transition = with_points(module.transition)  # type: ignore[attr-defined]


class _Finder(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != MODULE:
            return None
        found = PathFinder.find_spec(name, path, target)
        assert found is not None and found.origin is not None
        return spec_from_file_location(name, found.origin, loader=_Loader(name, found.origin))


if ORDERS:
    sys.meta_path.insert(0, _Finder())
