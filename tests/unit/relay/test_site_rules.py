"""The rules about endpoints that the settings make."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from remote_service.networks import Networks
from remote_service.relay.own_services import STATE
from remote_service.relay.site_rules import rules_in_force


def test_they_are_those_of_the_settings(gateway_settings: Any, settings: Any) -> None:
    networks = Networks.read(("10.77.0.0/24",))
    settings.REMOTE_SERVICE = replace(gateway_settings, endpoint_networks=networks)

    rules = rules_in_force()

    assert rules.networks == networks
    assert rules.state_dir == gateway_settings.state_dir
    assert [service.path for service in rules.services if service.what == STATE] == [str(gateway_settings.state_dir)]


def test_they_are_made_once(gateway_settings: Any) -> None:
    assert rules_in_force() is rules_in_force()
