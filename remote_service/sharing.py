"""Letting others in to a session: the one writer of shares. Each act is an event; what they are worth says `access`."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime

from django.contrib.auth.models import Group, User
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from remote_service import access, guests, holders
from remote_service.actors import Actor
from remote_service.errors import NotAllowedError, UnknownTokenError
from remote_service.lifecycle import note, note_refusal
from remote_service.models import Guest, Session, Share, ShareHolder, StaffLook
from remote_service.nudges import nudge_gateways
from remote_service.sealing import new_token, token_hash
from remote_service.share_rules import (
    GUESTS_WITHOUT_A_NUMBER,
    NO_GUESTS,
    SENT_AWAY,
    Audience,
    admits,
    refusal,
    use_refusal,
)
from remote_service.texts import sentence as _

log = logging.getLogger(__name__)

LEADS_NOWHERE = _(
    "This link leads nowhere: the session is over, or the link was withdrawn, has expired, was used up, "
    "or is for somebody else."
)
"""All that somebody is told whose link is worth nothing; the session's history says why."""

MOST_SHARES = 50
"""Links of a session that count at the same time: its pages show each of them."""

WITH_ONESELF = _("This is your own session: share it with somebody else.")


@dataclass(frozen=True, slots=True)
class Offer:
    """What an owner offers: to `user`, to `group`, or else to anyone who is logged in, or who has the link."""

    control: bool = False
    user: User | None = None
    group: Group | None = None
    expires_at: datetime | None = None
    most_uses: int | None = None
    guests: bool = False
    """Also to who has no account."""

    @property
    def audience(self) -> Audience:
        """For whom it is."""
        if self.user is not None:
            return Audience.USER
        if self.group is not None:
            return Audience.GROUP
        return Audience.GUESTS if self.guests else Audience.ANYONE


# ---- the owner ----------------------------------------------------------------------------------------------


def make_share(session: Session, offer: Offer, user: User, by: Actor) -> tuple[Share, str]:
    """Makes a link to a session; returns it with its secret, which cannot be had again.

    Raises:
        NotAllowedError: the user may not share it, or whom it is for may not come.
    """
    if not access.may_share(user, session):
        raise NotAllowedError(_("This session cannot be shared by you."))
    if offer.user == user:
        raise NotAllowedError(WITH_ONESELF)
    reach, groups = access.reach_of(session)
    if offer.user is not None and not admits(access.person(offer.user), reach, groups):
        name = offer.user.get_username()
        raise NotAllowedError(_("%(name)r may not see sessions of this type.", name=name))
    if offer.audience is Audience.GUESTS:
        if not access.guests_allowed():
            raise NotAllowedError(NO_GUESTS)
        if not access.may_share_with_guests(user, session):
            raise NotAllowedError(_("Who has no account may not see sessions of this type."))
    most_uses = offer.most_uses
    if offer.audience is Audience.GUESTS and most_uses is None:
        most_uses = GUESTS_WITHOUT_A_NUMBER
    secret = new_token()
    with transaction.atomic():
        holders.one_at_a_time(session.pk)
        if Share.objects.filter(_lasting(), session=session).count() >= MOST_SHARES:
            raise NotAllowedError(
                _("This session has %(most)s links already. Revoke one that is not needed.", most=MOST_SHARES)
            )
        share = Share.objects.create(
            session=session, secret_hash=token_hash(secret), control=offer.control, audience=offer.audience,
            user=offer.user, group=offer.group, expires_at=offer.expires_at, most_uses=most_uses,
        )  # fmt: skip
        note(session.pk, "shared", why=in_words(share), by=by)
    nudge_gateways(session.pk)
    return share, secret


def set_control(share: Share, control: bool, by: Actor) -> bool:
    """Hands the keyboard over to all of a share's holders, or takes it back; False when it was so already.

    What was decided about one of them alone counts no more.
    """
    with transaction.atomic():
        live = Share.objects.filter(pk=share.pk, revoked_at=None)
        changed = live.exclude(control=control).update(control=control)
        own = ShareHolder.objects.filter(share__in=live, own_control=not control)
        changed += own.update(own_control=None)
        if changed:
            share.control = control
            note(share.session_id, "control given" if control else "control taken back", why=in_words(share), by=by)
    if changed:
        nudge_gateways(share.session_id)
    return bool(changed)


def revoke(share: Share, by: Actor) -> bool:
    """Ends a share for all who hold it; False when it had been before. Their open lines end within two seconds."""
    with transaction.atomic():
        revoked = Share.objects.filter(pk=share.pk, revoked_at=None).update(revoked_at=timezone.now())
        if revoked:
            note(share.session_id, "share revoked", why=in_words(share), by=by)
    if revoked:
        nudge_gateways(share.session_id)
    return bool(revoked)


# ---- who has the link ---------------------------------------------------------------------------------------


def find_offer(secret: str, user: access.Visitor, by: Actor, browser: str | None = None) -> Share:
    """The share that a link leads to, for who may accept it; uses nothing up.

    Args:
        secret: the link's.
        user: who has it.
        by: likewise, for the history.
        browser: of who is not logged in the key of the browser's session.

    Raises:
        UnknownTokenError: it is worth nothing to the user; why stands in the session's history.
    """
    share = Share.objects.select_related("session", "group", "user").filter(secret_hash=token_hash(secret)).first()
    if share is None:
        note_refusal(None, "A link of a share that does not exist was opened.", by, what="share refused")
        raise UnknownTokenError(LEADS_NOWHERE)
    # Of a session whose owner was removed nobody is the owner, least of all who is not logged in.
    if isinstance(user, User) and share.session.owner_id == user.pk and not share.session.over:
        return share
    reach, groups = access.reach_of(share.session)
    terms = access.terms_of(share)
    why = refusal(terms, access.person(user), reach, groups, timezone.now(), guests=access.guests_allowed())
    holder = user if isinstance(user, User) else guests.guest_at(browser, share.session_id)
    if not why and holders.was_sent_away(holder, share):
        why = SENT_AWAY
    if not why and not _holds(share, holder):
        why = use_refusal(terms)
    if why:
        note_refusal(share.session_id, f"{why} ({in_words(share)})", by, what="share refused")
        raise UnknownTokenError(LEADS_NOWHERE)
    return share


def accept(secret: str, user: User, by: Actor) -> Share:
    """Accepts a share: its user holds it from now on. Again, and by the session's owner, it uses nothing up.

    Raises:
        UnknownTokenError: as `find_offer`.
    """
    share = find_offer(secret, user, by)
    if share.session.owner_id != user.pk and not _holds(share, user):
        _take(share, user, by)
    return share


def accept_as_guest(share: Share, browser: str, name: str, by: Actor) -> Guest:
    """Accepts a share that `find_offer` found, without an account: the browser's session holds it from now on.

    Again, with the same browser, it uses nothing up.

    Args:
        share: which one.
        browser: the key of the browser's session.
        name: what the guest wants to be called, if anything.
        by: from where; the history gets the name.

    Raises:
        UnknownTokenError: somebody else was quicker with the last use of it.
    """
    guest = guests.welcome(browser, share.session, name)
    if not _holds(share, guest):
        _take(share, guest, replace(by, name=guests.called(guest)))
    return guest


def _take(share: Share, who: User | Guest, by: Actor) -> None:
    try:
        with transaction.atomic():
            holders.one_at_a_time(share.session_id)
            # The rows count, not what was read: two may accept the last use at the same moment, or somebody be sent
            # away while they accept another link.
            free = Q(most_uses=None) | Q(uses__lt=F("most_uses"))
            used = Share.objects.filter(free, _lasting(), pk=share.pk).update(uses=F("uses") + 1)
            if not used or holders.was_sent_away(who, share):
                raise UnknownTokenError(LEADS_NOWHERE)
            ShareHolder.objects.create(share=share, own_control=holders.own_control(who, share), **_mine(who))
            note(share.session_id, "share accepted", why=in_words(share), by=by)
    except IntegrityError:
        return  # the same one, twice at the same moment: one of them counts
    nudge_gateways(share.session_id)


def _lasting() -> Q:
    """Links that are not withdrawn and have not expired."""
    return Q(expires_at=None, revoked_at=None) | Q(expires_at__gt=timezone.now(), revoked_at=None)


def _holds(share: Share, holder: User | Guest | None) -> bool:
    return holder is not None and ShareHolder.objects.filter(share=share, **_mine(holder)).exists()


def _mine(who: User | Guest) -> dict[str, User | Guest]:
    return {"guest": who} if isinstance(who, Guest) else {"user": who}


# ---- staff --------------------------------------------------------------------------------------------------


def say_why(session: Session, user: User, reason: str, by: Actor) -> None:
    """Lets one of the staff look at a session for some hours, for a reason that its owner reads.

    Raises:
        NotAllowedError: the user may not see any session.
    """
    if not access.may_view(user, session):
        raise NotAllowedError(_("Who is no staff needs a share to see somebody else's session."))
    with transaction.atomic():
        StaffLook.objects.create(session=session, user=user, reason=reason)
        note(session.pk, "staff looks", why=reason, by=by)
    nudge_gateways(session.pk)


# ---- words --------------------------------------------------------------------------------------------------


def in_words(share: Share) -> str:
    """A share in a line of the history: for whom, with which rights.

    Not until when: an event's words cannot follow the clock of who reads them, and pages show a share's end themselves.
    """
    whom = {
        Audience.USER: f"to {share.user}",
        Audience.GROUP: f"to the group {share.group}",
        Audience.ANYONE: "to anyone who is logged in",
        Audience.GUESTS: "to anyone with the link, without an account too",
    }[Audience(share.audience)]
    return f"{share.reference}: {whom}, {'with control' if share.control else 'view only'}"
