"""What all viewers of one test pattern share: the size, what was typed, the pointer, the time.

Each viewer has a thread of its own; every method may be called from any of them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from test_pattern_picture import MAX_CLICKS, Click, Scene
from test_pattern_protocol import CutText, Key, Pointer

TICK = 0.1
"""Seconds between two places of the mover."""
MAX_TYPED = 4000
"""Characters of typed text that are kept."""
MAX_NOTE = 60
"""Characters of a clipboard text that are shown."""

_RETURN, _KEYPAD_ENTER, _BACKSPACE = 0xFF0D, 0xFF8D, 0xFF08
_UNICODE = 0x01000000  # a keysym above this is that code point plus this
_KEY_NAMES = {
    0xFF09: "Tab",
    0xFF1B: "Escape",
    0xFF50: "Home",
    0xFF51: "Left",
    0xFF52: "Up",
    0xFF53: "Right",
    0xFF54: "Down",
    0xFF55: "Page Up",
    0xFF56: "Page Down",
    0xFF57: "End",
    0xFF63: "Insert",
    0xFFE1: "Shift",
    0xFFE3: "Control",
    0xFFE9: "Alt",
    0xFFFF: "Delete",
} | {0xFFBE + n: f"F{n + 1}" for n in range(12)}


class Board:
    """The state behind the picture."""

    def __init__(self, title: str, width: int, height: int, clock: Callable[[], float] = time.monotonic) -> None:
        """An empty board.

        Args:
            title: shown in the picture.
            width: pixels.
            height: pixels.
            clock: seconds, never going back.
        """
        self._title = title
        self._clock = clock
        self._start = clock()
        self._lock = threading.Lock()
        self._size = (width, height)
        self._typed = ""
        self._note = "Clipboard and special keys are shown here"
        self._pointer: tuple[int, int] | None = None
        self._buttons = 0
        self._clicks: tuple[Click, ...] = ()

    def scene(self) -> Scene:
        """What is to be seen now."""
        with self._lock:
            return Scene(
                *self._size,
                title=self._title,
                typed=self._typed,
                note=self._note,
                pointer=self._pointer,
                buttons=self._buttons,
                clicks=self._clicks,
                tick=int((self._clock() - self._start) / TICK),
            )

    def until_next_tick(self) -> float:
        """Seconds until the mover moves."""
        return TICK - (self._clock() - self._start) % TICK

    def resize(self, width: int, height: int) -> None:
        """The screen gets another size."""
        with self._lock:
            self._size = (width, height)

    def key(self, event: Key) -> None:
        """A key went down or up; only going down shows: characters as typed text, other keys in the note."""
        if not event.down:
            return
        keysym = event.keysym
        with self._lock:
            if keysym in (_RETURN, _KEYPAD_ENTER):
                self._typed += "\n"
            elif keysym == _BACKSPACE:
                self._typed = self._typed[:-1]
            elif 0x20 <= keysym <= 0x7E or 0xA0 <= keysym <= 0xFF:
                self._typed += chr(keysym)
            elif _UNICODE + 0x20 <= keysym <= _UNICODE + 0x10FFFF:
                self._typed += chr(keysym - _UNICODE)
            else:
                self._note = f"Key {_KEY_NAMES.get(keysym, '')} 0x{keysym:04x}"
            self._typed = self._typed[-MAX_TYPED:]

    def pointer(self, event: Pointer) -> None:
        """The pointer moved, or a button went down or up; the last clicks leave a mark."""
        with self._lock:
            width, height = self._size
            x, y = min(event.x, width - 1), min(event.y, height - 1)
            pressed = event.buttons & ~self._buttons
            marks = tuple(Click(x, y, button) for button in range(3) if pressed >> button & 1)
            self._clicks = (self._clicks + marks)[-MAX_CLICKS:]
            for bit, direction in enumerate(("up", "down", "left", "right"), start=3):
                if pressed >> bit & 1:
                    self._note = f"Wheel {direction}"
            self._pointer = (x, y)
            self._buttons = event.buttons

    def cut_text(self, event: CutText) -> None:
        """A viewer's clipboard changed: its beginning becomes the note."""
        with self._lock:
            self._note = f"Clipboard: {' '.join(event.text.split())[:MAX_NOTE]}"
