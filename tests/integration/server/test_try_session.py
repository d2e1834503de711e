"""`manage.py try_session`, with a running server and without."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from remote_service.hosting.machine import place_of
from tests.integration.server.marked_site import MarkedSite
from tests.waiting import eventually

DESKTOP, PATTERN, FALSY, SECRET = "Desktop", "Pattern", "Falsy", "With password"

ALONE = "nobody supervises: loaded the sessions file, to do so for this trial"


@pytest.fixture(params=[True, False], ids=["with a server", "without"])
def tried(site: MarkedSite, request: pytest.FixtureRequest) -> Iterator[MarkedSite]:
    """A site with a server, or without one."""
    site.scripts.joinpath("falsy.py").write_text(
        "from remote_service import RemoteServiceScript\n"
        "class Falsy(RemoteServiceScript):\n"
        "    def start(self, token, timestamp=None, options=None): return False\n"
        "    def stop(self): return True\n"
        "def realize_service(**kwargs): return Falsy(**kwargs)\n"
    )
    site.write_sessions(
        {
            DESKTOP: site.entry("desktop_session.py"),
            SECRET: site.entry("desktop_session.py", options={"password": True}),
            PATTERN: site.entry("marked_pattern.py"),
            FALSY: site.entry("falsy.py"),
        }
    )
    if request.param:
        site.start()
    yield site
    # Whatever happened, nothing is left, and every slot is free.
    eventually(lambda: not site.leftovers.of(site.ids()))
    assert {row.state for row in site.rows()} <= {"ended", "failed"}


def steps(output: str) -> list[str]:
    """What was printed, without the times, of which each line of a step has one."""
    lines = output.splitlines()
    return [re.sub(r"^ *\d+\.\d{3} s  ", "", line) for line in lines]


@pytest.mark.parametrize("name", [DESKTOP, SECRET, PATTERN])
def test_it_saves_a_picture_and_shows_every_step(tried: MarkedSite, name: str, tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"

    done = tried.manage("try_session", name, "--size", "640x480", "--picture", str(picture))

    assert (done.returncode, done.stderr) == (0, "")
    (session,) = tried.ids()
    first, reserved, running, banner, came, ended, saved = steps(done.stdout)
    assert first == (f"supervised at {place_of(tried.state / 'run')}" if tried.runs else ALONE)
    assert reserved == f"reserved slot 0 of {name!r}, session {session}"
    assert running.startswith("running at ")
    assert banner == "its VNC server answered: RFB 3.8"
    assert came.startswith("a picture of 640x480 came (")
    assert ended == "ended: It was stopped by its user."
    assert saved == f"The picture is in {picture}."
    with Image.open(picture) as image:
        assert image.size == (640, 480)
        assert len(image.getcolors(1 << 24) or ()) > 1


def test_it_says_what_went_wrong_and_exits_with_1(tried: MarkedSite, tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"

    done = tried.manage("try_session", FALSY, "--picture", str(picture))

    assert done.returncode == 1
    sentence = "It could not be started. start() returned False."
    assert done.stderr == f"CommandError: It failed: {sentence}\n"
    assert steps(done.stdout)[-1] == f"failed: {sentence}"
    assert not picture.exists()


def test_it_names_the_types_when_there_is_none_of_that_name(tried: MarkedSite) -> None:
    done = tried.manage("try_session", "Desktp")

    assert done.returncode == 1
    names = ", ".join(repr(name) for name in (DESKTOP, SECRET, PATTERN, FALSY))
    assert done.stderr == f"CommandError: There is no session type 'Desktp'; expected one of {names}.\n"
    assert tried.rows() == []


def test_it_says_when_all_slots_are_taken(site: MarkedSite) -> None:
    site.write_sessions({PATTERN: site.entry("marked_pattern.py")})
    site.start()
    site.run_session(PATTERN)

    done = site.manage("try_session", PATTERN)

    assert done.returncode == 1
    assert done.stderr == (
        f"CommandError: The only slot of '{PATTERN}' is in use. Try again when somebody has finished.\n"
    )
