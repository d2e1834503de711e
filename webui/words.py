"""How pages say things: states, ages, slots, what happens when the last viewer leaves, what others say in English."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from django.utils.functional import Promise
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from remote_service import details
from remote_service.config.problems import Problem
from remote_service.relay import closing
from remote_service.states import ENDINGS, EndReason, State
from remote_service.texts import Sentence, recognised

STATE_WORDS: dict[State, Promise] = {
    State.RESERVED: gettext_lazy("Reserved"),
    State.STARTING: gettext_lazy("Starting"),
    State.QUEUED: gettext_lazy("Waiting in the queue"),
    State.RUNNING: gettext_lazy("Running"),
    State.STOPPING: gettext_lazy("Ending"),
    State.ENDED: gettext_lazy("Ended"),
    State.FAILED: gettext_lazy("Failed"),
}


def state_words(state: str) -> str:
    """A state as a user reads it."""
    return str(STATE_WORDS[State(state)])


def ago(moment: datetime, now: datetime) -> str:
    """How long ago something was, in its one largest unit."""
    if now - moment < timedelta(minutes=1):
        return _("just now")
    return _("%(duration)s ago") % {"duration": timesince(moment, now, depth=1)}


def slots_words(free: int, total: int, quarantined: int = 0) -> str:
    """How many slots of a type are free; when none is, whether waiting helps."""
    if free > 0:
        said = ngettext("%(free)d of %(total)d free", "%(free)d of %(total)d free", free)
        return said % {"free": free, "total": total}
    if quarantined >= total:
        return _("out of service until an admin releases it")
    if quarantined:
        said = ngettext(
            "the only slot is in use or out of service", "all %(total)d slots are in use or out of service", total
        )
    else:
        said = ngettext("the only slot is in use", "all %(total)d slots are in use", total)
    return said % {"total": total}


def viewers_words(count: int) -> str:
    """How many look at a session."""
    return ngettext("%(count)d viewer", "%(count)d viewers", count) % {"count": count} if count else _("nobody")


def found_words(count: int) -> str:
    """How many types fit what was typed into the search."""
    if count == 0:
        return _("No type found. Escape shows all again.")
    return ngettext("%(count)d type found", "%(count)d types found", count) % {"count": count}


def duration_words(seconds: float) -> str:
    """A number of seconds as one reads it: "15 seconds", "2.5 minutes", "8 hours"."""
    if seconds < 120:
        return ngettext("%(number)s second", "%(number)s seconds", round(seconds)) % {"number": f"{seconds:g}"}
    if seconds < 7200:
        minutes = round(seconds / 60, 1)
        return ngettext("%(number)s minute", "%(number)s minutes", round(minutes)) % {"number": f"{minutes:g}"}
    hours = round(seconds / 3600, 1)
    return ngettext("%(number)s hour", "%(number)s hours", round(hours)) % {"number": f"{hours:g}"}


def leaving_words(on_last_disconnect: str, linger: float | None) -> str:
    """What becomes of a session when its last viewer has left."""
    if on_last_disconnect == "keep" or linger is None:
        return _("It goes on running when you leave, until it is stopped.")
    if linger == 0:
        return _("It ends as soon as its last viewer leaves.")
    return _("It ends %(duration)s after its last viewer has left.") % {"duration": duration_words(linger)}


def translated(text: str) -> str:
    """A sentence that was made to be translated, in the page's language; any other text as it is."""
    if not isinstance(text, Sentence):
        return text
    values = {name: translated(value) if isinstance(value, str) else value for name, value in text.values.items()}
    said = ngettext(text.template, text.plural, text.number) if text.plural else _(text.template)
    return said % values if values else said


def problem_words(problem: Problem) -> Problem:
    """The same problem in the page's language."""
    found, expected, fix = (translated(clause) for clause in (problem.found, problem.expected, problem.fix))
    return replace(problem, found=found, expected=expected, fix=fix)


def stored_words(text: str) -> str:
    """What stands in a row, where all is English, in the page's language: as far as it is made of sentences of ours.

    Behind the sentence of an ending more may stand. What people wrote stays as they wrote it.
    """
    for reason, ending in ENDINGS.items():
        if text.startswith(ending.sentence):
            more = text[len(ending.sentence) :].lstrip()
            return f"{_(ending.sentence)} {more if reason is EndReason.STAFF else _detail(more)}".rstrip()
    return _detail(text)


def _detail(text: str) -> str:
    """A sentence that a row keeps; what it quotes may be one too."""
    found = recognised(text, (*details.ALL, *closing.SENTENCES))
    if found is None:
        return text
    values = {name: _detail(str(value)) for name, value in found.values.items()}
    return translated(found.filled(**values))
