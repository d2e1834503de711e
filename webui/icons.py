"""The symbols in `static/webui/icons.svg`, and which of them a session type may name.

The key `icon` of an entry in the sessions file is one of `TYPE_ICONS`; anything else is shown as a monitor.
"""

from __future__ import annotations

TYPE_ICONS = (
    "monitor",
    "desktop",
    "terminal",
    "wall",
    "cluster",
    "server",
    "chip",
    "cube",
    "chart",
    "flask",
    "code",
    "globe",
    "folder",
    "pattern",
)
DEFAULT_ICON = "monitor"

PAGE_ICONS = (
    "logo",
    "enter",
    "info",
    "clipboard",
    "keyboard",
    "keys",
    "camera",
    "down",
    "fit",
    "fullscreen",
    "leave",
    "share",
    "stop",
    "warning",
    "check",
    "user",
)
"""Those that the pages themselves use."""


def type_icon(name: str | None) -> str:
    """The symbol for what a sessions file calls an icon."""
    return name if name in TYPE_ICONS else DEFAULT_ICON
