"""What must hold of `remote_service.rfb` for all bytes whatsoever; a broken promise is an AssertionError.

The first bytes of an input choose a property and how the rest is cut into chunks, so that one corpus serves all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from remote_service.rfb.buffer import Data
from remote_service.rfb.errors import RemoteProtocolError, RFBError
from remote_service.rfb.handshake import ServerLogin, ViewerLogin
from remote_service.rfb.messages import ClientMessageFramer, InputWatch
from remote_service.rfb.policy import Policy
from remote_service.rfb.policy_filter import PolicyFilter
from remote_service.rfb.screenshot import ScreenshotClient

CHOICE = 3
"""How many bytes choose: the property, the policy, and the size of chunks."""

SMALL_SCREEN = b"\0\x08\0\x08"

Feed = Callable[[Data], Data]


def check(data: bytes) -> None:
    """Check one input."""
    if len(data) > CHOICE:
        what, policy, size = data[:CHOICE]
        PROPERTIES[what % len(PROPERTIES)](policy_of(policy), 1 + size, data[CHOICE:])


def policy_of(choice: int) -> Policy:
    """One of all combinations of limits."""
    return Policy(
        view_only=bool(choice & 1),
        no_clipboard_in=bool(choice & 2),
        no_clipboard_out=bool(choice & 4),
        no_resize=bool(choice & 8),
        max_updates_per_second=10 if choice & 16 else None,
    )


def viewers_are_filtered(policy: Policy, size: int, data: bytes) -> None:
    """Chunks do not matter, what passed passes again, and a looker's input never does."""

    def fresh() -> PolicyFilter:
        return PolicyFilter(policy, clock=lambda: 0.0)

    passed = _same_in_chunks(lambda: fresh().from_viewer, size, data)
    if passed is None:
        return
    # A second filter sees what was held back as what it is: too early, or not there.
    if policy.max_updates_per_second is None:
        assert fresh().from_viewer(passed) == passed, "a second filter changes it again"
    if policy.view_only and passed:
        assert not ClientMessageFramer().feed(passed[1:]), "a looker's input passes"


def servers_are_filtered(policy: Policy, size: int, data: bytes) -> None:
    """Chunks do not matter, and what passed passes again."""

    def fresh() -> Feed:
        return PolicyFilter(policy, clock=lambda: 0.0, follow_server=True).from_server

    passed = _same_in_chunks(fresh, size, data)
    assert passed is None or fresh()(passed) == passed, "a second filter changes it again"


def conversations_end_in_no_other_error(policy: Policy, size: int, data: bytes) -> None:
    """Both directions, time and policies change in any order; a chunk's first byte says which."""
    now = 0.0
    both = PolicyFilter(policy, clock=lambda: now, follow_server=True)
    try:
        for chunk in _chunks(data, size):
            match chunk[0] % 4:
                case 0:
                    both.from_server(chunk[1:])
                case 1 | 2:
                    both.from_viewer(chunk[1:])
                case _:
                    now += chunk[0] / 255
                    both.change(policy_of(chunk[-1]))
            both.release()
            assert both.held_until is None or both.held_until > now, "what is due stays"
    except RemoteProtocolError:
        return


def watches_never_raise(policy: Policy, size: int, data: bytes) -> None:
    """A handshake is followed, and input told from the rest, whatever both sides send."""
    watch = InputWatch.for_rfb()
    for chunk in _chunks(data, size):
        if chunk[0] % 2:
            watch.from_server(chunk[1:])
        else:
            watch.from_viewer(chunk[1:])


def logins_fail_by_their_own_errors(policy: Policy, size: int, data: bytes) -> None:
    """A login is done or says whose fault it is."""
    for login in (ServerLogin("secret"), ServerLogin(None), ViewerLogin()):
        login.start()
        try:
            for chunk in _chunks(data, size):
                if login.done:
                    break
                login.receive(chunk)
        except RFBError as error:
            assert str(error)


def screenshots_fail_by_their_own_errors(policy: Policy, size: int, data: bytes) -> None:
    """A picture comes, or a sentence that says what came instead."""
    client = ScreenshotClient()
    try:
        for chunk in _chunks(SMALL_SCREEN + data, size):
            if client.screenshot is None:
                client.receive(chunk)
    except RFBError as error:
        assert str(error)


PROPERTIES = (
    viewers_are_filtered,
    servers_are_filtered,
    conversations_end_in_no_other_error,
    watches_never_raise,
    logins_fail_by_their_own_errors,
    screenshots_fail_by_their_own_errors,
)


def _chunks(data: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def _same_in_chunks(fresh: Callable[[], Feed], size: int, data: bytes) -> bytes | None:
    """What passes of a stream; None where it ends in an error, which must be the same in any chunks."""
    outcomes = []
    for step in (len(data), size):
        feed = fresh()
        try:
            outcomes.append(b"".join(bytes(feed(chunk)) for chunk in _chunks(data, step)))
        except RemoteProtocolError as error:
            outcomes.append(error)
    whole, cut = outcomes
    assert str(whole) == str(cut), f"at once {whole!r}, in chunks of {size} {cut!r}"
    return whole if isinstance(whole, bytes) else None
