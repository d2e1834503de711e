"""Each limit of a session type once for real, with small values: some seconds, at once (0), and none (null).

That something outlasts all time cannot be shown; that it outlasts another one, which was begun later and has a limit,
can.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.integration.live import Reservation, cut
from tests.integration.server.marked_site import MarkedSite, marked_site
from tests.integration.server.rfb_user import log_in, press
from tests.integration.serving import ADMIN_PASSWORD
from tests.waiting import eventually

SOON = 0.4
SCRIPT = "marked_pattern.py"

# Limits beside the one under test are null, so that it is the one that ends the session.
TYPES: dict[str, dict[str, Any]] = {
    "reserve soon": {"limits": {"reservation_timeout": SOON}},
    "reserve at once": {"limits": {"reservation_timeout": 0}},
    "reserve for ever": {"limits": {"reservation_timeout": None}},
    "start soon": {"limits": {"start_timeout": SOON}, "options": {"start": "hang"}},
    "start at once": {"limits": {"start_timeout": 0}, "options": {"start": "hang"}},
    "start for ever": {"limits": {"start_timeout": None}, "options": {"start": "hang"}},
    "silent": {"limits": {"start_timeout": SOON}, "options": {"start": "silent"}},
    "linger soon": {"limits": {"linger": SOON, "reconnect": None}},
    "linger at once": {"limits": {"linger": 0, "reconnect": None}},
    "linger for ever": {"limits": {"linger": None, "reconnect": None}},
    "reconnect soon": {"limits": {"linger": None, "reconnect": SOON}},
    "reconnect at once": {"limits": {"linger": None, "reconnect": 0}},
    "reconnect for ever": {"limits": {"linger": None, "reconnect": None}},
    "idle soon": {"limits": {"idle_timeout": 3.0}},
    "idle at once": {"limits": {"idle_timeout": 0}},
    "live briefly": {"limits": {"max_lifetime": 1.0}},
    "live for no time": {"limits": {"max_lifetime": 0}},
}


@pytest.fixture(scope="module")
def limited(prepared_state: Path) -> Iterator[MarkedSite]:
    """A running site with a type for each limit."""
    with marked_site(prepared_state) as site:
        site.write_sessions(
            {name: site.entry(SCRIPT, 2, keys.get("options"), limits=keys["limits"]) for name, keys in TYPES.items()}
        )
        site.start()
        yield site


def end_of(site: MarkedSite, reservation: Reservation) -> tuple[str, str]:
    """How a session ended, once it has and its slot is free."""

    def ended() -> bool:
        return site.row(reservation).state in ("ended", "failed")

    eventually(ended, within=8)
    row = site.row(reservation)
    instances = site.rest("/v1/status").body["services"][reservation.service]["instances"]
    assert instances[reservation.index]["state"] == "free"
    return row.state, row.end_reason


def told(viewer: ClientConnection, within: float = 8.0) -> tuple[int | None, str | None]:
    """The code and the sentence with which the server closed a viewer."""
    with pytest.raises(ConnectionClosed):
        while True:
            viewer.recv(within)
    return viewer.close_code, viewer.close_reason


# ---- reservation_timeout ----------------------------------------------------------------------------------


@pytest.mark.parametrize("type_name", ["reserve soon", "reserve at once"])
def test_a_reservation_that_nobody_uses_ends(limited: MarkedSite, type_name: str) -> None:
    reservation = limited.reserve(type_name)

    assert end_of(limited, reservation) == ("ended", "reservation_expired")
    assert limited.calls("start", limited.row(reservation).id) == 0


def test_a_reservation_without_a_limit_outlasts_one_with(limited: MarkedSite) -> None:
    kept, other = limited.reserve("reserve for ever"), limited.reserve("reserve soon")

    end_of(limited, other)

    assert limited.row(kept).state == "reserved"


def test_a_session_that_is_used_is_not_ended_by_the_time_of_its_reservation(limited: MarkedSite) -> None:
    used, _viewer = limited.run_session("reserve soon")

    end_of(limited, limited.reserve("reserve soon"))

    assert limited.row(used).state == "running"


def test_a_session_that_was_started_and_never_looked_at_ends(limited: MarkedSite) -> None:
    limited.login("admin", ADMIN_PASSWORD)
    session = limited.launch("admin", "reserve soon")

    def row() -> tuple[str, str]:
        return next((row.state, row.end_reason) for row in limited.rows() if row.id == session)

    eventually(lambda: row() == ("ended", "never_viewed"), within=8)
    assert limited.calls("stop", session) == 1


# ---- start_timeout ----------------------------------------------------------------------------------------


def test_a_start_that_takes_too_long_fails(limited: MarkedSite) -> None:
    reservation = limited.reserve("start soon")
    viewer = limited.open(reservation)

    assert told(viewer) == (4010, f"It could not be started. start() had not returned after {SOON} s.")
    assert end_of(limited, reservation) == ("failed", "start_failed")
    assert limited.calls("stop", limited.row(reservation).id) == 1


def test_a_start_that_gets_no_time_at_all_fails(limited: MarkedSite) -> None:
    reservation = limited.reserve("start at once")
    viewer = limited.open(reservation)

    code, reason = told(viewer)

    assert code == 4010
    # Not even the check of the options, which comes before `start`, is sure to get to its end.
    assert re.fullmatch(r"It could not be started\. \w+\(\) had not returned after 0 s\.", reason or "")
    assert end_of(limited, reservation) == ("failed", "start_failed")
    session = limited.row(reservation).id
    assert limited.calls("stop", session) == limited.calls("start", session)


def test_the_wait_for_the_endpoint_counts_as_start(limited: MarkedSite) -> None:
    reservation = limited.reserve("silent")
    viewer = limited.open(reservation)

    code, reason = told(viewer)

    assert code == 4010
    assert reason is not None
    assert reason.startswith("It could not be started. Nothing listened at ")
    assert end_of(limited, reservation) == ("failed", "start_failed")


def test_a_start_without_a_limit_outlasts_one_with(limited: MarkedSite) -> None:
    patient = limited.reserve("start for ever")
    limited.open(patient)
    hasty = limited.reserve("start soon")
    limited.open(hasty)

    end_of(limited, hasty)

    assert limited.row(patient).state == "starting"
    limited.rest(f"/v1/release/{patient.token}")
    assert end_of(limited, patient) == ("ended", "released")


# ---- linger and reconnect ---------------------------------------------------------------------------------


@pytest.mark.parametrize("type_name", ["linger soon", "linger at once"])
def test_a_session_ends_after_its_last_viewer_closed_it(limited: MarkedSite, type_name: str) -> None:
    reservation, viewer = limited.run_session(type_name)
    viewer.close()

    assert end_of(limited, reservation) == ("ended", "last_viewer")
    assert limited.calls("stop", limited.row(reservation).id) == 1


def test_a_session_that_lingers_for_ever_outlasts_one_that_does_not(limited: MarkedSite) -> None:
    kept, viewer = limited.run_session("linger for ever")
    viewer.close()
    other, viewer = limited.run_session("linger soon")
    viewer.close()

    end_of(limited, other)

    assert limited.row(kept).state == "running"


def test_closing_one_of_two_viewers_does_not_end_it(limited: MarkedSite) -> None:
    shared, first = limited.run_session("linger at once")
    limited.open(shared)
    first.close()
    other, viewer = limited.run_session("linger soon")
    viewer.close()

    end_of(limited, other)

    assert limited.row(shared).state == "running"


@pytest.mark.parametrize("type_name", ["reconnect soon", "reconnect at once"])
def test_a_session_ends_when_a_viewer_whose_line_was_cut_does_not_come_back(
    limited: MarkedSite, type_name: str
) -> None:
    reservation, viewer = limited.run_session(type_name)
    cut(viewer)

    assert end_of(limited, reservation) == ("ended", "last_viewer")


def test_a_cut_line_does_not_count_as_goodbye(limited: MarkedSite) -> None:
    cut_off, viewer = limited.run_session("linger at once")
    cut(viewer)
    kept, viewer = limited.run_session("reconnect for ever")
    cut(viewer)
    other, viewer = limited.run_session("linger soon")
    viewer.close()

    end_of(limited, other)

    assert limited.row(cut_off).state == "running"
    assert limited.row(kept).state == "running"


def test_a_viewer_that_comes_back_in_time_keeps_the_session(limited: MarkedSite) -> None:
    mine, viewer = limited.run_session("reconnect soon")
    other, others_viewer = limited.run_session("reconnect soon")
    cut(viewer)
    again = limited.open(mine)
    cut(others_viewer)

    end_of(limited, other)

    assert limited.row(mine).state == "running"
    assert again.recv(5) == b"RFB 003.008\n"


# ---- idle_timeout and max_lifetime ------------------------------------------------------------------------


def test_a_session_that_nobody_uses_ends_and_one_that_is_used_does_not(limited: MarkedSite) -> None:
    idle, idle_viewer = limited.run_session("idle soon")
    used, used_viewer = limited.run_session("idle soon")
    log_in(used_viewer)
    closed = False
    for _ in range(100):
        press(used_viewer)
        try:
            # Waiting for what does not come is the pause between two keys.
            idle_viewer.recv(0.1)
        except TimeoutError:
            continue
        except ConnectionClosed:
            closed = True
            break

    assert closed
    assert (idle_viewer.close_code, idle_viewer.close_reason) == (
        4008,
        "Nobody used keyboard or pointer for too long.",
    )
    assert end_of(limited, idle) == ("ended", "idle")
    assert limited.row(used).state == "running"


@pytest.mark.parametrize(
    ("type_name", "code", "reason", "ending"),
    [
        ("idle at once", 4008, "Nobody used keyboard or pointer for too long.", "idle"),
        ("live briefly", 4009, "It reached the longest time that it may run.", "lifetime"),
        ("live for no time", 4009, "It reached the longest time that it may run.", "lifetime"),
    ],
)
def test_it_ends_under_its_viewers_eyes(
    limited: MarkedSite, type_name: str, code: int, reason: str, ending: str
) -> None:
    reservation = limited.reserve(type_name)
    viewer = limited.open(reservation)

    assert told(viewer) == (code, reason)
    assert end_of(limited, reservation) == ("ended", ending)
    assert limited.calls("stop", limited.row(reservation).id) == 1
