"""A member of staff at the dashboard."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.unit.webui.views.dashboard.desk import Desk


@pytest.fixture
def desk(manager: User, visit: Callable[[User], Client]) -> Desk:
    """Mona's."""
    return Desk(visit(manager))
