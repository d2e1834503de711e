"""The sessions file is read again while the server runs; the switch is turned while sessions run."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from tests.integration.leftovers import lives
from tests.integration.server.marked_site import MarkedSite
from tests.waiting import eventually

OLD, NEW = "Old", "New"


def by_command(site: MarkedSite) -> None:
    done = site.manage("reload_sessions")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "The server has read the sessions file: 1 session type, 0 errors, 0 warnings.\n"


def by_signal(site: MarkedSite) -> None:
    os.kill(int((site.state / "server.pid").read_text()), signal.SIGHUP)


@pytest.fixture
def served(site: MarkedSite) -> MarkedSite:
    """A site with one type."""
    site.write_sessions({OLD: site.entry("marked_pattern.py", 2)})
    site.start()
    return site


def types(site: MarkedSite) -> list[str]:
    return list(site.rest("/v1/status").body["services"])


def loads(site: MarkedSite) -> int:
    """How often the server has said that it read the file."""
    return site.output.count("the sessions file has been read") + site.output.count("the sessions file is not in force")


@pytest.mark.parametrize("ask", [pytest.param(by_command, id="command"), pytest.param(by_signal, id="SIGHUP")])
def test_it_reads_the_sessions_file_again(served: MarkedSite, ask: Callable[[MarkedSite], None]) -> None:
    served.write_sessions({NEW: served.entry("marked_pattern.py", 3)})
    ask(served)

    eventually(lambda: types(served) == [NEW])

    served.run_session(NEW)
    assert served.rest(f"/v1/reserve/{OLD}") == (
        404,
        {"error": "unknown_type", "message": f"There is no session type '{OLD}' here."},
    )


def test_a_session_of_a_removed_type_lives_on_and_its_script_host_goes(served: MarkedSite) -> None:
    reservation, _ = served.run_session(OLD)
    (host,) = served.hosts(OLD)
    served.write_sessions({NEW: served.entry("marked_pattern.py")})
    by_signal(served)
    eventually(lambda: types(served) == [NEW])

    eventually(lambda: not lives(host))
    with served.open(reservation) as second:
        assert second.recv(10) == b"RFB 003.008\n"
    assert served.row(reservation).state == "running"

    assert served.rest(f"/v1/release/{reservation.token}") == (200, {"released": True})
    assert served.row(reservation).end_reason == "released"
    assert served.calls("stop", served.row(reservation).id) == 1


@pytest.mark.parametrize("text", ["{", "[]", ""], ids=["truncated", "a list", "empty"])
def test_a_broken_file_leaves_the_catalogue_as_it_was(served: MarkedSite, text: str) -> None:
    before = loads(served)
    served.sessions_file.write_text(text)
    by_signal(served)

    eventually(lambda: loads(served) > before)

    assert str(served.sessions_file) in served.output
    assert types(served) == [OLD]
    served.run_session(OLD)


def test_one_broken_entry_leaves_the_others(served: MarkedSite) -> None:
    served.scripts.joinpath("broken.py").write_text("raise RuntimeError('out of order')\n")
    served.write_sessions({OLD: served.entry("broken.py"), NEW: served.entry("marked_pattern.py")})
    by_signal(served)

    eventually(lambda: types(served) == [NEW])

    assert "RuntimeError: out of order" in served.output


def test_an_edited_script_is_used_by_new_sessions_and_not_by_old_ones(served: MarkedSite) -> None:
    old, _ = served.run_session(OLD)
    script = served.scripts / "marked_pattern.py"
    script.write_text(
        script.read_text().replace('mark(self.common_options, "stop")', 'mark(self.common_options, "end")')
    )
    before = loads(served)
    by_command(served)
    eventually(lambda: loads(served) > before)
    new, _ = served.run_session(OLD)

    for reservation in (old, new):
        assert served.rest(f"/v1/release/{reservation.token}").status == 200

    made = {reservation: served.row(reservation).id for reservation in (old, new)}
    assert (served.calls("stop", made[old]), served.calls("end", made[old])) == (1, 0)
    assert (served.calls("stop", made[new]), served.calls("end", made[new])) == (0, 1)


def test_the_switch_refuses_launches_and_leaves_what_runs(served: MarkedSite) -> None:
    running, viewer = served.run_session(OLD)
    reserved = served.reserve(OLD)

    turn_switch(served, on=False)

    assert served.rest(f"/v1/reserve/{OLD}") == (
        503,
        {"error": "switched_off", "message": "Launching sessions is switched off at this site at the moment."},
    )
    viewer.close()
    with served.open(running) as again:
        assert again.recv(10) == b"RFB 003.008\n"
    assert served.row(running).state == "running"
    assert served.rest(f"/v1/release/{reserved.token}").status == 200

    turn_switch(served, on=True)

    served.run_session(OLD)


def turn_switch(site: MarkedSite, *, on: bool) -> None:
    """As the admin page does it."""
    change = f"Site.objects.filter(pk=1).update(external_sessions_enabled={on})"
    done = site.manage("shell", "-v0", "-c", f"from remote_service.models import Site; {change}")
    assert done.returncode == 0, done.stderr
