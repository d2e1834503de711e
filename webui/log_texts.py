"""What the script that follows a log says, so that it is translated where everything else is."""

from __future__ import annotations

from django.utils.translation import gettext as _


def log_texts() -> dict[str, str]:
    """Name to sentence."""
    return {
        "following": _("New lines appear by themselves."),
        "paused": _("Paused. What is written meanwhile appears when you go on."),
        "over": _("The session is over; this is the end of its log."),
        "unreachable": _("The server cannot be reached at the moment; the next try follows."),
        "refused": _("The log cannot be shown any more: you are logged out, or the session was removed."),
        "skipped": _("… lines were left out here; the whole log can be downloaded …"),
        "pause": _("Pause"),
        "resume": _("Go on"),
    }
