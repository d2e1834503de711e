"""Launching a session from a page: which option stands in which field of the form, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib.auth.models import User

from remote_service import access, lifecycle
from remote_service.config.form import clean_options
from remote_service.errors import InvalidOptionError, RefusedError, UnknownTypeError
from remote_service.lifecycle import Actor
from remote_service.models import Session, SessionType
from remote_service.reservations import reserve_for_user

FIELD_PREFIX = "field-"
"""Before the names of a type's own fields in the page's form, where `type` and others mean something else."""

_OF_THE_FORM = frozenset({"type", "csrfmiddlewaretoken"})
_MOST_NOTED = 500


def entered_options(posted: Mapping[str, str]) -> dict[str, str]:
    """What was entered, by option. The prefix may be missing where a name means nothing else."""
    return {name.removeprefix(FIELD_PREFIX): value for name, value in posted.items() if name not in _OF_THE_FORM}


def launch(user: User, type_name: str, entered: Mapping[str, str], by: Actor) -> Session:
    """Checks what was entered, reserves a slot and asks for the start.

    Raises:
        RefusedError: one of its kinds; an event row says so, and nothing was reserved.
    """
    try:
        definition = _usable_type(user, type_name).definition
        clean = clean_options(definition, entered, unknown_allowed=False, free_size=False)
        if clean.errors:
            raise InvalidOptionError(clean.errors)
    except RefusedError as refusal:
        why = _one_line(f"{refusal.code}: {refusal}")[:_MOST_NOTED]
        lifecycle.note(None, "refused", why=why, by=by, type_name=_one_line(type_name))
        raise
    return reserve_for_user(type_name, user, clean.options, by).session


def _usable_type(user: User, type_name: str) -> SessionType:
    for found in access.usable_types(user):
        if found.name == type_name:
            return found
    raise UnknownTypeError(f"There is no session type {type_name[:200]!r} that you may use.")


def _one_line(text: str) -> str:
    """The text without characters that a database or a log may not take."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
