"""Who does something."""

from __future__ import annotations

import os

import pytest

from remote_service.actors import Actor, whoever_types


def test_whoever_is_not_named_is_the_supervisor() -> None:
    assert Actor() == Actor("", "", "supervisor")


def test_who_types_a_command_is_the_account_that_became_root_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setenv("SUDO_USER", "dora")
    assert whoever_types() == Actor("dora", "", "command")
    monkeypatch.delenv("SUDO_USER")
    assert whoever_types().name == "root"
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)
    assert whoever_types().name == "uid 4000000"
