"""Servers that have one database and nothing else in common are warned of."""

from __future__ import annotations

from typing import Any

import pytest

from remote_service.catalogue import Catalogue, publish
from remote_service.models import Lease, Site
from remote_service.same_site import complain, is_other_directory

OURS = "node1:/srv/gateway/var/run"
OTHER = "node1:/srv/trial/var/run"


@pytest.mark.parametrize(
    ("last", "other"),
    [("", False), (OURS, False), (OTHER, True), ("node2:/srv/gateway/var/run", False), ("node2:/elsewhere", False)],
)
def test_another_machine_is_meant_to_be_another_one_and_another_directory_is_not(last: str, other: bool) -> None:
    assert is_other_directory(OURS, last) is other


@pytest.mark.django_db
def test_nothing_is_said_of_a_new_database_nor_of_our_own(caplog: pytest.LogCaptureFixture) -> None:
    complain(OURS)
    publish(Catalogue({}), Catalogue({}), 0)
    Lease.load()
    Lease.objects.update(place=OURS)
    caplog.clear()
    complain(OURS)
    assert caplog.messages == []


@pytest.mark.django_db
def test_another_state_directory_on_this_machine_is_told(caplog: pytest.LogCaptureFixture) -> None:
    Lease.load()
    Lease.objects.update(place=OTHER)
    complain(OURS)
    assert caplog.messages == [
        f"the sessions of this database are supervised from {OTHER}, and this is {OURS}: neither reaches the other's "
        "sessions. Set REMOTE_SERVICE_STATE_DIR to the same directory, or DATABASE_URL to another database"
    ]


@pytest.mark.django_db
def test_another_secret_key_is_told(caplog: pytest.LogCaptureFixture, settings: Any) -> None:
    publish(Catalogue({}), Catalogue({}), 0)
    assert settings.SECRET_KEY not in Site.load().sealed_with
    caplog.clear()
    settings.SECRET_KEY = "another one" * 5
    complain(OURS)
    assert caplog.messages == [
        "SECRET_KEY (the file secret_key in REMOTE_SERVICE_STATE_DIR) is another one than that with which secrets of "
        "this database's sessions are sealed: they cannot be opened here. Set REMOTE_SERVICE_STATE_DIR to that of its "
        "other server, or copy that one's secret_key"
    ]
    publish(Catalogue({}), Catalogue({}), 1)
    caplog.clear()
    complain(OURS)
    assert caplog.messages == [], "what is sealed from now on is sealed with this one"
