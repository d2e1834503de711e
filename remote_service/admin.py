"""Django's admin: the site's switch to turn; sessions and events to read, never to edit."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from remote_service import access, lifecycle, staff
from remote_service.actors import Actor
from remote_service.models import Session, SessionEvent, Site, Viewer


class ReadOnly:
    """Rows that only the framework writes."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes."""
        return False


@admin.register(Site)
class SiteAdmin(admin.ModelAdmin):
    """The one row with the switch; who turned it stands in an event row."""

    fields = ("external_sessions_enabled",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """There is one row, made by `prepare`."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """It stays."""
        return False

    def save_model(self, request: HttpRequest, obj: Site, form: Any, change: bool) -> None:
        """Writes the switch alone."""
        by = Actor(request.user.get_username(), request.META.get("REMOTE_ADDR", ""), "admin")
        staff.set_switch(obj.external_sessions_enabled, by)


class InSeconds:
    """Times of events: several fall into the same minute."""

    @admin.display(description="at", ordering="at")
    def time(self, event: SessionEvent) -> str:
        """Local time to the second."""
        return f"{timezone.localtime(event.at):%Y-%m-%d %H:%M:%S}"


class EventInline(InSeconds, ReadOnly, admin.TabularInline):
    """A session's history below it."""

    model = SessionEvent
    fields = ("time", "what", "from_state", "to_state", "why", "who", "address", "door")
    readonly_fields = ("time",)
    extra = 0


class ViewerInline(ReadOnly, admin.TabularInline):
    """Who looked."""

    model = Viewer
    fields = ("user", "address", "opened_at", "closed_at", "ending")
    extra = 0


@admin.register(Session)
class SessionAdmin(ReadOnly, admin.ModelAdmin):
    """All sessions, live and ended. Its secrets are columns that are not shown."""

    list_display = ("reference", "type_name", "index", "state", "quarantine", "username", "created_at", "ended_at")
    list_filter = ("state", "type_name", "door", "quarantined")
    search_fields = ("id", "username", "type_name")
    fields = (
        "id",
        ("type_name", "index"),
        ("state", "state_since"),
        ("username", "door"),
        "options",
        ("created_at", "running_at", "ended_at", "last_input_at"),
        ("end_reason", "end_detail"),
        "quarantined",
    )
    inlines = (EventInline, ViewerInline)
    actions = ("release_from_quarantine",)

    @admin.display(description="quarantine", ordering="quarantined", empty_value="")
    def quarantine(self, session: Session) -> str:
        """Says it of those that are; a cross beside all others would look like a fault."""
        return "quarantined" if session.quarantined else ""

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """Who may manage any session."""
        return access.may_manage(request.user)

    @admin.action(description="Release the slots of the selected sessions from quarantine", permissions=["manage"])
    def release_from_quarantine(self, request: HttpRequest, chosen: QuerySet[Session]) -> None:
        """Gives slots back of which nobody knew what their session had left; each release is an event."""
        by = Actor(request.user.get_username(), request.META.get("REMOTE_ADDR", ""), "admin")
        released = sum(lifecycle.release_quarantine(session.pk, by) for session in chosen)
        self.message_user(request, f"{released} of {len(chosen)} slots were in quarantine, and are free now.")


@admin.register(SessionEvent)
class SessionEventAdmin(InSeconds, ReadOnly, admin.ModelAdmin):
    """All events, the newest first, refusals without a session among them."""

    list_display = ("time", "what", "type_name", "why", "who", "address", "door")
    list_filter = ("what", "door", "type_name")
    search_fields = ("why", "who", "address", "session__id")
    date_hierarchy = "at"
    ordering = ("-at", "-id")
