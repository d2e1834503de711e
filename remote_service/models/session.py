"""Sessions and their history."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q, Value
from django.utils import timezone

from remote_service.config.schema import Limits, ViewerPolicy
from remote_service.endpoints import Endpoint
from remote_service.hosting.whereabouts import Whereabouts
from remote_service.rfb.policy import Policy
from remote_service.states import FINAL, LIVE, State, ending_of

MOST_TITLE = 80
"""Characters of the name that a user gives a session."""
MOST_REASON = 500


def _states(states: frozenset[State]) -> list[str]:
    return sorted(state.value for state in states)


def live_states() -> list[str]:
    """The values of the states that are not over, for queries."""
    return _states(LIVE)


class SessionQuerySet(models.QuerySet["Session"]):
    """Sessions by what they are."""

    def live(self) -> SessionQuerySet:
        """Those that are not over."""
        return self.filter(state__in=_states(LIVE))

    def holding_slots(self) -> SessionQuerySet:
        """Those whose slot nobody else may have: live ones, and those in quarantine."""
        return self.filter(Q(state__in=_states(LIVE)) | Q(quarantined=True))


class Session(models.Model):
    """One use of a slot, from reservation to end; kept as history. Its state is written by `lifecycle` alone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    type_name = models.CharField(max_length=200)
    index = models.PositiveIntegerField()
    wall = models.UUIDField(null=True)
    tile = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=16, choices=[(s.value, s.value) for s in State], default=State.RESERVED)
    state_since = models.DateTimeField(default=timezone.now)
    wanted = models.CharField(max_length=8, default="", blank=True, help_text='"start", "stop" or nothing')
    wanted_reason = models.CharField(max_length=32, default="", blank=True)
    wanted_detail = models.TextField(default="", blank=True)
    quarantined = models.BooleanField(default=False)
    end_reason = models.CharField(max_length=32, default="", blank=True)
    end_detail = models.TextField(default="", blank=True)

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="sessions")
    username = models.CharField(max_length=150, default="", blank=True)
    title = models.CharField(
        max_length=MOST_TITLE, default="", db_default="", blank=True, help_text="what its owner calls it"
    )
    host = models.CharField(
        max_length=255, default="", db_default="", blank=True, help_text="where its bytes come from"
    )
    door = models.CharField(max_length=16, help_text='where it was asked for: "web", "rest" or "command"')
    options = models.JSONField(default=dict)
    stored_limits = models.JSONField(default=dict)
    stored_viewer_policy = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    on_last_disconnect = models.CharField(max_length=8, default="stop")
    stream = models.CharField(max_length=8, default="rfb")
    type_hosts = models.JSONField(default=list, help_text="other machines at which its type lets its endpoint be")
    extension = models.FloatField(
        default=0.0, db_default=0.0, help_text="seconds by which its user has made its longest time longer"
    )
    unprotected = models.BooleanField(
        default=False, db_default=False, help_text="its VNC server on a TCP port lets everybody in"
    )

    token_hash = models.CharField(max_length=64, unique=True)
    sealed_token = models.TextField(default="", blank=True)
    stored_endpoint = models.JSONField(null=True)
    sealed_script_state = models.TextField(default="", blank=True)
    programs = models.JSONField(
        default=list, db_default=Value([], models.JSONField()), help_text="what its script spawned: pid, start, name"
    )
    runner_place = models.CharField(
        max_length=255, default="", db_default="", blank=True, help_text="the machine and directory of its runner"
    )
    runner_boot = models.CharField(
        max_length=36, default="", db_default="", blank=True, help_text="since which start that machine had run then"
    )
    runner_home = models.CharField(
        max_length=80, default="", db_default="", blank=True, help_text="that machine, and how it counts processes"
    )
    sealed_password = models.TextField(default="", blank=True)
    progress = models.CharField(max_length=200, default="", blank=True)
    unknown_since = models.DateTimeField(null=True, help_text="since when nobody can say whether it lives")
    unknown_reason = models.CharField(max_length=MOST_REASON, default="", db_default="", blank=True)

    near_end = models.CharField(
        max_length=32, default="", db_default="", blank=True, help_text="the limit that ends it soon, if one does"
    )
    ends_at = models.DateTimeField(null=True, help_text="when that limit does")

    created_at = models.DateTimeField(default=timezone.now)
    running_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    last_input_at = models.DateTimeField(null=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        permissions = (
            ("view_any_session", "Can view any session"),
            ("manage_any_session", "Can stop and manage any session"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["type_name", "index", "tile"],
                condition=Q(state__in=_states(LIVE)) | Q(quarantined=True),
                name="one_session_a_slot",
            ),
        )
        indexes = (models.Index(fields=["state"]), models.Index(fields=["owner", "state"]))

    def __str__(self) -> str:
        return f"{self.type_name} [{self.index}] {self.id}"

    @property
    def over(self) -> bool:
        """Whether it has ended or failed."""
        return State(self.state) in FINAL

    @property
    def name(self) -> str:
        """What people call it: its title, or else its type's name."""
        return self.title or self.type_name

    @property
    def size(self) -> str:
        """What was picked from the size menu."""
        return str(self.options.get("size", ""))

    @property
    def limits(self) -> Limits:
        """Its type's limits as they were at the reservation."""
        return Limits.from_stored(self.stored_limits)

    @property
    def lifetime(self) -> float | None:
        """Seconds that it may run as things are; None when that has no limit."""
        longest = self.limits.max_lifetime
        return None if longest is None else longest + self.extension

    @property
    def viewer_policy(self) -> Policy:
        """What its type allows every viewer, its owner too; a type that is read again may change it."""
        return ViewerPolicy.from_stored(self.stored_viewer_policy).policy

    @property
    def endpoint(self) -> Endpoint | None:
        """Where its bytes are, once that is known."""
        return None if self.stored_endpoint is None else Endpoint.from_dict(self.stored_endpoint)

    @property
    def whereabouts(self) -> Whereabouts:
        """Where its runner is, once it has one."""
        return Whereabouts(self.runner_place, self.runner_boot, self.runner_home)

    @property
    def ending(self) -> str:
        """Why it ended, in a sentence or two; empty while it lives."""
        if not self.end_reason:
            return ""
        sentence = ending_of(self.end_reason).sentence
        return f"{sentence} {self.end_detail}".strip()

    @property
    def reference(self) -> str:
        """What a user quotes to staff."""
        return str(self.id)[:8]


class SessionEvent(models.Model):
    """What happened, why, by whom, from where: transitions and refusals alike. Never changed afterwards."""

    session = models.ForeignKey(Session, null=True, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(default=timezone.now)
    what = models.CharField(max_length=32)
    from_state = models.CharField(max_length=16, default="", blank=True)
    to_state = models.CharField(max_length=16, default="", blank=True)
    why = models.TextField(default="", blank=True)
    who = models.CharField(max_length=150, default="", blank=True)
    address = models.CharField(max_length=64, default="", blank=True)
    door = models.CharField(max_length=16, default="", blank=True)
    type_name = models.CharField(max_length=200, default="", blank=True)

    class Meta:
        ordering = ("at", "id")
        verbose_name = "event"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.what} {self.why}"


def event_fields(**fields: Any) -> dict[str, Any]:
    """The fields of an event, cut to what the columns hold; databases take no NUL in a text."""
    limits = {"who": 150, "address": 64, "type_name": 200}
    plain = {key: str(value).replace("\0", "\N{REPLACEMENT CHARACTER}") for key, value in fields.items()}
    return {key: value[: limits.get(key)] for key, value in plain.items()}
