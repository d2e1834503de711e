"""What the tests of the stand-alone REST share: a client that shows the secret, and what it said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from django.test import Client

SECRET = "rest secret"
"""As `gateway_settings` configures it."""


class Answer(NamedTuple):
    """Status and JSON."""

    status: int
    body: Any


@pytest.fixture
def get(gateway_settings: Any, db: None) -> Callable[..., Answer]:
    """Calls a path with the secret; keywords are further options of the query."""

    def call(path: str, **query: str) -> Answer:
        response = Client().get(path, {"security_token": SECRET, **query})
        assert response["Content-Type"] == "application/json", response.content
        return Answer(response.status_code, response.json())

    return call
