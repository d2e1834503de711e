"""The framework's settings as a record."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

from remote_service import conf
from remote_service.conf import Crew, GatewaySettings

PLAIN = GatewaySettings(Path("/srv/state"), Path("/srv/sessions.json"), (Path("/srv/scripts"),))


def test_what_the_site_does_not_say_is_as_documented() -> None:
    assert (PLAIN.script_env, PLAIN.session_user, PLAIN.security_token, PLAIN.per_user_total) == (
        (),
        "remote-session",
        "",
        5,
    )


def test_everything_of_a_run_lies_in_the_state_directory() -> None:
    assert PLAIN.run_dir == Path("/srv/state/run")
    assert PLAIN.session_logs == Path("/srv/state/logs/sessions")
    assert PLAIN.type_logs == Path("/srv/state/logs/types")


def test_it_cannot_be_changed_by_accident() -> None:
    with pytest.raises(FrozenInstanceError):
        PLAIN.session_user = "root"  # type: ignore[misc]  # the point of the test


def test_the_settings_in_force_are_those_of_the_site(settings: Any) -> None:
    settings.REMOTE_SERVICE = PLAIN
    assert conf.current() is PLAIN


def test_the_secret_of_the_rest_is_not_shown_by_accident() -> None:
    assert "hush" not in repr(GatewaySettings(Path("/s"), Path("/f"), (), security_token="hush"))


def test_the_sockets_of_a_crew_lie_in_its_folder() -> None:
    crew = Crew(4711, Path("/srv/state/crew"))
    assert (crew.handovers, crew.office("pages-1")) == (
        Path("/srv/state/crew/handovers.sock"),
        Path("/srv/state/crew/office-pages-1.sock"),
    )
    assert crew.figures == Path("/srv/state/crew/figures")
    assert crew.nudges is None
    assert PLAIN.crew is None
