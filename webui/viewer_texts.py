"""What the viewer's script says, so that it is translated where everything else is."""

from __future__ import annotations

from django.utils.translation import gettext as _

from remote_service import details
from remote_service.relay.closing import SENTENCES
from webui.words import translated


def viewer_texts(*, guest: bool = False) -> dict[str, str]:
    """Name to sentence; `{}` is where the script puts a number, a name or a reason. A guest cannot log in."""
    shut_out = {
        "loginTitle": _("You are not let in any more"),
        "loginText": _("Open the link that you were sent again; it may let you in once more."),
    }
    texts = {
        "starting": _("Starting"),
        "connected": _("Connected"),
        "viewOnly": _("Connected, view only"),
        "reconnecting": _("Line cut, reconnecting"),
        "waiting": _("Waiting for the server"),
        "ending": _("Ending"),
        "lost": _("No connection"),
        "cutTitle": _("The line was cut"),
        "cutText": _("If the session goes on, this page reconnects to it by itself."),
        "restartTitle": _("The server is stopping or restarting"),
        "restartText": _("If the session goes on, this page reconnects to it by itself once the server is back."),
        "screenTitle": _("The session's screen was lost"),
        "screenText": _("This page tries to reach it again."),
        "offlineText": _("This computer seems to be offline."),
        "countdown": _("Next try in {} s."),
        "trying": _("Trying now …"),
        "gaveUpTitle": _("The session's screen cannot be reached"),
        "gaveUpText": _("Several tries failed. What the server said last: {}"),
        "nothingSaid": _("nothing."),
        "refusedText": _("The screen refused the connection: {}"),
        "limitedText": _("You cannot be let in: {}"),
        "loginTitle": _("You are logged out"),
        "loginText": _("Log in again to get back to the session, which may still be running."),
        "overTitle": _("The session is over"),
        "overText": _("It was shared with you, and what was shared has ended with it."),
        "goneTitle": _("This session is not there for you any more"),
        "goneText": _("It is over, or your right to see it was withdrawn."),
        "endingTitle": _("The session is ending"),
        "clipboardSent": _("Sent to the session's clipboard."),
        "clipboardArrived": _("The session's clipboard has arrived."),
        "clipboardTooLong": _("Too long: at most 256 kB of text can be sent."),
        "clipboardRefused": _(
            "The browser does not let this page read the clipboard; the text above works all the same."
        ),
        "keepHow": _("Control, Alt and Shift together lead to the button that keeps it."),
        "kept": _("The session goes on."),
        "notKept": _("It could not be kept. Try again."),
        "screenshotSaved": _("Saved as {}."),
    }
    return texts | shut_out if guest else texts


def viewer_reasons() -> dict[str, str]:
    """English to translation: what the reason of a closed line can be or begin with, if the page says it otherwise.

    Both are templates: where a value comes, `%(name)s` stands.
    """
    said = {str(sentence): translated(sentence) for sentence in (*SENTENCES, *details.ALL)}
    return {english: words for english, words in said.items() if words != english}
