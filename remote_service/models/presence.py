"""Who looks at a session, through which process."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from remote_service.models.session import Session


class Gateway(models.Model):
    """A process that holds viewers' sockets; its counter moves every 2 s while it lives."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    started_at = models.DateTimeField(default=timezone.now)
    beats = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.id)


class Viewer(models.Model):
    """One open websocket on a session, kept after it closed."""

    class Ending(models.TextChoices):
        """How it left."""

        OPEN = "", "open"
        CLEAN = "clean", "closed"
        CUT = "cut", "line cut"

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="viewers")
    gateway = models.ForeignKey(Gateway, null=True, on_delete=models.SET_NULL, related_name="viewers")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    guest = models.ForeignKey("remote_service.Guest", null=True, on_delete=models.SET_NULL, related_name="viewers")
    address = models.CharField(max_length=64, default="", blank=True)
    opened_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True)
    ending = models.CharField(max_length=8, choices=Ending.choices, default=Ending.OPEN, blank=True)
    close_code = models.PositiveSmallIntegerField(null=True, help_text="with which the gateway sent it away")
    superseded = models.BooleanField(default=False, help_text="the same user came back after this one was cut")
    bytes_down = models.PositiveBigIntegerField(default=0, db_default=0, help_text="sent to it")
    bytes_up = models.PositiveBigIntegerField(default=0, db_default=0, help_text="received from it")
    messages_down = models.PositiveBigIntegerField(default=0, db_default=0)
    messages_up = models.PositiveBigIntegerField(default=0, db_default=0)

    class Meta:
        indexes = (models.Index(fields=["session", "closed_at"]),)

    def __str__(self) -> str:
        return f"viewer {self.pk} of {self.session_id}"
