"""Trying a session type: what a trial says of types that do not show a picture. (The happy path, and a running server,
are in tests/integration/server/test_try_session.py.)"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from remote_service import details, lease, lifecycle, pid_file
from remote_service.errors import InvalidOptionError, UnknownTypeError
from remote_service.models import Session, Site
from remote_service.trial import Trial, TrialError

SCRIPT = """
import socket, threading
from remote_service import RemoteServiceScript

class Odd(RemoteServiceScript):
    def start(self, token, timestamp=None, options=None):
        if self.common_options["does"] == "fail":
            raise RuntimeError("no licence")
        path = self.scratch / "s.sock"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()
        threading.Thread(target=self.serve, args=(listener,), daemon=True).start()
        self.set_unix_socket(path)
        return True

    def serve(self, listener):
        while True:
            viewer, _ = listener.accept()
            viewer.sendall(self.common_options["does"].encode("latin-1"))
            viewer.shutdown(socket.SHUT_WR)

    def stop(self):
        return True

def realize_service(name="", count=1, index=0, common_options=None):
    return Odd(name, count, index, common_options)
"""

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def trial(gateway_settings: Any, settings: Any, tmp_path: Path) -> tuple[Trial, list[str]]:
    """A trial on a site with odd types, and the lines that it says."""
    (tmp_path / "odd.py").write_text(SCRIPT)
    does = {"Mute": "", "Other": "SSH-2.0-x\r\n", "Half": "RFB 003.008\n\x01\x01\x00\x00\x00\x00", "Failing": "fail"}
    entries: dict[str, Any] = {
        name: {"script": "odd.py", "count": 1, "options": {"does": text, "sizes": ["640x480"]}}
        for name, text in does.items()
    }
    entries["Raw"] = {"script": "odd.py", "count": 1, "options": {"does": "hello"}, "stream": "raw"}
    (tmp_path / "sessions.json").write_text(json.dumps(entries))
    settings.REMOTE_SERVICE = replace(
        gateway_settings, sessions_file=tmp_path / "sessions.json", script_dirs=(), session_user="root"
    )
    said: list[str] = []
    return Trial(settings.REMOTE_SERVICE, said.append), said


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "Mute",
            "The VNC server does not speak RFB as expected: ProtocolVersion at byte 0 is the end of the connection",
        ),
        ("Other", "The VNC server does not speak RFB as expected: ProtocolVersion at byte 0 is "),
        ("Half", " hung up before its picture was whole."),
        ("Failing", "It failed: It could not be started. start() raised RuntimeError: no licence."),
    ],
)
def test_it_says_what_was_wrong_and_ends_the_session(trial: tuple[Trial, list[str]], name: str, message: str) -> None:
    with pytest.raises(TrialError) as caught:
        asyncio.run(trial[0].run(name, {}))
    assert message in str(caught.value)
    assert Session.objects.get().over


def test_a_stream_that_is_no_rfb_has_no_picture(trial: tuple[Trial, list[str]]) -> None:
    assert asyncio.run(trial[0].run("Raw", {})) is None
    assert Session.objects.get().state == "ended"


@pytest.mark.parametrize(("name", "before"), [("Raw", ""), ("Failing", "It failed: It could not be started. ")])
def test_a_slot_that_is_kept_is_a_failure_with_what_to_do_about_it(
    trial: tuple[Trial, list[str]], monkeypatch: pytest.MonkeyPatch, name: str, before: str
) -> None:
    ask_to_stop = lifecycle.ask_to_stop

    def and_keep(session_id: uuid.UUID, *rest: Any) -> bool:
        lifecycle.quarantine(session_id, details.STOP_HUNG)
        return ask_to_stop(session_id, *rest)

    monkeypatch.setattr(lifecycle, "ask_to_stop", and_keep)
    with pytest.raises(TrialError) as caught:
        asyncio.run(trial[0].run(name, {}))
    said, session = str(caught.value), Session.objects.get()
    assert said.startswith(before)
    assert said.endswith(
        f"Its slot 0 is in quarantine: {details.STOP_HUNG}. See that nothing of it is left, then type "
        f"'manage.py sessions quarantine release {session.reference}'."
    )
    assert trial[1][-1].endswith(" (quarantined)")


def test_an_unknown_type_is_refused_with_those_that_there_are(trial: tuple[Trial, list[str]]) -> None:
    with pytest.raises(UnknownTypeError) as caught:
        asyncio.run(trial[0].run("Moot", {}))
    assert str(caught.value) == (
        "There is no session type 'Moot'; expected one of 'Mute', 'Other', 'Half', 'Failing', 'Raw'."
    )


@pytest.fixture
def supervised(trial: tuple[Trial, list[str]]) -> None:
    """Somebody supervises: this process, as the lease has it."""
    assert lease.take(lease.look(), "n8:/srv/state/run")


def test_who_supervises_does_it_whether_it_is_a_server_or_not(
    trial: tuple[Trial, list[str]], supervised: None, make_type: Callable[..., Any]
) -> None:
    make_type("Old")
    with pytest.raises(UnknownTypeError):
        asyncio.run(trial[0].run("Moot", {}))
    assert [line.split("s  ")[1] for line in trial[1]] == ["supervised at n8:/srv/state/run"]


def test_where_nobody_does_though_somebody_should_it_says_so(trial: tuple[Trial, list[str]]) -> None:
    one = replace(trial[0], settings=replace(trial[0].settings, lease_time=0.01))
    with pid_file.hold(one.settings.state_dir, pid_file.SUPERVISOR), pytest.raises(TrialError) as caught:
        asyncio.run(one.run("Mute", {}))
    assert str(caught.value) == (
        "Nobody supervises, so no session can be started: nobody ever has. There is a process that should, and its log "
        "says what keeps it: end it, and start it again."
    )


def test_of_a_type_that_a_running_server_has_not_read_it_says_how_to_have_it_read(
    trial: tuple[Trial, list[str]], supervised: None, make_type: Callable[..., Any]
) -> None:
    make_type("Old")
    with pytest.raises(UnknownTypeError) as caught:
        asyncio.run(trial[0].run("Mute", {}))
    assert str(caught.value) == (
        "There is no session type 'Mute'; expected one of 'Old'. The running server has not read the file since: "
        "type 'manage.py reload_sessions' first."
    )


def test_of_a_server_with_another_sessions_file_it_says_so(
    trial: tuple[Trial, list[str]], supervised: None, make_type: Callable[..., Any]
) -> None:
    make_type("Old")
    Site.objects.update_or_create(pk=1, defaults={"sessions_file": "/srv/site/sessions.json"})
    with pytest.raises(UnknownTypeError) as caught:
        asyncio.run(trial[0].run("Mute", {}))
    assert str(caught.value) == (
        "There is no session type 'Mute'; expected one of 'Old'. The running server reads another sessions file, "
        f"/srv/site/sessions.json, and this command was told {trial[0].settings.sessions_file}: stop the server first, "
        "or set REMOTE_SERVICE_STATE_DIR to a directory of your own and type 'manage.py prepare'."
    )


def test_of_a_type_that_the_file_has_not_either_it_says_no_such_thing(
    trial: tuple[Trial, list[str]], supervised: None, make_type: Callable[..., Any]
) -> None:
    make_type("Old")
    with pytest.raises(UnknownTypeError) as caught:
        asyncio.run(trial[0].run("Moot", {}))
    assert str(caught.value) == "There is no session type 'Moot'; expected one of 'Old'."


def test_an_option_that_cannot_be_is_refused(trial: tuple[Trial, list[str]]) -> None:
    with pytest.raises(InvalidOptionError):
        asyncio.run(trial[0].run("Mute", {"size": "x" * 100}))
    assert not Session.objects.exists()
