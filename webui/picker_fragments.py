"""The picker as fragments: the lists of sessions and of types, each card on its own, and of a type's card its foot.

A card's HTML is made once for each set of things that it shows, whoever looks: most of the hundreds on a page are the
same for everybody and at every look.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.urls import get_script_prefix
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from remote_service import conf
from remote_service.models import SessionType, Site
from sessions_config.environment import Environment
from webui import share_fragments, words
from webui.icons import type_icon
from webui.launch_form import launch_form
from webui.live.fragments import Fragments, placeholder
from webui.session_cards import SessionCard, list_sessions
from webui.type_cards import TypeCard, by_category, list_types
from webui.visitors import is_staff

CARDS_KEPT = 2048
"""Cards of each kind whose HTML is kept."""
FIND_FROM = 6
"""Types from which on there is a field to find one by."""


def picker(user: User, _parameters: Mapping[str, str]) -> Fragments:
    """The whole picker."""
    site = Site.load()
    return of_picker(user, list_types(user, switched_on=site.external_sessions_enabled), site)


def launch(user: User, parameters: Mapping[str, str]) -> Fragments | None:
    """Of the page of one type what changes by itself; None when the user may not use the type."""
    cards = list_types(user, only=parameters.get("type", ""))
    if not cards:
        return None
    switch = render_to_string("webui/_switch.html", {"switched_off": not Site.load().external_sessions_enabled})
    return {"switch": switch.strip(), **{f"foot-{card.row.pk}": _foot(card) for card in cards}}


def of_picker(user: User, types: tuple[TypeCard, ...], site: Site) -> Fragments:
    """The picker with these types."""
    listing = list_sessions(user, timezone.now(), [card.row.name for card in types if card.startable])
    fragments: Fragments = {
        "yours": _list("webui/_yours.html", "session", listing.live, left_out=listing.live_left_out),
        "ended": _list(
            "webui/_ended.html", "ended", listing.ended, more=_parts("ended", (c.pk for c in listing.ended_before))
        ),
        "others": _list("webui/_others.html", "session", listing.others, left_out=listing.left_out),
        "types": _types(user, types, site),
        **share_fragments.of_picker(user),
    }
    for card in (*listing.live, *listing.others):
        fragments[f"session-{card.pk}"] = _session("webui/_session_card.html", card, *_where())
    for card in (*listing.ended, *listing.ended_before):
        fragments[f"ended-{card.pk}"] = _session("webui/_ended_row.html", card, *_where())
    for offered in types:
        fragments[f"type-{offered.row.pk}"] = type_card(offered)
        fragments[f"foot-{offered.row.pk}"] = _foot(offered)
    return fragments


def type_card(card: TypeCard) -> str:
    """A type's card, with a placeholder for its foot."""
    entered, errors = (tuple(sorted(given.items())) for given in (card.entered, card.errors))
    shown = _Shown(card.row.pk, card.row.content, entered, errors, card.title, card.title_error, card.touched)
    return _type(shown, *_where())


@dataclass(frozen=True, slots=True)
class _Shown:
    """All that a type's card shows but its foot."""

    pk: int
    content: str
    entered: tuple[tuple[str, str], ...]
    errors: tuple[tuple[str, str], ...]
    title: str
    title_error: str
    touched: bool


@lru_cache(maxsize=CARDS_KEPT)
def _type(shown: _Shown, _prefix: str, _language: str) -> str:
    row = SessionType(pk=shown.pk, stored_definition=json.loads(shown.content))
    form = launch_form(
        row.definition,
        f"type-{shown.pk}",
        dict(shown.entered),
        dict(shown.errors),
        title=shown.title,
        title_error=shown.title_error,
    )
    context = {
        "form": form,
        "definition": row.definition,
        "icon_name": type_icon(row.definition.icon),
        "touched": shown.touched,
        "foot": _part(f"foot-{shown.pk}"),
    }
    return render_to_string("webui/_type_card.html", context).strip()


def _foot(card: TypeCard) -> str:
    return _foot_of(card.row.pk, card.row.name, card.slots, card.free > 0, card.closed, card.startable, *_where())


@lru_cache(maxsize=CARDS_KEPT)
def _foot_of(
    pk: int, name: str, slots: str, free: bool, closed: str, startable: bool, _prefix: str, _language: str
) -> str:
    context = {"pk": pk, "name": name, "slots": slots, "free": free, "closed": closed, "startable": startable}
    return render_to_string("webui/_type_foot.html", context).strip()


@lru_cache(maxsize=CARDS_KEPT)
def _session(template: str, card: SessionCard, _prefix: str, _language: str) -> str:
    return render_to_string(template, {"card": card}).strip()


def _list(template: str, kind: str, cards: Iterable[SessionCard], **context: Any) -> str:
    parts = _parts(kind, (card.pk for card in cards))
    return render_to_string(template, {"parts": parts, **context}).strip()


def _types(user: User, types: tuple[TypeCard, ...], site: Site) -> str:
    context = {
        "categories": [
            (category.name, _parts("type", (card.row.pk for card in category.cards))) for category in by_category(types)
        ],
        "many": len(types) >= FIND_FROM,
        # For each number, since only gettext knows how many forms the language has.
        "found_words": json.dumps([words.found_words(count) for count in range(len(types) + 1)]),
        "switched_off": not site.external_sessions_enabled,
        "for_staff": is_staff(user),
        "problems": len(site.problems),
        "loaded_at": site.loaded_at,
        "sessions_file": _named_sessions_file(),
    }
    return render_to_string("webui/_types.html", context).strip()


def _named_sessions_file() -> str:
    """What a command must be told of the sessions file, as a shell reads it: nothing when it is the default one."""
    path = conf.current().sessions_file
    return "" if path == Environment.model_fields["sessions_file"].default else shlex.quote(str(path))


def _parts(kind: str, keys: Iterable[object]) -> list[SafeString]:
    return [_part(f"{kind}-{key}") for key in keys]


def _part(element_id: str) -> SafeString:
    return mark_safe(placeholder(element_id))


def _where() -> tuple[str, str]:
    """What else the HTML of a card goes by: where the site is, for its links, and the language."""
    return get_script_prefix(), get_language() or ""
