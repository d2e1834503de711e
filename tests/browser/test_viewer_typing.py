"""What is typed arrives in the session, all of it: from the first key on, and from keyboards of other countries."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.keyboards import FRENCH, GERMAN, Layout, System, sit_at, write
from tests.browser.served import ALICE, TYPING
from tests.browser.visitor import wait_for_state
from tests.browser.visits import Visits
from tests.integration.leftovers import scratch
from tests.waiting import eventually

FRESH_DISPLAYS = 5
KEY_MESSAGES = (4, 255)
"""The first bytes of KeyEvent (RFC 6143, section 7.5.4) and of QEMU's own."""
NOTE_KEYS = f"""
    window.keysSent = [];
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function (data) {{
      const [kind] = typeof data === "string" ? [] : new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0);
      if ({list(KEY_MESSAGES)}.includes(kind)) window.keysSent.push(performance.now());
      return send.call(this, data);
    }};
"""
"""Has a page note when it sends which keys, in milliseconds of its own clock."""
SENTENCE = "The quick brown fox jumps over the lazy dog, 0123456789 times!?"


def typed(session: str) -> str:
    """What the session's terminal has read so far."""
    (folder,) = scratch(session)
    file = Path(folder, "typed")
    return file.read_text() if file.exists() else ""


def wait_for_text(session: str, text: str) -> None:
    """Waits for a line; says what came when it was another."""
    eventually(lambda: typed(session).endswith("\n"), within=15)
    assert typed(session) == f"{text}\n"


def test_the_first_keys_into_a_new_desktop_are_not_lost(visit: Visits) -> None:
    alice = visit(ALICE)
    for _ in range(FRESH_DISPLAYS):
        session = alice.start(TYPING)
        wait_for_state(alice.page, "connected")
        alice.page.keyboard.type(f"{SENTENCE}\n")
        wait_for_text(session, SENTENCE)


def test_what_is_typed_at_once_waits_until_a_new_desktop_has_got_over_its_first_key(visit: Visits) -> None:
    alice = visit(ALICE)
    page = alice.page
    page.add_init_script(NOTE_KEYS)
    alice.start(TYPING)
    wait_for_state(page, "connected")
    page.keyboard.type("ab")

    def sent() -> list[float]:
        return page.evaluate("keysSent")  # type: ignore[no-any-return]

    eventually(lambda: len(sent()) == 6)  # Shift, a, b, each down and up
    _shift_down, shift_up, a_down, *_, b_up = sent()
    assert a_down - shift_up >= 400
    assert b_up - a_down < 300


@pytest.mark.parametrize("system", ["Windows", "Linux"])
@pytest.mark.parametrize(
    ("layout", "text"), [(GERMAN, "@€{[]}\\|~ßäöüéèàùâê"), (FRENCH, "@€{[]}\\|~éçèàùâêäöü")], ids=["German", "French"]
)
def test_what_other_keyboards_have_arrives(visit: Visits, layout: Layout, text: str, system: System) -> None:
    alice = visit(ALICE)
    sit_at(alice.page, system)
    session = alice.start(TYPING)
    wait_for_state(alice.page, "connected")

    write(alice.page, text, layout, system)

    wait_for_text(session, text)
