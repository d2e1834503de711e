"""Tests of links that fill a form in."""

from __future__ import annotations

from remote_service.config.schema import SessionType
from webui.deep_links import Filled, filled

TYPE = SessionType.model_validate(
    {
        "name": "Job",
        "script": "a.py",
        "count": 1,
        "options": {"sizes": ["1x1", "2x2"]},
        "form": [
            {"name": "cores", "type": "number", "max": 8},
            {"name": "gpu", "type": "checkbox"},
            {"name": "queue", "type": "choice", "choices": ["short", "long"]},
            {"name": "title", "type": "text"},
        ],
    }
)


def test_what_fits_is_entered() -> None:
    link = {
        "size": "2x2",
        "field-cores": " 4",
        "field-gpu": "on",
        "field-queue": "long",
        "field-title": "T",
        "title": "W",
    }
    entered = {"size": "2x2", "cores": "4", "gpu": "true", "queue": "long", "title": "T"}
    assert filled(TYPE, link | {"title": " W "}) == Filled(entered, "W", ())


def test_what_does_not_fit_is_named() -> None:
    link = {"size": "9x9", "field-cores": "9", "field-colour": "red", "cores": "4", "title": "x" * 81, "page": "1"}
    assert filled(TYPE, link) == Filled({}, "", tuple(link))
