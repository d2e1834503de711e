"""What the relay promises, where it is a process of its own: the same tests, against `serve --workers 2`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.certificates import self_signed
from tests.integration.conftest import SESSIONS
from tests.integration.live import LiveServer
from tests.integration.test_relay import (  # noqa: F401 (run here, too)
    test_a_server_that_speaks_first_may_say_a_megabyte,
    test_a_viewer_sees_the_screen_of_a_vnc_server,
    test_bytes_of_both_directions_arrive_as_they_were_sent,
    test_what_a_viewer_says_before_its_session_runs_arrives,
    test_where_input_cannot_be_told_nobody_may_only_look,
    test_who_may_only_look_sees_and_types_in_vain,
)
from tests.integration.test_relay_closing import (  # noqa: F401 (run here, too)
    test_1000_or_4013_somebody_stopped_it,
    test_1000_the_program_ended,
    test_4001_the_user_logged_out,
    test_it_ended_by_itself,
)
from tests.integration.test_relay_endpoints import (  # noqa: F401 (run here, too)
    test_a_vnc_server_on_a_port_that_asks_for_no_password_is_noticed,
)
from tests.integration.test_relay_viewers import (  # noqa: F401 (run here, too)
    test_a_line_that_is_found_cut_only_after_its_user_came_back_is_not_waited_for,
    test_a_line_that_was_cut_keeps_the_session_for_reconnect_seconds,
    test_a_users_session_is_opened_by_the_users_cookie_from_the_sites_own_pages,
    test_of_two_viewers_one_may_leave_and_the_last_ends_the_session,
    test_who_comes_back_finds_the_same_session,
)
from tests.integration.test_shared_sessions import (  # noqa: F401 (run here, too)
    test_a_guest_sees_the_screen_and_types_in_vain_until_control_is_handed_over,
    test_a_guests_open_line_ends_at_once,
    test_of_two_who_hold_one_link_one_alone_is_handed_control,
    test_one_is_sent_away_and_stays_out_while_the_others_look_on,
)


@pytest.fixture(scope="module", params=["plain", "TLS"])
def live(
    site_template: Path, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    """A server whose relay, supervisor and pages are processes of their own."""
    tls = self_signed(tmp_path_factory.mktemp("certificate")) if request.param == "TLS" else None
    server = LiveServer(site_template, SESSIONS, tls=tls)
    try:
        server.start("--workers", "2")
        yield server
        assert server.stop().status == 0, server.output
        assert server.leftovers.of() == []
    finally:
        server.clean_up()
