"""Who supervises: one row that every candidate looks at."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Lease(models.Model):
    """Held by one supervisor at a time; each that takes it counts the epoch up, which all its writes name."""

    holder = models.CharField(max_length=32, default="", blank=True, help_text="empty when it was given back")
    epoch = models.PositiveBigIntegerField(default=0)
    renewals = models.PositiveBigIntegerField(default=0, help_text="moves while the holder lives")
    place = models.CharField(max_length=255, default="", blank=True, help_text="where its sessions' runners are")
    process = models.CharField(max_length=128, default="", blank=True, help_text="the holder's process, for good")
    taken_at = models.DateTimeField(default=timezone.now)
    renewed_at = models.DateTimeField(default=timezone.now, help_text="for people, and to know how long nobody held it")

    def __str__(self) -> str:
        return f"epoch {self.epoch}, {self.place or 'nobody'}"

    @classmethod
    def load(cls) -> Lease:
        """The row, made when it is missing."""
        return cls.objects.get_or_create(pk=1)[0]
