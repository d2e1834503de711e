"""What staff do to the whole site: each act is done here, once for all doors, and stands in an event row."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session as LoginSession
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from remote_service import details, lifecycle
from remote_service.actors import Actor
from remote_service.errors import NotAllowedError
from remote_service.lifecycle import note, note_refusal
from remote_service.models import Announcement, Drain, Session, Site
from remote_service.nudges import nudge_supervisor
from remote_service.states import EndReason
from remote_service.texts import sentence as _

# ---- the site -----------------------------------------------------------------------------------------------


def set_switch(on: bool, by: Actor) -> None:
    """Lets sessions be launched, or not; those that run go on."""
    Site.load()
    with transaction.atomic():
        # This column alone: the supervisor writes others meanwhile.
        Site.objects.filter(pk=1).update(external_sessions_enabled=on)
        note(None, "switch turned", why=details.SWITCHED_ON if on else details.SWITCHED_OFF, by=by)


def set_maintenance(text: str, by: Actor) -> None:
    """Has everybody but staff see the text instead of the pages; an empty one gives them the pages back."""
    text = text.strip()
    Site.load()
    with transaction.atomic():
        Site.objects.filter(pk=1).update(maintenance=text)
        note(None, "maintenance began" if text else "maintenance ended", why=text, by=by)


def ask_to_reload(by: Actor) -> int:
    """Asks for the sessions file to be read again; returns the generation that `Site.reload_done` will reach."""
    Site.load()
    with transaction.atomic():
        Site.objects.filter(pk=1).update(reload_wanted=F("reload_wanted") + 1)
        wanted = Site.objects.values_list("reload_wanted", flat=True).get(pk=1)
        note(None, "reload asked", by=by)
    nudge_supervisor()
    return wanted


# ---- drains and announcements -------------------------------------------------------------------------------


def drain(kind: Drain.Kind, name: str, text: str, by: Actor) -> Drain:
    """Keeps new sessions from a type or a host; one that is drained already gets the new text."""
    with transaction.atomic():
        found, _made = Drain.objects.update_or_create(kind=kind, name=name, defaults={"text": text})
        note(None, "drained", why=f"{found}. {text}".strip(), by=by, type_name=name if kind == Drain.Kind.TYPE else "")
    return found


def end_drain(drain_id: int, by: Actor) -> Drain | None:
    """Lets new sessions start there again; None when there was no such drain."""
    with transaction.atomic():
        found = Drain.objects.filter(pk=drain_id).first()
        if found is None or not Drain.objects.filter(pk=drain_id).delete()[0]:
            return None
        type_name = found.name if found.kind == Drain.Kind.TYPE else ""
        note(None, "drain ended", why=f"{found}.", by=by, type_name=type_name)
    return found


def announce(
    text: str, level: Announcement.Level, shown_from: datetime, shown_until: datetime | None, by: Actor
) -> Announcement:
    """Shows a text on every page for its time; until somebody ends it when `shown_until` is None."""
    with transaction.atomic():
        made = Announcement.objects.create(text=text, level=level, shown_from=shown_from, shown_until=shown_until)
        note(None, "announced", why=text, by=by)
    return made


def end_announcement(announcement_id: int, by: Actor) -> bool:
    """Shows it no more, or not at all; False when it was over, or there is none."""
    now = timezone.now()
    with transaction.atomic():
        found = Announcement.objects.filter(pk=announcement_id).exclude(shown_until__lte=now).first()
        if found is None:
            return False
        Announcement.objects.filter(pk=found.pk).update(shown_until=now)
        note(None, "announcement ended", why=found.text, by=by)
    return True


# ---- sessions and users -------------------------------------------------------------------------------------


def stop_session(session_id: uuid.UUID, reason: str, by: Actor) -> bool:
    """Asks for a session's end; of one of which nobody knows whether it lives, that declares that it has ended.

    Args:
        session_id: which one.
        reason: a sentence that its owner reads.
        by: who asks.

    Returns:
        False when that has been asked for before, or the session is over.
    """
    unknown = Session.objects.filter(pk=session_id).exclude(unknown_since=None).exists()
    return lifecycle.ask_to_stop(session_id, EndReason.STAFF, by, detail=reason, declared=unknown)


def block_user(user: User, reason: str, by: Actor) -> int:
    """Locks a user out at once and asks for the end of all their sessions; returns how many that are.

    Raises:
        NotAllowedError: it is a superuser, or who asks; noted as an event.
    """
    name = user.get_username()
    if user.is_superuser or name == by.name:
        why = _("superusers cannot be blocked") if user.is_superuser else _("nobody can block themselves")
        note_refusal(None, f"not_allowed: {name}: {why}", by)
        raise NotAllowedError(_("%(name)r was not blocked: %(why)s.", name=name, why=why))
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(is_active=False)
        note(None, "user blocked", why=f"{name}: {reason}", by=by)
    _end_logins(user)
    sessions = Session.objects.live().filter(owner=user).values_list("pk", flat=True)
    # Of those that are unknown nobody declares anything here.
    return sum(lifecycle.ask_to_stop(session, EndReason.STAFF, by, detail=reason) for session in list(sessions))


def unblock_user(user: User, by: Actor) -> bool:
    """Lets a user log in again; False when nobody had blocked them.

    Raises:
        NotAllowedError: it is a superuser, who can have been deactivated in the administration only; noted as an event.
    """
    if user.is_superuser:
        name = user.get_username()
        note_refusal(None, f"not_allowed: {name}: superusers are activated in the administration", by)
        raise NotAllowedError(_("%(name)r was not let in: superusers are activated in the administration.", name=name))
    if User.objects.filter(pk=user.pk, is_active=False).exists():
        _end_logins(user)  # one that was under way when the user was blocked
    with transaction.atomic():
        unblocked = User.objects.filter(pk=user.pk, is_active=False).update(is_active=True)
        if unblocked:
            note(None, "user unblocked", why=user.get_username(), by=by)
    return bool(unblocked)


def _end_logins(user: User) -> None:
    """Ends a user's logins in all browsers: no old cookie is ever worth anything again."""
    # Whose they are stands inside, so each has to be read.
    logins = LoginSession.objects.filter(expire_date__gt=timezone.now())
    theirs = [login.pk for login in logins.iterator() if login.get_decoded().get(SESSION_KEY) == str(user.pk)]
    LoginSession.objects.filter(pk__in=theirs).delete()
