"""Django's view of the framework."""

from __future__ import annotations

from django.apps import AppConfig


class RemoteServiceConfig(AppConfig):
    """Registers the system checks, and what is done before the database is changed."""

    name = "remote_service"
    verbose_name = "Remote sessions"

    def ready(self) -> None:
        """Imports what registers itself."""
        from remote_service import checks, database

        checks.register()
        database.register()
