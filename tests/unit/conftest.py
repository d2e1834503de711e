"""What unit tests have in common: pages find their static files without collecting them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clock import Clock


@pytest.fixture(autouse=True)
def _static_files_by_plain_names(settings: Any) -> None:
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    settings.SERVESTATIC_USE_MANIFEST = False
    # The middleware warns of a missing STATIC_ROOT, and a warning is an error.
    settings.STATIC_ROOT.mkdir(exist_ok=True)


@pytest.fixture
def clock() -> Clock:
    """Monotonic seconds as the test sets them."""
    return Clock()
