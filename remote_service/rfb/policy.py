"""What a viewer may do, as the relay is told it."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from .clipboard import ClipboardAct
from .message_table import MessageType

_ABOUT_THE_PICTURE = frozenset(
    {
        MessageType.SET_PIXEL_FORMAT,
        MessageType.SET_ENCODINGS,
        MessageType.FRAMEBUFFER_UPDATE_REQUEST,
        MessageType.ENABLE_CONTINUOUS_UPDATES,
        MessageType.CLIENT_FENCE,
    }
)
"""What concerns the picture of this one viewer; it may always send this."""

_WITH_CONTROL = frozenset(
    {
        MessageType.KEY_EVENT,
        MessageType.POINTER_EVENT,
        MessageType.XVP,
        MessageType.GII,
        MessageType.QEMU,
    }
)

_COPYING = frozenset({ClipboardAct.TEXT, ClipboardAct.NOTIFY, ClipboardAct.PROVIDE})
"""With these the sender gives its clipboard away."""
_ASKING = frozenset({ClipboardAct.REQUEST, ClipboardAct.PEEK})
"""With these it asks for the other side's."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A viewer's limits; without arguments it has none. The limits are independent of each other.

    Attributes:
        view_only: no keys, pointer, clipboard, sizes, power or sound reach the session. What is copied *in* the
            session still reaches a viewer that did not ask for it: add `no_clipboard_out` where that matters.
        no_clipboard_in: what the viewer copies does not reach the session.
        no_clipboard_out: what is copied in the session does not reach the viewer.
        no_resize: the viewer does not change the screen's size.
        max_updates_per_second: how often at most the VNC server is asked for a picture; None is without limit.
    """

    view_only: bool = False
    no_clipboard_in: bool = False
    no_clipboard_out: bool = False
    no_resize: bool = False
    max_updates_per_second: float | None = None

    def __post_init__(self) -> None:
        rate = self.max_updates_per_second
        if rate is not None and not (isfinite(rate) and rate > 0):
            raise ValueError(f"max_updates_per_second is {rate!r}; expected a number above 0, or None for no limit")

    @property
    def unlimited(self) -> bool:
        """Whether the viewer may do everything: it needs no filter at all."""
        return self == Policy()

    def passes(self, kind: int) -> bool:
        """Whether a message of the viewer, other than ClientCutText, may reach the VNC server."""
        if kind in _ABOUT_THE_PICTURE:
            return True
        if kind in _WITH_CONTROL:
            return not self.view_only
        return kind == MessageType.SET_DESKTOP_SIZE and not (self.view_only or self.no_resize)

    def passes_to_server(self, act: ClipboardAct) -> bool:
        """Whether a ClientCutText may reach the VNC server; Caps always may, since it copies nothing."""
        if act in _COPYING:
            return not (self.view_only or self.no_clipboard_in)
        return act not in _ASKING or not (self.view_only or self.no_clipboard_out)

    def passes_to_viewer(self, act: ClipboardAct) -> bool:
        """Whether a ServerCutText may reach a viewer of whom the server's messages are followed."""
        return act not in _COPYING or not self.no_clipboard_out
