"""People without an account: what they are called, and by what a browser is known again. Their rights says `access`."""

from __future__ import annotations

import unicodedata
import uuid
from datetime import timedelta

from django.contrib.sessions.models import Session as BrowserSession
from django.utils import timezone

from remote_service.models import Guest, Session
from remote_service.sealing import token_hash
from remote_service.share_rules import MOST_GUEST_NAME
from remote_service.texts import Sentence
from remote_service.texts import sentence as _

A_GUEST = _("a guest")
NAMED_GUEST = _("guest “%(name)s”")
"""No user's name has quotation marks in it."""
CALLED = (A_GUEST, NAMED_GUEST)
A_WHILE = timedelta(minutes=1)
MOST_VIEWERS = 30
"""Within `A_WHILE`."""
MOST_MARKS = 2
"""Accents on one letter: more of them would paint over other lines."""


def called(guest: Guest) -> Sentence:
    """What histories and pages call a guest, so that nobody takes them for a user."""
    return NAMED_GUEST.filled(name=guest.name) if guest.name else A_GUEST


def guest_name(text: str) -> str:
    """What of a text can be somebody's name: at most 40 characters, all printable, in one line."""
    kept: list[str] = []
    marks = 0
    for letter in unicodedata.normalize("NFC", text):
        marks = marks + 1 if unicodedata.category(letter) in ("Mn", "Me") else 0
        if marks <= MOST_MARKS:
            kept.append(letter if letter.isprintable() else " ")
    return " ".join("".join(kept).split())[:MOST_GUEST_NAME].rstrip()


def guest_at(browser: str | None, session_id: uuid.UUID) -> Guest | None:
    """The guest of a session that a browser is; None when it is none, or the browser's session has ended.

    Args:
        browser: the key of the browser's session.
        session_id: whose guest.
    """
    if not _lives(browser):
        return None
    return Guest.objects.filter(session=session_id, browser_hash=token_hash(browser or "")).first()


def guests_by(browser: str | None) -> list[Guest]:
    """All guests that a browser is, of whatever sessions."""
    return list(Guest.objects.filter(browser_hash=token_hash(browser))) if browser and _lives(browser) else []


def welcome(browser: str, session: Session, name: str) -> Guest:
    """The guest that a browser is from now on; who says another name than before is called so."""
    name = guest_name(name)
    guest, is_new = Guest.objects.get_or_create(
        session=session, browser_hash=token_hash(browser), defaults={"name": name}
    )
    if not is_new and name and name != guest.name:
        guest.name = name
        guest.save(update_fields=["name"])
    return guest


def comes_too_often(guest: Guest) -> bool:
    """Whether a guest opens viewers as nobody does who looks: each is kept, and nobody answers for a guest."""
    return guest.viewers.filter(opened_at__gt=timezone.now() - A_WHILE).count() >= MOST_VIEWERS


def _lives(browser: str | None) -> bool:
    alive = BrowserSession.objects.filter(session_key=browser or "", expire_date__gt=timezone.now())
    return bool(browser) and alive.exists()


def is_by(guest: Guest, browser: str) -> bool:
    """Whether a guest is the browser with this key."""
    return guest.browser_hash == token_hash(browser)


def move(browser: str | None, to: str) -> None:
    """A browser has got another key; it stays the guest that it is."""
    if browser:
        Guest.objects.filter(browser_hash=token_hash(browser)).update(browser_hash=token_hash(to))
