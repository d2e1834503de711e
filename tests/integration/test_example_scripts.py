"""Every example script loads as a script host loads it, and says how it is used."""

from __future__ import annotations

import ast
import json
import re
import threading

import pytest

from remote_service.script import RemoteServiceScript
from tests.integration.script_harness import EXAMPLE_SCRIPTS, load

SCRIPTS = sorted(path.name for path in EXAMPLE_SCRIPTS.glob("*.py") if "def realize_service(" in path.read_text())


def test_the_scripts_are_found() -> None:
    assert SCRIPTS == ["desktop_session.py", "test_pattern.py", "x11vnc_desktop_session.py"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_realizes_a_service_for_every_slot_and_starts_no_thread(name: str) -> None:
    threads = threading.active_count()
    module = load(name)
    for index in range(3):
        service = module.realize_service(name="Type", count=3, index=index, common_options={"x": [1]})
        assert isinstance(service, RemoteServiceScript)
        assert (service.name, service.count, service.index) == ("Type", 3, index)
        assert service.common_options == {"x": [1]}
    assert threading.active_count() == threads


@pytest.mark.parametrize("name", SCRIPTS)
def test_its_docstring_says_what_it_shows_needs_and_how_to_run_it(name: str) -> None:
    text = ast.get_docstring(ast.parse((EXAMPLE_SCRIPTS / name).read_text())) or ""
    assert re.search(r"^Shows: ", text, re.MULTILINE) and re.search(r"^Needs: ", text, re.MULTILINE)
    run = re.search(r"^Run: (.*?)\n\n", text, re.MULTILINE | re.DOTALL)
    assert run is not None
    ((_, entry),) = json.loads(run[1]).items()
    assert entry["script"] == name and {"count", "options"} <= entry.keys()
