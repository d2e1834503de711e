"""German and French keyboards: the events that a browser makes of their keys on Windows and on Linux.

Playwright's own keyboard is American, and what it does not have it inserts as text, which noVNC never sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from playwright.sync_api import Page

System = Literal["Windows", "Linux"]

_PLATFORMS = {"Windows": "Win32", "Linux": "Linux x86_64"}
_DISPATCH = """(strokes) => {
  for (const [type, event] of strokes) {
    document.activeElement.dispatchEvent(
      new KeyboardEvent(type, { ...event, bubbles: true, cancelable: true, composed: true }));
  }
}"""


@dataclass(frozen=True, slots=True)
class Press:
    """One key, and what is held with it."""

    key: str
    code: str
    held: Literal["", "Shift", "AltGr"] = ""


Layout = Mapping[str, tuple[Press, ...]]


def _alt_gr(**codes: str) -> Iterator[tuple[str, tuple[Press, ...]]]:
    for code, character in codes.items():
        yield character, (Press(character, code, "AltGr"),)


def _plain(**codes: str) -> Iterator[tuple[str, tuple[Press, ...]]]:
    for code, character in codes.items():
        yield character, (Press(character, code),)


def _dead(accent: Press, **codes: str) -> Iterator[tuple[str, tuple[Press, ...]]]:
    for code, character in codes.items():
        yield character, (accent, Press(character, code))


GERMAN: Layout = dict(
    [
        *_alt_gr(KeyQ="@", KeyE="€", Digit7="{", Digit8="[", Digit9="]", Digit0="}"),
        *_alt_gr(Minus="\\", IntlBackslash="|", BracketRight="~"),
        *_plain(Minus="ß", Quote="ä", Semicolon="ö", BracketLeft="ü"),
        *_dead(Press("Dead", "Equal"), KeyE="é"),
        *_dead(Press("Dead", "Equal", "Shift"), KeyE="è", KeyA="à", KeyU="ù"),
        *_dead(Press("Dead", "Backquote"), KeyA="â", KeyE="ê"),
    ]
)
FRENCH: Layout = dict(
    [
        *_alt_gr(Digit0="@", KeyE="€", Digit4="{", Digit5="[", Minus="]", Equal="}", Digit8="\\", Digit6="|"),
        *_plain(Digit2="é", Digit9="ç", Digit7="è", Digit0="à", Quote="ù"),
        *_dead(Press("Dead", "BracketLeft"), KeyQ="â", KeyE="ê"),
        *_dead(Press("Dead", "BracketLeft", "Shift"), KeyQ="ä", KeyO="ö", KeyU="ü"),
        *_dead(Press("Dead", "Digit2", "AltGr"), Space="~"),
    ]
)


def sit_at(page: Page, system: System) -> None:
    """Has pages that are opened from now on believe that their browser runs there."""
    platform = _PLATFORMS[system]
    page.add_init_script(f"Object.defineProperty(navigator, 'platform', {{ get: () => '{platform}' }});")


def write(page: Page, text: str, layout: Layout, system: System) -> None:
    """Types text, and Enter, into whatever has the focus."""
    for character in text:
        strokes = [stroke for press in layout[character] for stroke in _strokes(press, system)]
        page.evaluate(_DISPATCH, strokes)
    page.keyboard.press("Enter")


def _strokes(press: Press, system: System) -> Iterator[tuple[str, dict[str, Any]]]:
    held: list[tuple[dict[str, Any], dict[str, bool]]] = []
    if press.held == "Shift":
        held = [({"key": "Shift", "code": "ShiftLeft", "location": 1}, {"shiftKey": True})]
    elif press.held == "AltGr" and system == "Linux":
        held = [({"key": "AltGraph", "code": "AltRight", "location": 2}, {"modifierAltGraph": True})]
    elif press.held == "AltGr":
        # Windows makes a Control of its own before it.
        held = [
            ({"key": "Control", "code": "ControlLeft", "location": 1}, {"ctrlKey": True}),
            ({"key": "Alt", "code": "AltRight", "location": 2}, {"ctrlKey": True, "altKey": True}),
        ]
    flags: dict[str, bool] = {}
    for key, flags in held:
        yield "keydown", {**key, **flags}
    stroke = {"key": press.key, "code": press.code, **flags}
    yield "keydown", stroke
    yield "keyup", stroke
    for key, _flags in held:
        yield "keyup", key
