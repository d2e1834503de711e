"""Which session somebody means who types its id, or the reference that pages show: the first characters of it."""

from __future__ import annotations

import uuid
from contextlib import suppress

from django.core.management.base import CommandError

from remote_service.models import Session

REFERENCE_LENGTH = 8
MOST_LISTED = 20


def find_session(wanted: str) -> Session:
    """The one session that is meant.

    Raises:
        CommandError: there is none, or more than one; the message lists those.
    """
    with suppress(ValueError):
        found = Session.objects.filter(pk=uuid.UUID(wanted)).first()
        if found is not None:
            return found
    digits = wanted.strip().lower().replace("-", "")
    if len(digits) < REFERENCE_LENGTH or set(digits) - set("0123456789abcdef"):
        raise CommandError(
            f"{wanted!r} is no session; expected its id, or the first {REFERENCE_LENGTH} characters of it, such as "
            "1e392889. The page of a session shows them as its reference."
        )
    matching = list(Session.objects.filter(pk__startswith=_with_dashes(digits))[: MOST_LISTED + 1])
    if not matching:
        raise CommandError(
            f"There is no session whose id is {wanted}, or begins so. 'manage.py sessions list --all' lists those "
            "that there are."
        )
    if len(matching) > 1:
        listed = [f"  {one.pk}  {one.created_at:%Y-%m-%d %H:%M:%S}  {one.type_name}" for one in matching[:MOST_LISTED]]
        raise CommandError("\n".join([f"The ids of several sessions begin with {wanted}. Name one of:", *listed]))
    return matching[0]


def _with_dashes(digits: str) -> str:
    """The beginning of an id as PostgreSQL compares it; for SQLite Django takes the dashes out again."""
    return "-".join(filter(None, (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])))
