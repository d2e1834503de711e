"""Taking a slot: who may, how many, which index. The database decides races (see the constraint in `models`)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from remote_service import access, conf
from remote_service.actors import Actor
from remote_service.config.form import clean_options
from remote_service.errors import (
    InvalidOptionError,
    LimitReachedError,
    NoFreeSlotError,
    NotAllowedError,
    RefusedError,
    SwitchedOffError,
    UnknownTypeError,
)
from remote_service.lifecycle import note, note_refusal
from remote_service.models import MOST_TITLE, Drain, Session, SessionType, Site
from remote_service.networks import hosts_of
from remote_service.nudges import nudge_gateways, nudge_supervisor
from remote_service.sealing import new_token, seal, token_hash
from remote_service.texts import counted as ngettext
from remote_service.texts import joined
from remote_service.texts import sentence as _

MOST_USERNAME = 150
"""Characters of the column; a client of the stand-alone REST may say more."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """A slot that was taken. The token is nowhere else to be had."""

    session: Session
    token: str

    def __repr__(self) -> str:
        return f"Reservation({self.session.pk})"


def reserve_for_user(
    type_name: str, user: User, options: Mapping[str, str], by: Actor, *, start: bool = True, title: str = ""
) -> Reservation:
    """Reserves a slot for somebody who is logged in, and asks for the start.

    Args:
        type_name: the session type.
        user: whose session it will be.
        options: what the launch form gave, checked; `username` is added here.
        by: who asks, for the history.
        start: whether it is wanted at once.
        title: what the user calls it, at most `MOST_TITLE` characters; cut, and without what cannot be printed.

    Raises:
        RefusedError: one of its kinds; it has been noted as an event, and nothing was reserved.
    """
    memberships = access.group_names(user)
    with _refusal_noted(type_name, by):
        session_type = _find(type_name)
        if session_type is None or not access.may_launch(user, session_type, memberships):
            raise unknown_type(_("There is no session type %(name)r that you may use.", name=type_name))
        refuse_drained(session_type)
        # The row lock makes the count below true on databases that run transactions side by side.
        User.objects.select_for_update().get(pk=user.pk)
        _check_limits(user, session_type)
        options = {**options, "username": user.get_username()}
        reservation = _take_slot(session_type, options, by, owner=user, wanted="start" if start else "", title=title)
    nudge_supervisor()
    return reservation


def reserve_for_rest(type_name: str, options: Mapping[str, str], by: Actor) -> Reservation:
    """Reserves a slot for a client of the stand-alone REST; nothing starts before its token is used.

    Raises:
        RefusedError: as for `reserve_for_user`; a type with a group needs a member's `username` among the options.
    """
    with _refusal_noted(type_name, by):
        session_type = _find(type_name)
        if session_type is None or not session_type.definition.rest:
            raise unknown_type(f"There is no session type {type_name!r} here.")
        _check_member(session_type, options.get("username", ""))
        refuse_drained(session_type)
        return _take_slot(session_type, {"username": "", **options}, by, owner=None, wanted="")


def reserve_for_operator(type_name: str, asked: Mapping[str, str], by: Actor) -> Reservation:
    """Reserves a slot for whoever runs commands on the server's own account, and asks for the start.

    Groups, limits of users and the site's switch do not count for them; slots do.

    Raises:
        RefusedError: there is no such type, an option is wrong, or no slot is free; noted as the others are.
    """
    with _refusal_noted(type_name, by):
        session_type = SessionType.objects.filter(name=type_name).first()
        if session_type is None:
            names = ", ".join(repr(name) for name in SessionType.objects.values_list("name", flat=True)) or "none"
            raise UnknownTypeError(f"There is no session type {type_name!r}; expected one of {names}.")
        cleaned = clean_options(session_type.definition, asked, unknown_allowed=True, free_size=True)
        if cleaned.errors:
            raise InvalidOptionError(cleaned.errors)
        options = {"username": "", **cleaned.options}
        reservation = _take_slot(session_type, options, by, owner=None, wanted="start")
    nudge_supervisor()
    return reservation


@contextmanager
def _refusal_noted(type_name: str, by: Actor) -> Iterator[None]:
    """One transaction, since each waits for its turn: what is done inside, or instead of it the refusal's event row."""
    refused = None
    with transaction.atomic():
        try:
            with transaction.atomic():
                yield
        except RefusedError as refusal:
            note_refusal(None, f"{refusal.code}: {refusal}", by, type_name=type_name)
            refused = refusal
    if refused is not None:
        raise refused


def _find(type_name: str) -> SessionType | None:
    if not Site.load().external_sessions_enabled:
        raise SwitchedOffError(_("Launching sessions is switched off at this site at the moment."))
    return SessionType.objects.filter(name=type_name).first()


def unknown_type(sentence: str) -> UnknownTypeError:
    """The refusal; after a site's very first start it may be too early to know."""
    if Site.load().loaded_at is None and not SessionType.objects.exists():
        sentence = joined(sentence, _("The session types are still being read; try again in a moment."))
    return UnknownTypeError(sentence)


def drain_of(session_type: SessionType, drains: Iterable[Drain]) -> Drain | None:
    """The drain that keeps the type from new sessions: its own, or that of the host that its options name."""
    host = session_type.definition.options.get("host")
    for drain in drains:
        if drain.name == (session_type.name if drain.kind == Drain.Kind.TYPE else host):
            return drain
    return None


def refuse_drained(session_type: SessionType) -> None:
    """Refuses the launch of a type that is drained.

    Raises:
        SwitchedOffError: it is; with the text that staff wrote.
    """
    if drain := drain_of(session_type, Drain.objects.all()):
        closed = _("%(name)r takes no new sessions at the moment.", name=session_type.name)
        raise SwitchedOffError(joined(closed, drain.text.rstrip()))


def _check_member(session_type: SessionType, username: str) -> None:
    groups = session_type.definition.groups
    if groups is None:
        return
    member = User.objects.filter(username=username, is_active=True).first()
    if member is None or not access.admits(groups, access.group_names(member)):
        raise NotAllowedError(
            f"The type {session_type.name!r} is for members of {' or '.join(groups)}; expected the username of one, "
            f"found {username!r}."
        )


def _check_limits(user: User, session_type: SessionType) -> None:
    live = Session.objects.live().filter(owner=user)
    of_type = session_type.definition.limits.per_user
    if of_type is not None and live.filter(type_name=session_type.name).count() >= of_type:
        raise LimitReachedError(
            ngettext(
                "You have %(count)d live session(s) of %(name)r, as many as one may have. Stop one first.",
                "You have %(count)d live session(s) of %(name)r, as many as one may have. Stop one first.",
                of_type,
                count=of_type,
                name=session_type.name,
            )
        )
    total = conf.current().per_user_total
    if live.count() >= total:
        raise LimitReachedError(
            ngettext(
                "You have %(count)d live session, as many as one may have. Stop one first.",
                "You have %(count)d live sessions, as many as one may have. Stop one first.",
                total,
                count=total,
            )
        )


def _take_slot(
    session_type: SessionType,
    options: Mapping[str, str],
    by: Actor,
    *,
    owner: User | None,
    wanted: str,
    title: str = "",
) -> Reservation:
    definition = session_type.definition
    holding = Session.objects.holding_slots().filter(type_name=session_type.name, tile=0)
    taken = dict(holding.values_list("index", "quarantined"))
    token = new_token()
    for index in range(definition.count):
        if index in taken:
            continue
        try:
            with transaction.atomic():
                session = Session.objects.create(
                    id=uuid.uuid4(),
                    type_name=session_type.name,
                    index=index,
                    owner=owner,
                    username=options["username"][:MOST_USERNAME],
                    title="".join(character for character in title if character.isprintable()).strip()[:MOST_TITLE],
                    door=by.door,
                    options=dict(options),
                    stored_limits=definition.limits.to_store(),
                    stored_viewer_policy=definition.viewer_policy.to_store(),
                    on_last_disconnect=session_type.on_last_disconnect,
                    stream=definition.stream,
                    type_hosts=hosts_of(definition.options),
                    wanted=wanted,
                    token_hash=token_hash(token),
                    sealed_token=seal(token),
                )
        except IntegrityError:
            continue
        note(session.pk, "reserved", by=by, type_name=session_type.name)
        transaction.on_commit(partial(nudge_gateways, session.pk))
        return Reservation(session, token)
    quarantined = sum(quarantined for index, quarantined in taken.items() if index < definition.count)
    raise NoFreeSlotError(_no_free_slot(session_type.name, definition.count, quarantined))


def _no_free_slot(name: str, count: int, quarantined: int) -> str:
    if quarantined >= count:
        return ngettext(
            "The only slot of %(name)r is out of service until an admin has released it from quarantine.",
            "All %(count)d slots of %(name)r are out of service until an admin has released them from quarantine.",
            count,
            count=count,
            name=name,
        )
    if quarantined:
        return ngettext(
            "The only slot of %(name)r is in use or out of service. Try again when somebody has finished.",
            "All %(count)d slots of %(name)r are in use or out of service. Try again when somebody has finished.",
            count,
            count=count,
            name=name,
        )
    return ngettext(
        "The only slot of %(name)r is in use. Try again when somebody has finished.",
        "All %(count)d slots of %(name)r are in use. Try again when somebody has finished.",
        count,
        count=count,
        name=name,
    )
