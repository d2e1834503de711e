"""What is done about one of those who hold shares: control is handed to them alone, or they are sent away.

One is a person, a user or a guest, with all that they hold of a session. The share's own control remains the default
for whoever has no value of their own.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from remote_service import guests
from remote_service.actors import Actor
from remote_service.lifecycle import note
from remote_service.models import Guest, Session, Share, ShareHolder
from remote_service.nudges import nudge_gateways
from remote_service.share_rules import Audience


def held_by(who: User | Guest, session_id: uuid.UUID) -> QuerySet[ShareHolder]:
    """All that somebody holds of a session, also of shares that count no more."""
    mine = Q(guest=who) if isinstance(who, Guest) else Q(user=who)
    return ShareHolder.objects.filter(mine, share__session=session_id)


def one_at_a_time(session_id: uuid.UUID) -> None:
    """Until the transaction ends nobody else changes who is let in to a session, or accepts a link to it."""
    # The weaker lock of PostgreSQL: rows that refer to the session can be made meanwhile.
    list(Session.objects.select_for_update(no_key=True).filter(pk=session_id).values_list("pk"))


# ---- the owner ----------------------------------------------------------------------------------------------


def hand_over(holder: ShareHolder, control: bool, by: Actor) -> bool:
    """Hands control to one person alone, or takes it back from them; False when it was so already.

    Their open line follows within two seconds, and so does each that they open later, until their shares end.
    """
    otherwise = Q(own_control=not control) | Q(own_control=None, share__control=not control)
    what = "control given" if control else "control taken back"
    return _change(holder, Q(otherwise, share__revoked_at=None), what, by, own_control=control)


def send_away(holder: ShareHolder, by: Actor) -> bool:
    """Keeps one person out by whatever link there is now; False when they had been sent away before.

    Their open line ends within two seconds. By a link that is made afterwards they may come like anybody.
    """
    return _change(holder, Q(sent_away_at=None), "sent away", by, sent_away_at=timezone.now())


def let_in_again(holder: ShareHolder, by: Actor) -> bool:
    """Has what somebody held count again who was sent away; False when they were not."""
    return _change(holder, Q(sent_away_at__isnull=False), "let in again", by, sent_away_at=None)


def _change(holder: ShareHolder, those: Q, what: str, by: Actor, **values: Any) -> bool:
    session_id, who = holder.share.session_id, holder.person
    with transaction.atomic():
        one_at_a_time(session_id)
        rows = held_by(who, session_id).filter(those)
        shares = [held.share for held in rows.select_related("share")]
        changed = rows.update(**values)
        if changed:
            note(session_id, what, why=_in_words(who, shares), by=by)
    if changed:
        nudge_gateways(session_id)
    return bool(changed)


def _in_words(who: User | Guest, shares: list[Share]) -> str:
    name = guests.called(who) if isinstance(who, Guest) else who.get_username()
    return f"{name} alone, of {', '.join(share.reference for share in shares)}"


# ---- who accepts another share --------------------------------------------------------------------------------


def was_sent_away(who: User | Guest | None, share: Share) -> bool:
    """Whether somebody is kept out: they were sent away since the share was made."""
    return who is not None and held_by(who, share.session_id).filter(sent_away_at__gte=share.made_at).exists()


def own_control(who: User | Guest, share: Share) -> bool | None:
    """What of control somebody begins with: from whom it was taken back gets it by no other link for many."""
    if share.audience == Audience.USER:
        return None
    taken_back = held_by(who, share.session_id).filter(own_control=False)
    return False if taken_back.exists() else None


def control_by(share: Share, who: User | Guest) -> bool:
    """Whether a share gives somebody control, who holds it or may accept it."""
    held = held_by(who, share.session_id).filter(share=share).first()
    own = own_control(who, share) if held is None else held.own_control
    return share.control if own is None else own
