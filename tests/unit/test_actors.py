"""Who does something."""

from __future__ import annotations

from remote_service.actors import Actor


def test_whoever_is_not_named_is_the_supervisor() -> None:
    assert Actor() == Actor("", "", "supervisor")
