"""Who was let in to somebody else's session: by a link of its owner, or, of staff, by a reason."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import models
from django.utils import timezone

from remote_service.models.session import MOST_REASON, Session
from remote_service.share_rules import MOST_GUEST_NAME, Audience


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

    @property
    def reference(self) -> str:
        """What histories call it."""
        return f"share {str(self.pk)[:8]}"


class Guest(models.Model):
    """Somebody without an account who was let in to one session, in one browser session.

    Goes for a visitor in `access`, where nobody but who holds a share has any rights without a login.
    """

    is_authenticated = is_active = False

    # No number: none may be taken for a user's.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="guests")
    browser_hash = models.CharField(max_length=64, help_text="of the key of the browser's session")
    name = models.CharField(max_length=MOST_GUEST_NAME, default="", blank=True, help_text="as they say")
    came_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("came_at",)
        constraints = (models.UniqueConstraint(fields=["session", "browser_hash"], name="one_guest_a_browser"),)
        indexes = (models.Index(fields=["browser_hash"]),)

    def __str__(self) -> str:
        return f"guest {self.pk} of {self.session_id}"


class ShareHolder(models.Model):
    """Somebody who accepted a share: a user, or a guest. Written by `sharing` and `holders` alone."""

    share = models.ForeignKey(Share, on_delete=models.CASCADE, related_name="holders")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="shares_held")
    guest = models.ForeignKey(Guest, null=True, on_delete=models.CASCADE, related_name="shares_held")
    accepted_at = models.DateTimeField(default=timezone.now)
    own_control = models.BooleanField(null=True, help_text="nothing: as their share")
    sent_away_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("accepted_at",)
        constraints = (
            models.UniqueConstraint(fields=["share", "user"], name="one_holder_a_share"),
            models.UniqueConstraint(fields=["share", "guest"], name="one_guest_a_share"),
            models.CheckConstraint(
                condition=models.Q(user__isnull=True, guest__isnull=False)
                | models.Q(user__isnull=False, guest__isnull=True),
                name="holder_is_a_user_or_a_guest",
            ),
        )

    def __str__(self) -> str:
        return f"holder {self.user_id or self.guest_id} of {self.share_id}"

    @property
    def person(self) -> User | Guest:
        """Who it is."""
        found = self.user or self.guest
        assert found is not None, "the database does not allow that"
        return found

    @property
    def control(self) -> bool:
        """Whether what they type and click reaches the session."""
        return self.share.control if self.own_control is None else self.own_control


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
