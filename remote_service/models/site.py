"""What the site offers, and what its staff say to everybody."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from django.db import models
from django.utils import timezone
from django.utils.functional import cached_property

from remote_service.config.schema import SessionType as Definition


class Site(models.Model):
    """The one row of site-wide settings and of what the supervisor last loaded."""

    external_sessions_enabled = models.BooleanField(
        "Enable external sessions",
        default=True,
        help_text="When off, no session can be launched; those that run go on.",
    )
    maintenance = models.TextField(
        default="",
        db_default="",
        blank=True,
        help_text="While there is a text here, everybody but staff sees it instead of the pages.",
    )
    reload_wanted = models.PositiveIntegerField(default=0, editable=False)
    reload_done = models.PositiveIntegerField(default=0, editable=False)
    loaded_at = models.DateTimeField(null=True, editable=False)
    problems = models.JSONField(default=list, editable=False)
    sessions_file = models.TextField(
        default="", db_default="", editable=False, help_text="which one was read, by its path on the server's machine"
    )
    sealed_with = models.CharField(
        max_length=64, default="", db_default="", editable=False, help_text="the fingerprint of the supervisor's key"
    )

    class Meta:
        verbose_name = "site switch"
        verbose_name_plural = "site switch"

    def __str__(self) -> str:
        return "Site"

    @classmethod
    def load(cls) -> Site:
        """The row, made when it is missing."""
        return cls.objects.get_or_create(pk=1)[0]

    def other_than(self, sessions_file: Path) -> str:
        """The sessions file that the server reads if it is another than this one; empty if it is not, or unknown."""
        return "" if self.sessions_file == str(sessions_file) else self.sessions_file

    @classmethod
    def maintenance_text(cls) -> str:
        """What everybody but staff sees instead of the pages; empty while the pages are open."""
        return cls.objects.filter(pk=1).values_list("maintenance", flat=True).first() or ""


class SessionType(models.Model):
    """One entry of the sessions file as it was last loaded; gateways know types from here alone."""

    name = models.CharField(max_length=200, unique=True)
    position = models.PositiveIntegerField()
    on_last_disconnect = models.CharField(max_length=8, default="stop")
    stored_definition = models.JSONField()

    class Meta:
        ordering = ("position",)

    def __str__(self) -> str:
        return self.name

    @cached_property
    def content(self) -> str:
        """The stored entry as one text: equal texts are equal entries."""
        return json.dumps(self.stored_definition, sort_keys=True)

    @property
    def definition(self) -> Definition:
        """The entry, checked again as it was at loading; nobody may change what it holds."""
        return _checked(self.content)


@lru_cache(maxsize=2048)
def _checked(content: str) -> Definition:
    """Checking costs more than all else on a page of many types, and most requests find the same entries."""
    return Definition.from_stored(json.loads(content))


class Drain(models.Model):
    """A type or a host on which nothing new is launched; what runs there goes on."""

    class Kind(models.TextChoices):
        """What is drained."""

        TYPE = "type", "session type"
        HOST = "host", "host"

    kind = models.CharField(max_length=8, choices=Kind.choices)
    name = models.CharField(max_length=255)
    text = models.TextField(default="", blank=True, help_text="what users read")
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["kind", "name"], name="one_drain_each"),)

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.name}"


class Announcement(models.Model):
    """A text for all users, on every page while it is shown."""

    class Level(models.TextChoices):
        """How it looks."""

        INFO = "info", "information"
        WARNING = "warning", "warning"

    text = models.TextField()
    level = models.CharField(max_length=8, choices=Level.choices, default=Level.INFO)
    shown_from = models.DateTimeField(default=timezone.now)
    shown_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-shown_from",)

    def __str__(self) -> str:
        return self.text[:60]
