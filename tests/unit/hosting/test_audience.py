"""The supervisors of a runner, over real socket pairs and a real selector."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from remote_service.hosting import audience
from remote_service.hosting.audience import Audience
from remote_service.hosting.status import Phase, Status
from remote_service.hosting.wire import Channel, Message, listen_on, short_path


class Stage:
    """A runner's selector and listener, and what its audience made it do."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.selector = selectors.DefaultSelector()
        self.listener = listen_on(path)
        self.status = Status("some session")
        self.orders: list[Message] = []
        self.complaints: list[str] = []
        self.guests: list[Channel] = []
        self.audience = Audience(
            self.selector,
            self.listener,
            status=lambda: self.status,
            obey=self.orders.append,
            complain=self.complaints.append,
        )

    def turn(self) -> None:
        """One round of the runner's loop."""
        for key, _events in self.selector.select(1.0):
            key.data()

    def join(self) -> Channel:
        sock = socket.socket(socket.AF_UNIX)
        with short_path(self.path) as name:
            sock.connect(name)
        sock.settimeout(2.0)
        self.guests.append(Channel(sock))
        self.turn()
        return self.guests[-1]

    def close(self) -> None:
        for channel in self.guests:
            channel.close()
        self.audience.tell()
        self.audience.tell()
        self.listener.close()
        self.selector.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path / "runner.sock")
    yield stage
    stage.close()


def shown(channel: Channel) -> Phase:
    message = channel.receive()
    assert message is not None
    return Status.from_dict(message["status"]).phase


def test_a_new_supervisor_is_told_the_status_at_once(stage: Stage) -> None:
    assert shown(stage.join()) is Phase.IDLE


def test_all_supervisors_hear_a_change(stage: Stage) -> None:
    one, other = stage.join(), stage.join()
    assert (shown(one), shown(other)) == (Phase.IDLE, Phase.IDLE)
    stage.status = Status("some session", phase=Phase.READY)
    stage.audience.tell()
    assert (shown(one), shown(other)) == (Phase.READY, Phase.READY)


def test_an_order_is_obeyed(stage: Stage) -> None:
    stage.join().send({"order": "stop", "timeout": 3})
    stage.turn()
    assert stage.orders == [{"order": "stop", "timeout": 3}]


def test_a_later_supervisor_may_order_and_the_one_before_it_no_more(stage: Stage) -> None:
    before, after = stage.join(), stage.join()
    assert (shown(before), shown(after)) == (Phase.IDLE, Phase.IDLE)
    for guest, epoch in ((before, 6), (after, 7), (before, 6)):
        guest.send({"order": "adopt", "epoch": epoch})
        stage.turn()
    assert [order["epoch"] for order in stage.orders] == [6, 7]
    assert stage.complaints == ["an order of the epoch 6 is refused: a supervisor of 7 has taken over"]
    assert before.receive() is None
    stage.audience.tell()
    assert shown(after) is Phase.IDLE


def test_who_says_no_epoch_is_of_none_and_obeyed_until_one_does(stage: Stage) -> None:
    guest = stage.join()
    for order in ({"order": "stop"}, {"order": "adopt", "epoch": 1}, {"order": "stop"}):
        guest.send(order)
        stage.turn()
    assert stage.orders == [{"order": "stop"}, {"order": "adopt", "epoch": 1}]


def test_one_that_leaves_is_forgotten_and_the_others_stay(stage: Stage) -> None:
    gone, stays = stage.join(), stage.join()
    assert shown(stays) is Phase.IDLE
    gone.close()
    stage.turn()
    stage.audience.tell()
    assert shown(stays) is Phase.IDLE


def test_one_that_cannot_be_told_is_dropped(stage: Stage) -> None:
    gone = stage.join()
    gone.close()
    stage.audience.tell()
    stage.audience.tell()
    assert len(stage.selector.get_map()) == 1, "only the listener is left"


def test_one_that_is_dropped_while_it_has_something_to_say_is_not_heard(stage: Stage) -> None:
    """What one event of a round does may drop the supervisor of a later one."""
    gone = stage.join()
    gone.send({"order": "stop", "timeout": 3})
    gone.close()
    events = stage.selector.select(1.0)
    stage.audience.tell()
    for key, _events in events:
        key.data()
    assert stage.orders == []


def test_one_that_takes_nothing_in_is_dropped_after_a_while(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "TELL_PATIENCE", 0.05)
    stage.join()
    stage.status = Status("some session", detail="x" * 3_000_000)
    stage.audience.tell()
    assert len(stage.selector.get_map()) == 1, "only the listener is left"


def test_one_that_sends_rubbish_is_dropped_with_a_complaint(stage: Stage) -> None:
    guest = stage.join()
    assert shown(guest) is Phase.IDLE
    guest.sock.sendall(b"no message\n")
    stage.turn()
    assert stage.complaints == [
        "a supervisor sent what cannot be read: a line that is not JSON (Expecting value: line 1 column 1 (char 0)); "
        "expected one JSON object a line"
    ]
    assert guest.receive() is None
