"""Who was let in to somebody else's session: by a link of its owner, or, of staff, by a reason."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.utils import timezone

from remote_service.models.session import MOST_REASON, Session
from remote_service.share_rules import Audience


class Share(models.Model):
    """A link to a live session. Written by `sharing` alone; what it is worth now is decided in `access`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="shares")
    secret_hash = models.CharField(max_length=64, unique=True)
    control = models.BooleanField(default=False, help_text="what its holders type and click reaches the session")
    audience = models.CharField(max_length=8, choices=[(one.value, one.value) for one in Audience])
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    group = models.ForeignKey(Group, null=True, on_delete=models.CASCADE, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, help_text="nothing: with its session")
    most_uses = models.PositiveIntegerField(null=True, help_text="how many people may accept it; nothing: any number")
    uses = models.PositiveIntegerField(default=0)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("made_at",)

    def __str__(self) -> str:
        return f"share {self.pk} of {self.session_id}"


class ShareHolder(models.Model):
    """Somebody who accepted a share."""

    share = models.ForeignKey(Share, on_delete=models.CASCADE, related_name="holders")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="shares_held")
    accepted_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("accepted_at",)
        constraints = (models.UniqueConstraint(fields=["share", "user"], name="one_holder_a_share"),)

    def __str__(self) -> str:
        return f"holder {self.user_id} of {self.share_id}"


class StaffLook(models.Model):
    """Why one of the staff looks at somebody's session; without it the right to see any is none to look."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="staff_looks")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=MOST_REASON)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("at",)

    def __str__(self) -> str:
        return f"look of {self.user_id} at {self.session_id}"
