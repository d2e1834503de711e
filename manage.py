#!/usr/bin/env python3
"""Django's entry point: `python manage.py help` lists what it can do."""

from __future__ import annotations

import os
import sys

try:
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import InterfaceError, OperationalError
except ImportError:
    sys.exit(
        f"{sys.executable} has no Django; expected the packages of requirements.txt. "
        "Type '.venv/bin/python manage.py …', or 'make setup' first"
    )

if __name__ == "__main__":
    # Whatever is written into the state directory is for its owner only.
    os.umask(0o077)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sessions_config.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # The message says what to do; where in our code it was noticed helps nobody.
        sys.exit(f"{sys.argv[0]}: {error}")
    except (InterfaceError, OperationalError) as error:
        if str(error).startswith("no such "):
            raise
        sys.exit(
            f"{sys.argv[0]}: the database does not answer: {error}. Check DATABASE_URL and the database itself; "
            "without DATABASE_URL it is SQLite in REMOTE_SERVICE_STATE_DIR"
        )
