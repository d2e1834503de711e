"""The app registers its system checks."""

from __future__ import annotations

from django.apps import apps
from django.core.checks.registry import registry

from remote_service import checks
from remote_service.apps import RemoteServiceConfig


def test_it_is_installed_under_its_names() -> None:
    config = apps.get_app_config("remote_service")
    assert isinstance(config, RemoteServiceConfig)
    assert (config.name, config.verbose_name) == ("remote_service", "Remote sessions")


def test_every_check_of_ours_is_registered() -> None:
    ours = {check for name, check in vars(checks).items() if name.startswith("check_") and callable(check)}
    assert len(ours) == 6
    assert ours <= set(registry.get_checks())
