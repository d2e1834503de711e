"""Every example script loads as a script host loads it, and the one that needs nothing is really started."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from remote_service.answers import Poll
from remote_service.endpoints import EndpointKind
from remote_service.script import RemoteServiceScript
from tests.integration.rfb_viewer import BACKSPACE, EXTENDED_DESKTOP_SIZE, RAW, Rectangle, Viewer
from tests.integration.script_harness import EXAMPLE_SCRIPTS, Harness, listening_paths, load, realized, wait_for

SCRIPTS = sorted(path.name for path in EXAMPLE_SCRIPTS.glob("*.py") if "def realize_service(" in path.read_text())
GREEN, RED, WHITE, BLUE = (0, 255, 0), (255, 0, 0), (255, 255, 255), (0, 0, 255)


def test_the_scripts_are_found() -> None:
    assert SCRIPTS == ["desktop_session.py", "test_pattern.py", "x11vnc_desktop_session.py"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_realizes_a_service_for_every_slot_and_starts_nothing(name: str) -> None:
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


@pytest.fixture
def pattern() -> Iterator[tuple[RemoteServiceScript, Harness]]:
    """A test pattern that was started, 800 x 600; stopped at the end if the test has not."""
    with realized("test_pattern.py", name="Pattern", index=1) as (service, harness):
        assert service.start("token", time.time(), {"username": "alice", "size": "800x600"}) is True
        yield service, harness
        service.stop()


def viewer(harness: Harness, **options: object) -> Viewer:
    """A viewer that has seen everything."""
    assert harness.endpoint is not None
    one = Viewer(harness.endpoint)
    one.whole_frame()
    return one


def test_a_pattern_starts_at_once_on_a_socket_that_only_its_user_can_reach() -> None:
    with realized("test_pattern.py", name="Pattern") as (service, harness):
        began = time.perf_counter()
        assert service.start("token", None, {"size": "1600x1200"})
        assert time.perf_counter() - began < 0.1
        assert harness.endpoint is not None and harness.endpoint.kind is EndpointKind.UNIX
        path = Path(harness.endpoint.path)
        assert path.parent == harness.scratch and path.stat().st_mode & 0o777 == 0o600
        assert service.poll() == Poll.alive()
        service.stop()


def test_a_viewer_sees_the_fixed_parts(pattern: tuple[RemoteServiceScript, Harness]) -> None:
    with viewer(pattern[1]) as one:
        assert one.banner == b"RFB 003.008\n" and one.security_types == [1]
        assert (one.name, one.width, one.height) == ("Pattern #1", 800, 600)
        corners = [one.pixel(x, y) for x, y in ((0, 0), (799, 15), (15, 599), (799, 599))]
        assert corners == [RED, GREEN, BLUE, WHITE]
        assert one.pixel(33, 116) == WHITE and one.pixel(767, 116) == (0, 0, 0)
        assert one.colours() > 30


def test_what_is_typed_is_seen_and_can_be_taken_back(pattern: tuple[RemoteServiceScript, Harness]) -> None:
    line = (44, 196, 700, 16)
    with viewer(pattern[1]) as one:
        empty = one.part(*line)
        one.type("Hi!")
        one.until(lambda: one.part(*line) != empty)
        for _ in range(3):
            one.key(BACKSPACE)
        one.until(lambda: one.part(*line) == empty)


def test_the_pointer_is_seen_and_a_click_leaves_a_mark(pattern: tuple[RemoteServiceScript, Harness]) -> None:
    with viewer(pattern[1]) as one:
        one.pointer(400, 500)
        one.until(lambda: one.pixel(400, 500) == one.pixel(410, 500) == one.pixel(400, 490) == WHITE)
        one.pointer(400, 500, buttons=1)
        one.pointer(600, 500)
        one.until(lambda: one.pixel(600, 500) == WHITE)
        assert one.pixel(400, 500) == (255, 82, 82)


def test_only_the_moving_block_is_sent_while_nobody_does_anything(
    pattern: tuple[RemoteServiceScript, Harness],
) -> None:
    with viewer(pattern[1]) as one:
        began = time.monotonic()
        areas = [area for _ in range(5) for area in one.frame(incremental=True)]
        assert time.monotonic() - began > 0.3
        assert all(area.y == 560 and area.width <= 72 + 8 and area.height == 16 for area in areas)


def test_two_viewers_see_the_same_and_one_may_leave(pattern: tuple[RemoteServiceScript, Harness]) -> None:
    line = (44, 196, 700, 16)
    with viewer(pattern[1]) as two:
        with viewer(pattern[1]) as one:
            empty = two.part(*line)
            one.type("shared")
            two.until(lambda: two.part(*line) != empty)
        typed = two.part(*line)
        two.type("!")
        two.until(lambda: two.part(*line) != typed)


def test_a_new_size_is_told_to_who_asked_and_to_the_other(pattern: tuple[RemoteServiceScript, Harness]) -> None:
    with viewer(pattern[1]) as one, viewer(pattern[1]) as two:
        one.set_desktop_size(1024, 700)
        news: list[Rectangle] = []
        one.until(lambda: bool(news) or not news.extend(_news(one)))
        assert news == [Rectangle(1, 0, 1024, 700, EXTENDED_DESKTOP_SIZE)]
        two.until(lambda: two.width == 1024)
        for each in (one, two):
            each.until(lambda each=each: each.pixel(1023, 699) == WHITE)  # type: ignore[misc]  # (mypy on lambda defaults)
