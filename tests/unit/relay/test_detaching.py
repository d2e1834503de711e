"""A websocket that is given away: what this process has of it ends with the handover."""

from __future__ import annotations

import socket

from remote_service.relay.detaching import DETACH, Detached, Unsent, detach_of


async def test_an_application_finds_the_way_in_its_scope() -> None:
    async def detach(_accept: object) -> Detached:
        raise NotImplementedError

    assert detach_of({"extensions": {DETACH: detach}}) is detach
    assert detach_of({"extensions": {}}) is None
    assert detach_of({"extensions": None}) is None
    assert detach_of({}) is None


def test_leaving_it_lets_go_of_the_connection_and_closes_our_descriptor() -> None:
    gone: list[bool] = []
    ours, theirs = socket.socketpair()
    with theirs:
        with Detached(b"", b"", 1, ours, None, lambda: gone.append(True)):
            assert gone == []
        assert (gone, ours.fileno()) == ([True], -1)


def test_where_there_is_no_socket_there_is_none_to_close() -> None:
    gone: list[bool] = []
    with Detached(b"", b"", 1, None, "seven", lambda: gone.append(True)):
        pass
    assert gone == [True]


def test_what_is_not_sent_is_kept() -> None:
    unsent = Unsent()
    unsent.write(b"one ")
    unsent.write(b"two")
    assert (unsent.written, unsent.is_closing()) == (b"one two", False)


def test_neither_the_answer_nor_what_came_early_is_shown() -> None:
    assert "secret" not in repr(Detached(b"secret", b"secret", 1, None, "seven", print))
