"""The test pattern really started: what viewers see and do to each other, what it costs, what is left."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from PIL import Image

from remote_service.answers import Poll
from remote_service.endpoints import Endpoint, EndpointKind
from remote_service.script import RemoteServiceScript
from tests.integration.rfb_viewer import BACKSPACE, EXTENDED_DESKTOP_SIZE, Rectangle, Viewer
from tests.integration.script_harness import Harness, listening_paths, realized
from tests.waiting import eventually

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)
FIRST_LINE = (44, 196, 700, 16)
"""Where the first line of typed text is."""


class Session(NamedTuple):
    """A test pattern that was started."""

    service: RemoteServiceScript
    harness: Harness
    endpoint: Endpoint

    def viewer(self) -> Viewer:
        """A viewer that has seen everything once."""
        one = Viewer(self.endpoint)
        one.whole_frame()
        return one


@pytest.fixture
def session() -> Iterator[Session]:
    """800 x 600, stopped at the end if the test has not done it."""
    with realized("test_pattern.py", name="Pattern", index=1) as (service, harness):
        assert service.start("token", time.time(), {"username": "alice", "size": "800x600"}) is True
        assert harness.endpoint is not None
        yield Session(service, harness, harness.endpoint)
        service.stop()


def threads_of_patterns() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name in {"test pattern", "viewer"}]


def test_it_starts_at_once_on_a_socket_that_only_its_user_can_reach() -> None:
    with realized("test_pattern.py", name="Pattern") as (service, harness):
        began = time.perf_counter()
        assert service.start("token", None, {"size": "1600x1200"})
        assert time.perf_counter() - began < 0.1
        assert harness.endpoint is not None and harness.endpoint.kind is EndpointKind.UNIX
        path = Path(harness.endpoint.path)
        assert path.parent == harness.scratch and path.stat().st_mode & 0o777 == 0o600
        assert service.poll() == Poll.alive()
        service.stop()


def test_a_viewer_sees_the_fixed_parts(session: Session) -> None:
    with session.viewer() as one:
        assert one.banner == b"RFB 003.008\n" and one.security_types == [1]
        assert (one.name, one.width, one.height) == ("Pattern #1", 800, 600)
        corners = [one.pixel(x, y) for x, y in ((0, 0), (799, 15), (15, 599), (799, 599))]
        assert corners == [RED, GREEN, BLUE, WHITE]
        assert one.pixel(33, 116) == WHITE and one.pixel(767, 116) == BLACK
        assert one.colours() > 30


def test_vncdotool_sees_it_too(session: Session, tmp_path: Path) -> None:
    picture = tmp_path / "screen.png"
    command = [
        sys.executable,
        "-m",
        "vncdotool.command",
        "-s",
        session.endpoint.path,
        "capture",
        str(picture),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    with Image.open(picture) as image:
        assert image.size == (800, 600)
        assert image.convert("RGB").getpixel((799, 0)) == GREEN


def test_what_is_typed_is_seen_and_can_be_taken_back(session: Session) -> None:
    with session.viewer() as one:
        empty = one.part(*FIRST_LINE)
        one.type("Hi!")
        one.until(lambda: one.part(*FIRST_LINE) != empty)
        for _ in "Hi!":
            one.key(BACKSPACE)
        one.until(lambda: one.part(*FIRST_LINE) == empty)


def test_the_pointer_is_seen_and_a_click_leaves_a_mark(session: Session) -> None:
    with session.viewer() as one:
        one.pointer(400, 500)
        one.until(lambda: one.pixel(400, 500) == one.pixel(410, 500) == one.pixel(400, 490) == WHITE)
        one.pointer(400, 500, buttons=1)
        one.pointer(600, 500)
        one.until(lambda: one.pixel(600, 500) == WHITE)
        assert one.pixel(400, 500) == (255, 82, 82)


def test_only_the_moving_block_is_sent_while_nobody_does_anything(session: Session) -> None:
    with session.viewer() as one:
        began = time.monotonic()
        updates = [one.frame(incremental=True) for _ in range(5)]
        assert time.monotonic() - began > 0.3
        assert all(area.y == 560 and area.height == 16 for areas in updates for area in areas)
        assert max(len(areas) for areas in updates) == 1


def test_two_viewers_see_the_same_and_one_may_leave(session: Session) -> None:
    with session.viewer() as two:
        empty = two.part(*FIRST_LINE)
        with session.viewer() as one:
            one.type("shared")
            two.until(lambda: two.part(*FIRST_LINE) != empty)
        eventually(lambda: threads_of_patterns().count("viewer") == 1, 5)
        before = two.part(*FIRST_LINE)
        two.type("!")
        two.until(lambda: two.part(*FIRST_LINE) != before)


def test_a_new_size_is_told_to_the_one_who_asked_and_to_the_other(session: Session) -> None:
    with session.viewer() as one, session.viewer() as two:
        one.set_desktop_size(1024, 700)
        assert one.frame(incremental=True) == [Rectangle(1, 0, 1024, 700, EXTENDED_DESKTOP_SIZE)]
        assert two.frame(incremental=True) == [Rectangle(2, 0, 1024, 700, EXTENDED_DESKTOP_SIZE)]
        for each in (one, two):
            # No need to ask for everything: nothing of the new size was ever sent.
            each.frame(incremental=True)
            assert [each.pixel(0, 0), each.pixel(1023, 699)] == [RED, WHITE]


def test_a_size_out_of_bounds_is_refused_and_nothing_changes(session: Session) -> None:
    with session.viewer() as one:
        one.set_desktop_size(5000, 700)
        assert one.frame(incremental=True) == [Rectangle(1, 3, 800, 600, EXTENDED_DESKTOP_SIZE)]
        one.whole_frame()
        assert one.pixel(799, 599) == WHITE


def test_a_viewer_of_fewer_colours_sees_the_same_corners(session: Session) -> None:
    with Viewer(session.endpoint) as one:
        one.set_pixel_format(bytes([16, 16, 0, 1, 0, 31, 0, 63, 0, 31, 11, 5, 0, 0, 0, 0]))
        one.whole_frame()
        assert [one.part(x, y, 1, 1) for x, y in ((0, 0), (799, 0), (0, 599))] == [
            b"\0\xf8",
            b"\xe0\7",
            b"\x1f\0",
        ]


@pytest.mark.parametrize("version", ["003.003", "003.007"])
def test_older_viewers_are_served(session: Session, version: str) -> None:
    with Viewer(session.endpoint, version=version) as one:
        one.whole_frame()
        assert one.pixel(0, 0) == RED


def test_a_viewer_that_sends_garbage_is_dropped_and_the_others_are_not(session: Session) -> None:
    with session.viewer() as good, session.viewer() as bad:
        bad.send(b"\x09garbage")
        with pytest.raises(ConnectionResetError):
            bad.read(1)
        good.whole_frame()
    assert any("a viewer was dropped: the viewer sent a message of type 9" in line for line in session.harness.lines)


def test_a_viewer_that_reads_nothing_blocks_nobody_and_not_the_stop(session: Session) -> None:
    with session.viewer() as one, session.viewer() as stuck:
        for _ in range(50):
            stuck.request()
        # One frame is larger than a socket's buffer, so its thread is in the middle of sending now.
        began = time.monotonic()
        one.whole_frame()
        assert time.monotonic() - began < 1
        began = time.monotonic()
        assert session.service.stop() is True
        assert time.monotonic() - began < 1
        assert threads_of_patterns() == []


def test_too_many_viewers_are_refused(session: Session) -> None:
    viewers = [Viewer(session.endpoint) for _ in range(32)]
    try:
        with pytest.raises(ConnectionResetError):
            Viewer(session.endpoint)
        assert "WARNING the test pattern has 32 viewers already; refused another one" in session.harness.lines
    finally:
        for one in viewers:
            one.close()
    eventually(lambda: "viewer" not in threads_of_patterns(), 5)
    with session.viewer() as one:
        assert one.pixel(0, 0) == RED


def test_a_stop_hangs_up_and_leaves_no_socket_and_no_thread(session: Session) -> None:
    with session.viewer() as one:
        session.service.stop()
        with pytest.raises(ConnectionError):
            one.frame()
    assert not Path(session.endpoint.path).exists()
    assert session.endpoint.path not in listening_paths()
    assert threads_of_patterns() == []
    assert session.service.stop() is True


@pytest.mark.parametrize(
    ("size", "warning"),
    [
        ("huge", "the screen size is 'huge'; expected width x height in pixels, such as '1600x1200'"),
        ("5000x600", "the screen size is '5000x600'; expected sides from 16 to 4096 pixels"),
    ],
)
def test_a_size_that_cannot_be_falls_back_with_a_line_in_the_log(size: str, warning: str) -> None:
    with realized("test_pattern.py") as (service, harness):
        assert service.start("token", None, {"size": size})
        assert harness.endpoint is not None
        with Viewer(harness.endpoint) as one:
            assert (one.width, one.height) == (1280, 800)
        service.stop()
        assert f"WARNING {warning}; the test pattern uses 1280x800" in harness.lines


def test_fifty_idle_sessions_cost_little_memory_and_no_time() -> None:
    program = Path(__file__).with_name("pattern_cost.py")
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    cost = json.loads(done.stdout)
    print(f"50 idle test patterns: {cost['private_kib']} KiB private each, {cost['ticks'] * 10} ms CPU a second")
    assert cost["private_kib"] < 3 * 1024
    assert cost["ticks"] <= 2
