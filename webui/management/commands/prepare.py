"""`manage.py prepare`: brings the state directory to what this release needs; a second time it changes nothing."""

from __future__ import annotations

import os
import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand

from remote_service.database import database_file, unapplied_migrations
from remote_service.models import Site
from remote_service.state_dir import private_file
from webui.static_digest import collect_if_changed

ADMIN = "admin"


class Command(BaseCommand):
    """Database, static files, the first admin."""

    help = "Prepare the state directory: database, static files, first admin. Changes nothing when all is there."
    requires_system_checks: list[str] = []  # noqa: RUF012 (Django's own way to say it)

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepares."""
        if file := database_file():
            private_file(file)
        if unapplied_migrations():
            self.stdout.write("Preparing the database")
            call_command("migrate", interactive=False, verbosity=0)
        if collect_if_changed():
            self.stdout.write("Collected the static files")
        Site.load()
        if not User.objects.exists():
            self._make_admin()

    def _make_admin(self) -> None:
        """Makes the first admin; a password of our own making is shown this once and stored nowhere."""
        given = settings.ENVIRONMENT.admin_password
        password = given or secrets.token_urlsafe(12)
        User.objects.create_superuser(ADMIN, password=password)
        if given:
            self.stdout.write(f"Made the user {ADMIN!r} with the password of REMOTE_SERVICE_ADMIN_PASSWORD")
        else:
            self.stdout.write(f"Made the user {ADMIN!r} with the password {password} (shown this once: change it)")
        os.environ.pop("REMOTE_SERVICE_ADMIN_PASSWORD", None)
