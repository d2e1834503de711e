"""The base class of service scripts, without a session and with one that only takes notes."""

from __future__ import annotations

import logging
import string
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess, Popen
from typing import Any

import pytest

import remote_service
from remote_service.answers import Poll
from remote_service.endpoints import Endpoint, EndpointError, EndpointKind
from remote_service.script import OutsideSessionError, RemoteServiceScript


class Notes:
    """A session that notes what its script asks of it."""

    log = logging.Logger("notes")
    scratch = Path("/scratch")

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def publish(self, endpoint: Endpoint, password: str | None) -> None:
        self.asked.append((endpoint, password))

    def keep_secret(self, secret: str) -> None:
        self.asked.append(secret)

    def run(
        self, argv: Sequence[str], *, timeout: float, env: Mapping[str, str] | None, cwd: str | Path | None
    ) -> CompletedProcess[str]:
        self.asked.append((argv, timeout, env, cwd))
        return CompletedProcess(list(argv), 0, "said", "")

    def spawn(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None,
        cwd: str | Path | None,
        pass_fds: Sequence[int],
    ) -> Popen[bytes]:
        self.asked.append((argv, env, cwd, pass_fds))
        raise FileNotFoundError(argv[0])

    def poll(self) -> Poll:
        return Poll.alive("as the session says")


class Desktop(RemoteServiceScript):
    """A script as an admin writes it."""


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def script(notes: Notes) -> Desktop:
    made = Desktop("Local", count=2, index=1, common_options={"display_base": 100})
    made._context = notes
    return made


# ---- the instance ---------------------------------------------------------------------------------------


def test_it_is_the_one_name_that_the_package_gives() -> None:
    assert remote_service.RemoteServiceScript is RemoteServiceScript
    assert remote_service.__all__ == ["RemoteServiceScript"]


def test_it_keeps_what_the_loader_gave_under_both_names(script: Desktop) -> None:
    assert (script._name, script._count, script._index) == ("Local", 2, 1)
    assert (script.name, script.count, script.index) == ("Local", 2, 1)
    assert script._common_options == script.common_options == {"display_base": 100}


def test_it_can_be_made_of_nothing() -> None:
    made = RemoteServiceScript()
    assert (made.name, made.count, made.index, made.common_options) == ("", 1, 0, {})


@pytest.mark.parametrize("name", ["name", "count", "index", "common_options"])
def test_what_the_loader_gave_is_read_only(script: Desktop, name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(script, name, "other")


def test_every_instance_has_its_own_copy_of_the_options() -> None:
    given = {"list": [1]}
    one, other = Desktop(common_options=given), Desktop(common_options=given)
    one.common_options["list"].append(2)
    assert other.common_options == given == {"list": [1]}


# ---- the calls and hooks, when a script leaves them as they are -----------------------------------------


def test_the_base_starts_and_stops_nothing_and_says_that_it_went_well(script: Desktop, notes: Notes) -> None:
    assert script.start("token", timestamp=1.0, options={}) is True
    assert script.start("token") is True
    assert script.stop() is True
    assert notes.asked == []


def test_the_hooks_have_useful_defaults(script: Desktop) -> None:
    assert script.on_last_disconnect == "stop"
    assert script.validate_options({"size": "800x600"}) is None
    assert script.poll() == Poll.alive("as the session says")
    assert script.progress() == ""
    assert script.actions() == {}
    assert script.log_files() == ()


def test_an_action_that_is_not_there_is_named_with_those_that_are(script: Desktop) -> None:
    script.actions = lambda: {"zoom": "Zoom in", "mute": "Mute"}  # type: ignore[method-assign]  # as a script may
    with pytest.raises(LookupError) as caught:
        script.run_action("dance", [0], {})
    assert str(caught.value) == "Desktop has no action 'dance'; it has ['mute', 'zoom']"


def test_its_state_is_what_json_can_hold_of_its_attributes(script: Desktop) -> None:
    script.display = 3  # type: ignore[attr-defined]  # as a script does
    script.process = object()  # type: ignore[attr-defined]
    script.share = float("nan")  # type: ignore[attr-defined]
    circle: list[Any] = []
    circle.append(circle)
    script.circle = circle  # type: ignore[attr-defined]
    assert script.get_state() == {
        "_name": "Local", "_count": 2, "_index": 1, "_common_options": {"display_base": 100}, "display": 3,
    }  # fmt: skip


def test_a_fresh_instance_takes_the_state_of_another(script: Desktop) -> None:
    script.display = 3  # type: ignore[attr-defined]  # as a script does
    fresh = Desktop()
    fresh.load_state(script.get_state())
    assert fresh.get_state() == script.get_state()
    assert fresh._context is None


# ---- endpoints ------------------------------------------------------------------------------------------


def test_each_kind_of_endpoint_is_published(script: Desktop, notes: Notes) -> None:
    script.set_host_port("localhost", 5901)
    script.set_host_port("localhost", 5901, password="secret")
    script.set_unix_socket("/tmp/sock", password="secret")
    script.set_terminal(["tmux", "attach"])
    script.set_xpra("localhost", 14500)
    assert notes.asked == [
        (Endpoint.tcp("localhost", 5901), None),
        (Endpoint.tcp("localhost", 5901), "secret"),
        (Endpoint.unix("/tmp/sock"), "secret"),
        (Endpoint.terminal(["tmux", "attach"]), None),
        (Endpoint.tcp("localhost", 14500, EndpointKind.XPRA), None),
    ]


def test_an_endpoint_that_cannot_be_one_is_not_published(script: Desktop, notes: Notes) -> None:
    with pytest.raises(EndpointError):
        script.set_host_port("localhost", 0)
    assert notes.asked == []


# ---- helpers --------------------------------------------------------------------------------------------


def test_the_helpers_are_the_session_s(script: Desktop, notes: Notes) -> None:
    assert script.log is notes.log
    assert script.scratch == Path("/scratch")
    assert script.run(["true"]).stdout == "said"
    script.run(["true"], timeout=5.0, env={"A": "1"}, cwd="/tmp")
    with pytest.raises(FileNotFoundError):
        script.spawn(["no-such-program"], env={"B": "2"}, cwd="/", pass_fds=(3,))
    assert notes.asked == [
        (["true"], 30.0, None, None),
        (["true"], 5.0, {"A": "1"}, "/tmp"),
        (["no-such-program"], {"B": "2"}, "/", (3,)),
    ]


@pytest.mark.parametrize("length", [8, 20])
def test_a_new_password_is_random_plain_and_a_secret_from_the_first_moment(
    script: Desktop, notes: Notes, length: int
) -> None:
    made = {script.new_password(length) for _ in range(50)}
    assert len(made) == 50 and set(notes.asked) == made
    for password in made:
        assert len(password) == length and set(password) <= set(string.ascii_letters + string.digits)


def test_a_new_password_is_as_long_as_vnc_looks_at(script: Desktop) -> None:
    assert len(script.new_password()) == 8


def test_a_free_port_is_one(script: Desktop) -> None:
    assert 1024 <= script.free_port() <= 65535


@pytest.mark.parametrize(
    "use",
    [
        lambda s: s.log,
        lambda s: s.scratch,
        lambda s: s.run(["true"]),
        lambda s: s.spawn(["true"]),
        lambda s: s.new_password(),
        lambda s: s.set_host_port("localhost", 5900),
        lambda s: s.poll(),
    ],
)
def test_a_helper_outside_of_a_session_says_where_helpers_work(use: Any) -> None:
    with pytest.raises(OutsideSessionError) as caught:
        use(Desktop("Local", index=1))
    assert str(caught.value) == (
        "Desktop ('Local', index 1) used a helper where there is no session; "
        "helpers work in start(), stop() and the hooks, not at import, in __init__ or in realize_service()"
    )


def test_the_example_in_the_docstring_is_a_script(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page that admins read first must not be wrong."""
    text = remote_service.script.__doc__ or ""
    _, _, after = text.partition("    from remote_service import")
    example, _, _ = after.partition("When what is called")
    namespace: dict[str, Any] = {}
    lines = [line.removeprefix("    ") for line in f"    from remote_service import{example}".splitlines()]
    exec(compile("\n".join(lines), "the docstring", "exec"), namespace)
    made = namespace["realize_service"](name="My desktop", count=2, index=1, common_options={})
    assert isinstance(made, RemoteServiceScript)
    made._context = notes
    spawned: list[Sequence[str]] = []
    monkeypatch.setattr(notes, "spawn", lambda argv, **_: spawned.append(argv))
    assert made.start("token", options={"size": "800x600"}) is True
    assert spawned[0][:4] == ["Xtigervnc", ":101", "-geometry", "800x600"]
    assert notes.asked == [(Endpoint.unix("/scratch/vnc.sock"), None)]
    assert made.stop() is True


def test_importing_it_loads_no_django() -> None:
    import sys

    check = "import sys, remote_service; sys.exit(any(n.split('.')[0] in ('django', 'channels') for n in sys.modules))"
    assert subprocess.run([sys.executable, "-c", check], cwd=Path(remote_service.__file__).parents[1]).returncode == 0
