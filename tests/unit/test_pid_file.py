"""One server and one supervisor a state directory."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from remote_service.pid_file import SERVER, SUPERVISOR, AlreadyRunningError, hold, is_held, share


@pytest.fixture(autouse=True)
def hangup() -> Iterator[None]:
    """Puts back what SIGHUP does."""
    before = signal.getsignal(signal.SIGHUP)
    yield
    signal.signal(signal.SIGHUP, before)


def test_it_shows_the_process_while_it_is_held(tmp_path: Path) -> None:
    with hold(tmp_path) as path:
        assert path == tmp_path / "server.pid"
        assert path.read_text() == f"{os.getpid()}\n"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == ""


def test_a_second_holder_is_refused_and_told_who_the_first_is(tmp_path: Path) -> None:
    with hold(tmp_path) as path:
        with pytest.raises(AlreadyRunningError) as caught, hold(tmp_path):
            pass
        assert path.read_text() == f"{os.getpid()}\n"
    assert str(caught.value) == (
        f"a server (process {os.getpid()}) already runs with the state directory {tmp_path}; expected none. "
        "Stop it, or set REMOTE_SERVICE_STATE_DIR to another directory to run a second one"
    )


def test_whether_it_is_held_can_be_asked_without_holding_it(tmp_path: Path) -> None:
    assert not is_held(tmp_path)
    with hold(tmp_path):
        assert is_held(tmp_path)
    assert not is_held(tmp_path)


def test_a_supervisor_that_stands_by_keeps_no_server_from_starting(tmp_path: Path) -> None:
    with hold(tmp_path, SUPERVISOR) as standby:
        assert standby == tmp_path / "supervisor.pid"
        assert is_held(tmp_path)
        with hold(tmp_path, SERVER) as server:
            assert server != standby


def test_a_holder_that_has_not_said_who_it_is_is_unknown(tmp_path: Path) -> None:
    with hold(tmp_path) as path:
        path.write_text("")
        with (
            pytest.raises(AlreadyRunningError, match=r"^a server \(process unknown\) already runs with "),
            hold(tmp_path),
        ):
            pass


def test_it_is_free_again_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with hold(tmp_path) as path:
            assert path.read_text() == f"{os.getpid()}\n"


def test_it_is_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), hold(tmp_path) as path:
        raise ZeroDivisionError
    assert path.read_text() == ""
    with hold(tmp_path) as path:
        assert path.read_text() == f"{os.getpid()}\n"


def test_a_longer_pid_of_the_last_holder_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "server.pid").write_text("123456789012\n")
    with hold(tmp_path) as path:
        assert path.read_text() == f"{os.getpid()}\n"


def test_two_directories_have_a_holder_each(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with hold(tmp_path / "a"), hold(tmp_path / "b") as path:
        assert path == tmp_path / "b" / "server.pid"


def test_who_asks_for_a_reload_by_what_it_shows_does_not_end_the_process(tmp_path: Path) -> None:
    with hold(tmp_path) as path:
        os.kill(int(path.read_text()), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_it_can_be_held_by_a_thread_which_cannot_say_what_signals_do(tmp_path: Path) -> None:
    shown = []

    def hold_it() -> None:
        with hold(tmp_path) as path:
            shown.append(path.read_text())

    thread = threading.Thread(target=hold_it)
    thread.start()
    thread.join()
    assert shown == [f"{os.getpid()}\n"]


@pytest.mark.parametrize("name", [SERVER, SUPERVISOR])
def test_a_server_of_a_release_before_the_lease_keeps_all_of_ours_out_and_they_keep_it_out(
    tmp_path: Path, name: str
) -> None:
    with open(tmp_path / "server.pid", "w+b") as theirs:
        fcntl.flock(theirs, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert is_held(tmp_path)
        with pytest.raises(AlreadyRunningError), hold(tmp_path, name):
            pass
        fcntl.flock(theirs, fcntl.LOCK_UN)
        with hold(tmp_path, name), pytest.raises(BlockingIOError):
            fcntl.flock(theirs, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_who_supervises_shares_the_lock_and_is_told_of_a_server_that_does_not(tmp_path: Path) -> None:
    with open(tmp_path / "server.pid", "w+b") as theirs:
        fcntl.flock(theirs, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert share(tmp_path) is None
        fcntl.flock(theirs, fcntl.LOCK_UN)
        shared = share(tmp_path)
        assert shared is not None
        with hold(tmp_path), pytest.raises(BlockingIOError):
            fcntl.flock(theirs, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(shared)
        fcntl.flock(theirs, fcntl.LOCK_EX | fcntl.LOCK_NB)
