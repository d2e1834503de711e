"""What each limit takes away, over every message and every act of the clipboard."""

from __future__ import annotations

import math

import pytest

from remote_service.rfb.clipboard import ClipboardAct
from remote_service.rfb.message_table import MessageType
from remote_service.rfb.policy import Policy

PICTURE = {
    MessageType.SET_PIXEL_FORMAT, MessageType.SET_ENCODINGS, MessageType.FRAMEBUFFER_UPDATE_REQUEST,
    MessageType.ENABLE_CONTINUOUS_UPDATES, MessageType.CLIENT_FENCE,
}  # fmt: skip
EVERYTHING = set(MessageType) - {MessageType.CLIENT_CUT_TEXT}
ACTS = set(ClipboardAct)
COPYING = {ClipboardAct.TEXT, ClipboardAct.NOTIFY, ClipboardAct.PROVIDE}
ASKING = {ClipboardAct.REQUEST, ClipboardAct.PEEK}


@pytest.mark.parametrize(
    ("policy", "passing"),
    [
        (Policy(), EVERYTHING),
        (Policy(view_only=True), PICTURE),
        (Policy(no_resize=True), EVERYTHING - {MessageType.SET_DESKTOP_SIZE}),
        (Policy(no_clipboard_in=True, no_clipboard_out=True, max_updates_per_second=1), EVERYTHING),
    ],
)
def test_messages_pass_by_the_policy(policy: Policy, passing: set[MessageType]) -> None:
    assert {kind for kind in EVERYTHING if policy.passes(kind)} == passing


def test_what_no_policy_names_does_not_pass() -> None:
    assert not [kind for kind in set(range(256)) - EVERYTHING if Policy().passes(kind)]


@pytest.mark.parametrize(
    ("policy", "to_server", "to_viewer"),
    [
        (Policy(), ACTS, ACTS),
        (Policy(no_clipboard_in=True), ACTS - COPYING, ACTS),
        (Policy(no_clipboard_out=True), ACTS - ASKING, ACTS - COPYING),
        (Policy(view_only=True), {ClipboardAct.CAPS}, ACTS),
        (Policy(view_only=True, no_clipboard_out=True), {ClipboardAct.CAPS}, ACTS - COPYING),
    ],
)
def test_clipboards_pass_by_the_policy(
    policy: Policy, to_server: set[ClipboardAct], to_viewer: set[ClipboardAct]
) -> None:
    assert {act for act in ACTS if policy.passes_to_server(act)} == to_server
    assert {act for act in ACTS if policy.passes_to_viewer(act)} == to_viewer


def test_only_a_policy_without_limits_is_unlimited() -> None:
    assert Policy().unlimited
    assert not [p for p in (Policy(view_only=True), Policy(max_updates_per_second=30)) if p.unlimited]


@pytest.mark.parametrize("rate", [0, -1, math.nan, math.inf])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(ValueError) as caught:
        Policy(max_updates_per_second=rate)

    assert str(caught.value) == (f"max_updates_per_second is {rate!r}; expected a number above 0, or None for no limit")
