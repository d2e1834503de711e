"""Both directions together: what the relay is promised."""

from __future__ import annotations

import pytest

from remote_service.rfb.policy import Policy
from remote_service.rfb.policy_filter import PolicyFilter
from tests.clock import Clock
from tests.unit.rfb.recordings import load
from tests.unit.rfb.server_samples import COPIED, SERVER_INIT, rectangle, update

KEY = bytes.fromhex("04 01 0000 00000061")
REQUEST = bytes.fromhex("03 01 0000 0000 0640 04b0")
CONTINUOUS = bytes.fromhex("96 01 0000 0000 0640 04b0")
SECRET = COPIED[0].data


def made(policy: Policy, *, follow_server: bool | None = None, clock: Clock | None = None) -> PolicyFilter:
    made = PolicyFilter(policy, clock=clock or Clock(), follow_server=follow_server)
    made.from_viewer(b"\x01")
    made.from_server(SERVER_INIT)
    return made


def test_a_picture_that_nothing_is_taken_out_of_is_not_looked_at() -> None:
    looker = made(Policy(view_only=True))
    garbage = b"\xff" * 100

    assert not looker.needs_server
    assert looker.from_server(garbage) is garbage
    assert looker.from_viewer(KEY + REQUEST) == REQUEST
    assert not looker.input_passed


def test_without_a_clipboard_out_the_server_is_followed() -> None:
    viewer = made(Policy(no_clipboard_out=True))

    assert viewer.needs_server
    assert viewer.from_server(SECRET + b"\x02") == b"\x02"
    assert viewer.from_viewer(KEY) == KEY
    assert viewer.input_passed


def test_both_directions_agree_about_the_pixel_format() -> None:
    viewer = made(Policy(no_clipboard_out=True))
    viewer.from_viewer(bytes.fromhex("00 000000 10 10 00 01 001f 003f 001f 0b 05 00 000000"))
    picture = update([rectangle(0, bytes(16))])

    assert viewer.from_server(picture + SECRET + picture) == picture * 2


def test_control_can_be_handed_over_and_taken_back() -> None:
    viewer = made(Policy(view_only=True))

    viewer.change(Policy(no_resize=True))
    assert viewer.policy == Policy(no_resize=True)
    assert viewer.from_viewer(KEY + KEY[:5]) == KEY + KEY[:5]

    viewer.change(Policy(view_only=True))
    assert viewer.from_viewer(KEY[5:] + KEY) == KEY[5:], "what was under way ends as it began"


def test_the_clipboard_can_be_closed_later_where_that_was_foreseen() -> None:
    viewer = made(Policy(), follow_server=True)
    assert viewer.from_server(SECRET) == SECRET

    viewer.change(Policy(no_clipboard_out=True))
    assert viewer.from_server(SECRET) == b""


def test_where_it_was_not_foreseen_the_viewer_has_to_come_anew() -> None:
    viewer = made(Policy(view_only=True))
    assert not viewer.allows(Policy(no_clipboard_out=True))
    assert viewer.allows(Policy(no_clipboard_in=True))

    with pytest.raises(ValueError) as caught:
        viewer.change(Policy(no_clipboard_out=True))

    assert str(caught.value) == "no_clipboard_out needs a filter that was made with follow_server=True"
    assert viewer.policy == Policy(view_only=True)
    with pytest.raises(ValueError):
        PolicyFilter(Policy(no_clipboard_out=True), clock=Clock(), follow_server=False)


def test_a_limit_of_updates_can_come_and_go() -> None:
    clock = Clock()
    viewer = made(Policy(no_resize=True), clock=clock)
    assert viewer.from_viewer(CONTINUOUS) == CONTINUOUS
    assert viewer.held_until is None

    viewer.change(Policy(no_resize=True, max_updates_per_second=5))
    assert viewer.held_until == clock.now
    assert viewer.release() == CONTINUOUS[:1] + b"\0" + CONTINUOUS[2:] + REQUEST
    assert viewer.held_until == clock.now + 0.2

    viewer.change(Policy(no_resize=True))
    assert viewer.release() == CONTINUOUS
    assert viewer.held_until is None


def test_a_limit_that_comes_in_mid_message_waits_for_its_end() -> None:
    viewer = made(Policy(no_resize=True))
    viewer.from_viewer(CONTINUOUS + KEY[:2])

    viewer.change(Policy(no_resize=True, max_updates_per_second=5))
    assert viewer.held_until is None
    assert viewer.from_viewer(KEY[2:]) == KEY[2:] + CONTINUOUS[:1] + b"\0" + CONTINUOUS[2:] + REQUEST


def test_a_real_viewer_passes_but_for_one_encoding() -> None:
    sent = load("novnc-1.7.0").viewer[13:]  # from ClientInit on
    announcement = (-316).to_bytes(4, "big", signed=True)
    behind = sent.index(announcement) + 4
    passed = PolicyFilter(Policy(), clock=Clock()).from_viewer(sent)

    assert len(passed) == len(sent) - 4
    assert passed[behind - 4 :] == sent[behind:]
    assert announcement not in passed


def test_its_repr_tells_positions_only() -> None:
    viewer = made(Policy(view_only=True))
    viewer.from_viewer(KEY)

    assert repr(viewer) == "<PolicyFilter <ViewerFilter <Sieve at byte 8>>, server not followed>"
    assert "ServerFilter" in repr(made(Policy(no_clipboard_out=True)))
