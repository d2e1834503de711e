"""Messages over sockets, with descriptors beside them."""

from __future__ import annotations

import errno
import itertools
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remote_service.hosting import wire
from remote_service.hosting.wire import Channel, Decoder, Message, WireError, encode, listen_on, peer_of, short_path

VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.lists(st.text(max_size=3), max_size=3)
MESSAGES = st.lists(st.dictionaries(st.text(max_size=5), VALUES, max_size=3), max_size=4)


@pytest.fixture
def pair() -> Iterator[tuple[Channel, Channel]]:
    """Two ends of a line."""
    one, other = socket.socketpair()
    channels = Channel(one), Channel(other)
    yield channels
    for channel in channels:
        channel.close()


@given(MESSAGES, st.lists(st.integers(1, 40), min_size=1, max_size=5))
@settings(deadline=None)
def test_messages_come_out_whole_however_the_stream_is_cut(messages: list[Message], sizes: list[int]) -> None:
    stream = b"".join(encode(message) for message in messages)
    decoder = Decoder()
    found: list[Message] = []
    for size in itertools.cycle(sizes):
        found += decoder.feed(stream[:size])
        stream = stream[size:]
        if not stream:
            break
    assert found == messages


def test_a_message_is_one_line() -> None:
    assert encode({"order": "stop", "text": "two\nlines €"}) == b'{"order":"stop","text":"two\\nlines \\u20ac"}\n'


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "a line that is not JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1))"),
        (b"", "a line that is not JSON (Expecting value: line 1 column 1 (char 0))"),
        (
            b"\xff",
            "a line that is not JSON ('utf-8' codec can't decode byte 0xff in position 0: invalid start byte)",
        ),
        (b"[1]", "a line that holds a list"),
        (b"null", "a line that holds a NoneType"),
    ],
)
def test_a_line_that_is_no_object_is_refused(line: bytes, why: str) -> None:
    with pytest.raises(WireError) as caught:
        Decoder().feed(line + b"\n")
    assert str(caught.value) == f"{why}; expected one JSON object a line"


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_LINE", 10)
    decoder = Decoder()
    assert decoder.feed(b"0123456789") == []
    with pytest.raises(WireError) as caught:
        decoder.feed(b"0")
    assert str(caught.value) == "a message of more than 10 bytes; expected one JSON object a line"


def test_a_channel_receives_one_message_after_the_other(pair: tuple[Channel, Channel]) -> None:
    one, other = pair
    one.send({"first": 1})
    one.send({"second": 2})
    assert other.receive() == {"first": 1}
    assert other.receive() == {"second": 2}
    one.close()
    assert other.receive() is None


def test_a_channel_that_would_block_has_nothing_yet(pair: tuple[Channel, Channel]) -> None:
    one, other = pair
    other.sock.setblocking(False)
    assert other.receive_available() == []
    one.sock.sendall(b'{"half')
    assert other.receive_available() == []
    one.sock.sendall(b'":1}\n')
    assert other.receive_available() == [{"half": 1}]


def test_a_message_is_sent_whole_however_large(pair: tuple[Channel, Channel]) -> None:
    one, other = pair
    large = {"x": "y" * 3_000_000}
    child = os.fork()
    if child == 0:
        one.send(large)
        os._exit(0)
    assert other.receive() == large
    os.waitpid(child, 0)


def test_a_line_that_was_reset_is_closed(pair: tuple[Channel, Channel]) -> None:
    one, other = pair
    # Closing with something unread resets a Unix socket's peer.
    other.send({"unread": True})
    one.close()
    assert other.receive_available() is None


def test_descriptors_come_along_in_order_and_those_that_nobody_took_are_closed(
    pair: tuple[Channel, Channel], tmp_path: Path
) -> None:
    one, other = pair
    numbers = [os.open(tmp_path / name, os.O_CREAT | os.O_RDWR) for name in ("a", "b")]
    one.send({"with": 2}, numbers)
    for number in numbers:
        os.close(number)
    assert other.receive() == {"with": 2}
    first, second = other.descriptors
    assert [os.readlink(f"/proc/self/fd/{number}") for number in other.descriptors] == [
        str(tmp_path / "a"),
        str(tmp_path / "b"),
    ]
    assert other.fileno() == other.sock.fileno()
    other.close()
    assert other.descriptors == []
    for number in (first, second):
        with pytest.raises(OSError):
            os.fstat(number)


def test_a_path_may_be_longer_than_a_socket_address(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-long-directory-name"] * 10)
    deep.mkdir(parents=True)
    path = deep / "sock"
    assert len(str(path)) > 107
    listener = listen_on(path)
    with short_path(path) as name, socket.socket(socket.AF_UNIX) as client:
        client.connect(name)
    listener.close()
    with pytest.raises(FileNotFoundError), short_path(tmp_path / "nowhere" / "sock"):
        pass


def test_a_name_that_is_taken_is_left_to_who_has_it(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    listener = listen_on(path)
    with pytest.raises(OSError) as caught:
        listen_on(path)
    assert caught.value.errno == errno.EADDRINUSE
    with short_path(path) as name, socket.socket(socket.AF_UNIX) as client:
        client.connect(name)
    listener.close()


def test_a_socket_is_private_and_replaces_a_stale_one_where_that_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    path.write_text("stale")
    listener = listen_on(path, replacing=True)
    mode = path.stat().st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600
    assert not os.get_inheritable(listener.fileno())
    listener.close()


def test_a_socket_that_cannot_be_made_leaves_no_descriptor(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        listen_on(tmp_path / "nowhere" / "sock")


def test_the_kernel_says_who_is_at_the_other_end() -> None:
    here, there = socket.socketpair()
    with here, there:
        assert peer_of(here) == (os.getpid(), os.geteuid())
