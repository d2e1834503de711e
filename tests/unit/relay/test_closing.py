"""Close codes and reasons, as design section 10 lists them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_service.relay import closing
from remote_service.relay.closing import CLEAN, CUT, MOST_REASON_BYTES, Close, Leaving, close_for, left_with
from remote_service.states import ENDINGS, EndReason

CODES = {
    EndReason.USER: 1000,
    EndReason.STAFF: 4013,
    EndReason.LAST_VIEWER: 4004,
    EndReason.NEVER_VIEWED: 4004,
    EndReason.IDLE: 4008,
    EndReason.LIFETIME: 4009,
    EndReason.PROGRAM_ENDED: 1000,
    EndReason.START_FAILED: 4010,
    EndReason.ENDPOINT_LOST: 4011,
    EndReason.ENDPOINT_REFUSED: 4011,
    EndReason.RUNNER_LOST: 4011,
    EndReason.OUT_OF_MEMORY: 4011,
    EndReason.RESERVATION_EXPIRED: 4004,
    EndReason.RELEASED: 1000,
    EndReason.SERVER_STOPPED: 1012,
    EndReason.SERVER_KILLED: 1012,
}


@pytest.mark.parametrize("reason", list(EndReason))
def test_every_reason_of_an_end_has_its_code(reason: EndReason) -> None:
    assert close_for(reason, "").code == CODES[reason]


def test_the_reason_is_the_sentence_and_the_detail() -> None:
    assert close_for("start_failed", "start() returned False.") == Close(
        4010, "It could not be started. start() returned False."
    )
    assert close_for("idle", "").reason == "Nobody used keyboard or pointer for too long."


def test_a_session_that_is_not_there_any_more_has_gone() -> None:
    assert close_for("", "") == Close(4004, "The session has gone.")


def test_the_message_is_what_asgi_wants() -> None:
    assert Close(4013, "Stopped.").message() == {"type": "websocket.close", "code": 4013, "reason": "Stopped."}


@pytest.mark.parametrize(
    ("reason", "cut"),
    [
        ("x" * 123, "x" * 123),
        ("x" * 124, "x" * 123),
        ("x" * 122 + "é", "x" * 122),  # its first byte alone would fit
        ("x" * 121 + "é!", "x" * 121 + "é"),
        ("x" * 120 + "😀", "x" * 120),
        ("bad \udcff path", "bad ? path"),  # a file name that is no UTF-8
    ],
)
def test_a_long_reason_is_cut_between_two_characters(reason: str, cut: str) -> None:
    assert Close(1000, reason).message()["reason"] == cut


@given(st.text())
def test_any_reason_fits_into_the_frame(reason: str) -> None:
    cut = str(Close(1000, reason).message()["reason"])

    assert len(cut.encode()) <= MOST_REASON_BYTES
    assert reason.startswith(cut)


@pytest.mark.parametrize(
    ("code", "leaving"), [(1000, CLEAN), (1001, CLEAN), (1005, CLEAN), (1006, CUT), (1011, CUT), (4000, CUT)]
)
def test_a_browser_that_closed_its_window_says_so_by_its_code(code: int, leaving: Leaving) -> None:
    assert left_with(code) == leaving


def test_who_is_there_when_the_server_stops_was_sent_away_by_it() -> None:
    assert left_with(1012) == Leaving(clean=False, close_code=1012)


@pytest.mark.parametrize(
    ("leaving", "words"),
    [(CLEAN, "closed"), (CUT, "line cut"), (Leaving(clean=True, close_code=4008), "sent away with 4008")],
)
def test_the_log_says_how_a_viewer_left(leaving: Leaving, words: str) -> None:
    assert str(leaving) == words


@pytest.mark.parametrize(
    ("first", "later", "both"),
    [
        (CUT, CLEAN, CUT),
        (CUT, Leaving(clean=True, close_code=1000), Leaving(clean=False, close_code=1000)),
        (Leaving(clean=False, close_code=4001), Leaving(clean=True, close_code=1000), Leaving(False, 4001)),
    ],
)
def test_what_is_said_first_is_believed_and_completed(first: Leaving, later: Leaving, both: Leaving) -> None:
    assert first.completed_by(later) == both


def test_every_code_with_which_the_gateway_sends_viewers_away_has_words() -> None:
    own = {value for name, value in vars(closing).items() if name.isupper() and isinstance(value, int)}
    codes = (own - {MOST_REASON_BYTES}) | {ending.close_code for ending in ENDINGS.values()}
    assert set(closing.SENT_AWAY) == codes
