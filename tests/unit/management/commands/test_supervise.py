"""`manage.py supervise`: the supervisor alone; a second one stands by."""

from __future__ import annotations

import os
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from remote_service import pid_file
from remote_service.conf import GatewaySettings
from remote_service.hosting.account import AccountError
from remote_service.management.commands import supervise as command


@pytest.fixture
def supervised(monkeypatch: pytest.MonkeyPatch, session_account: Any) -> list[GatewaySettings]:
    """What the supervisor was started with, instead of starting it."""
    calls: list[GatewaySettings] = []

    async def supervise(settings: GatewaySettings) -> None:
        assert (settings.state_dir / "supervisor.pid").read_text() == f"{os.getpid()}\n"
        calls.append(settings)

    monkeypatch.setattr(command, "supervise", supervise)
    monkeypatch.setattr(command, "require_prepared_database", lambda: None)
    monkeypatch.setattr(command, "say_what_is_later", lambda: None)
    return calls


def test_it_runs_the_supervisor_of_the_site(supervised: Any, session_account: GatewaySettings) -> None:
    call_command("supervise")
    assert supervised == [session_account]


def test_a_second_one_stands_by_and_leaves_the_first_ones_name_there(
    supervised: Any, session_account: GatewaySettings
) -> None:
    with pid_file.hold(session_account.state_dir, pid_file.SUPERVISOR):
        call_command("supervise")
    assert supervised == [session_account]


def test_it_starts_beside_a_server_and_keeps_none_from_starting(
    supervised: Any, session_account: GatewaySettings
) -> None:
    with pid_file.hold(session_account.state_dir):
        call_command("supervise")
    assert supervised == [session_account]


def test_without_an_account_for_scripts_it_does_not_start(supervised: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_wanted: str) -> None:
        raise AccountError("the account 'nobody-here' does not exist")

    monkeypatch.setattr(command, "session_account", refuse)
    with pytest.raises(CommandError) as caught:
        call_command("supervise")
    assert str(caught.value) == "the account 'nobody-here' does not exist"
    assert supervised == []
