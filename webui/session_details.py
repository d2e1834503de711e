"""Everything about one session that its page shows beside its screen. A few queries, however long it ran."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import F, Sum
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from remote_service import access
from remote_service.config.schema import FormField
from remote_service.models import Session, SessionType, Viewer
from remote_service.relay import closing
from remote_service.relay.traffic import Traffic
from remote_service.states import State
from webui import words
from webui.people import person_words
from webui.session_cards import owner_words
from webui.time_limits import TimeLimit, leaving, may_use, time_limits
from webui.timeline import Timeline, timeline
from webui.visitors import is_staff

DOOR_WORDS: dict[str, Promise] = {
    "web": gettext_lazy("these pages"),
    "rest": gettext_lazy("the REST interface"),
    "command": gettext_lazy("the command line"),
}
ENDING_WORDS: dict[str, Promise] = {
    Viewer.Ending.OPEN: gettext_lazy("is looking"),
    Viewer.Ending.CLEAN: gettext_lazy("left"),
    Viewer.Ending.CUT: gettext_lazy("line cut"),
}
MOST_VIEWERS = 50
_NOT_ENTERED = frozenset({"size", "username", "token", "security_token"})
"""Options that were not entered into a field of the type's form."""


@dataclass(frozen=True, slots=True)
class UsedOption:
    """An option that the session was started with."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class ShownViewer:
    """Somebody who looks, or looked, at the session."""

    who: str
    address: str
    """Empty for those who are not told."""
    since: datetime
    until: datetime | None
    status: str


@dataclass(frozen=True, slots=True)
class Details:
    """What stands in the parts of the page."""

    session: Session
    state: str
    ending: str
    owner: str
    door: str
    options: tuple[UsedOption, ...]
    limits: tuple[TimeLimit, ...]
    may_use: tuple[str, ...]
    """What of its machine it may use at most."""
    leaving: str
    """What becomes of it when its last viewer leaves; empty when that does not count any more."""
    viewers: tuple[ShownViewer, ...]
    """Those who look first, then the others, the latest first."""
    viewers_left_out: int
    traffic: Traffic
    """Of all of them together, as it was some seconds ago."""
    timeline: Timeline
    may_stop: bool


def details(session: Session, user: User, now: datetime) -> Details:
    """All of it, as `user` may know it: from which addresses people came is for staff alone."""
    for_staff = is_staff(user)
    newest = (F("closed_at").desc(nulls_first=True), "-opened_at")
    viewers = list(session.viewers.select_related("user", "guest").order_by(*newest)[: MOST_VIEWERS + 1])
    counts = session.state not in (State.STOPPING, State.ENDED, State.FAILED)
    return Details(
        session=session,
        state=words.state_words(session.state),
        ending=words.stored_words(session.ending),
        owner=owner_words(session),
        door=str(DOOR_WORDS.get(session.door, session.door)),
        options=_options(session),
        limits=time_limits(session, now, was_viewed=bool(viewers)),
        may_use=may_use(session) if counts else (),
        leaving=leaving(session) if counts else "",
        viewers=_viewers(viewers[:MOST_VIEWERS], for_staff),
        viewers_left_out=max(0, session.viewers.count() - MOST_VIEWERS) if len(viewers) > MOST_VIEWERS else 0,
        traffic=_traffic(session) if viewers else Traffic(),
        timeline=timeline(session, addresses=for_staff),
        may_stop=counts and access.may_stop(user, session),
    )


def _traffic(session: Session) -> Traffic:
    sums = {field.name: Sum(field.name, default=0) for field in fields(Traffic)}
    return Traffic(**session.viewers.aggregate(**sums))


def _viewers(viewers: list[Viewer], for_staff: bool) -> tuple[ShownViewer, ...]:
    return tuple(
        ShownViewer(
            who=person_words(viewer.user, viewer.guest) or _("a REST client"),
            address=viewer.address if for_staff else "",
            since=viewer.opened_at,
            until=viewer.closed_at,
            status=_status(viewer),
        )
        for viewer in viewers
    )


def _status(viewer: Viewer) -> str:
    sent_away = closing.SENT_AWAY.get(viewer.close_code) if viewer.close_code is not None else None
    return words.translated(sent_away) if sent_away else str(ENDING_WORDS[viewer.ending])


def _options(session: Session) -> tuple[UsedOption, ...]:
    """What was entered into the form, in its order and by its labels as far as the type still has them."""
    row = SessionType.objects.filter(name=session.type_name).first()
    form = {field.name: field for field in row.definition.form} if row is not None else {}
    entered = {name: str(value) for name, value in session.options.items() if name not in _NOT_ENTERED}
    names = [name for name in form if name in entered] + [name for name in entered if name not in form]
    return tuple(_option(name, entered[name], form.get(name)) for name in names)


def _option(name: str, value: str, field: FormField | None) -> UsedOption:
    if field is None:
        return UsedOption(name, value)
    if field.type == "checkbox":
        return UsedOption(field.label, _("yes") if value == "true" else _("no"))
    return UsedOption(field.label, f"{value} {field.unit}" if field.unit and value else value)
