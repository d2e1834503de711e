"""Launching a session from a page: which option stands in which field of the form, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User

from remote_service import access, lifecycle
from remote_service.actors import Actor
from remote_service.config.form import clean_options
from remote_service.config.form_values import clean_value
from remote_service.config.schema import SessionType as Definition
from remote_service.errors import InvalidOptionError, RefusedError
from remote_service.models import MOST_TITLE, Session, SessionType
from remote_service.reservations import reserve_for_user, unknown_type
from remote_service.texts import counted as ngettext
from remote_service.texts import sentence as _

FIELD_PREFIX = "field-"
"""Before the names of a type's own fields in the page's form, where `type` and others mean something else."""

TITLE = "session-title"
"""The name's own field; no option can be called so."""

_OF_THE_FORM = frozenset({"type", TITLE, "csrfmiddlewaretoken"})
_MOST_NOTED = 500


def entered_options(posted: Mapping[str, str]) -> dict[str, str]:
    """What was entered, by option. The prefix may be missing where a name means nothing else."""
    return {name.removeprefix(FIELD_PREFIX): value for name, value in posted.items() if name not in _OF_THE_FORM}


def launch(user: User, type_name: str, entered: Mapping[str, str], by: Actor, title: str = "") -> Session:
    """Checks what was entered, reserves a slot and asks for the start.

    Args:
        user: whose session it will be.
        type_name: the session type.
        entered: option to text.
        by: who asks, for the history.
        title: what the user calls the session; may be empty.

    Raises:
        RefusedError: one of its kinds; an event row says so, and nothing was reserved. What is wrong with the title
            stands under `TITLE` in an InvalidOptionError.
    """
    try:
        definition = _usable_type(user, type_name).definition
        clean = clean_options(definition, entered, unknown_allowed=False, free_size=False)
        if errors := {**clean.errors, **title_errors(title)}:
            raise InvalidOptionError(errors)
    except RefusedError as refusal:
        why = _one_line(f"{refusal.code}: {refusal}")[:_MOST_NOTED]
        lifecycle.note_refusal(None, why, by, type_name=_one_line(type_name))
        raise
    return reserve_for_user(type_name, user, clean.options, by, title=title.strip()).session


def launch_again(earlier: Session, user: User, by: Actor) -> Session:
    """Launches another session with the options and the title of an earlier one, as far as its type still has them.

    Raises:
        RefusedError: as for `launch`.
    """
    return launch(user, earlier.type_name, options_again(earlier, user), by, earlier.title)


def options_again(earlier: Session, user: User) -> dict[str, str]:
    """What would be entered for such a session again; nothing when its type is not there any more."""
    for found in access.usable_types(user):
        if found.name == earlier.type_name:
            return fitting_options(found.definition, earlier.options)
    return {}


def fitting_options(definition: Definition, options: Mapping[str, Any]) -> dict[str, str]:
    """Of some options those that the type's form has, with values that it takes."""
    fitting = {"size": str(options["size"])} if options.get("size") in definition.sizes else {}
    for field in definition.form:
        value = clean_value(field, str(options[field.name])) if field.name in options else None
        if value is not None:
            fitting[field.name] = value
    return fitting


def title_errors(title: str) -> dict[str, str]:
    """What is wrong with a session's name, under `TITLE`."""
    if len(title.strip()) <= MOST_TITLE and title.strip().isprintable():
        return {}
    return {
        TITLE: ngettext(
            "Name of the session: expected at most %(most)d printable character, found %(found)d.",
            "Name of the session: expected at most %(most)d printable characters, found %(found)d.",
            MOST_TITLE,
            most=MOST_TITLE,
            found=len(title.strip()),
        )
    }


def _usable_type(user: User, type_name: str) -> SessionType:
    for found in access.usable_types(user):
        if found.name == type_name:
            return found
    raise unknown_type(_("There is no session type %(name)r that you may use.", name=type_name[:200]))


def _one_line(text: str) -> str:
    """The text without characters that a database or a log may not take."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
