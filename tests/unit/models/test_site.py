"""What the site offers, as rows."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

from remote_service.models import Announcement, Drain, SessionType, Site

pytestmark = pytest.mark.django_db


def test_there_is_one_row_for_the_site() -> None:
    Site.objects.all().delete()
    assert Site.load().external_sessions_enabled is True
    Site.objects.filter(pk=1).update(external_sessions_enabled=False)
    assert Site.load().external_sessions_enabled is False
    assert (Site.objects.count(), str(Site.load())) == (1, "Site")


def test_the_text_of_a_maintenance_is_empty_while_the_pages_are_open() -> None:
    assert Site.maintenance_text() == ""
    Site.objects.update_or_create(pk=1, defaults={"maintenance": "Back at noon."})
    assert Site.maintenance_text() == "Back at noon."
    Site.objects.all().delete()
    assert Site.maintenance_text() == ""


def test_a_type_gives_back_its_entry(make_type: Callable[..., Any]) -> None:
    make_type("Desktop", count=7, options={"group": "a", "sizes": ["1x1"]}, on_last_disconnect="keep")
    found = SessionType.objects.get()
    assert (str(found), found.on_last_disconnect) == ("Desktop", "keep")
    assert (found.definition.count, found.definition.groups, found.definition.sizes) == (7, ("a",), ("1x1",))


def test_the_migrations_are_what_the_models_say() -> None:
    call_command("makemigrations", "--check", "--dry-run", stdout=io.StringIO())


@pytest.mark.parametrize(("kind", "said"), [("type", "session type Desktop"), ("host", "host Desktop")])
def test_a_drain_says_what_it_drains(kind: str, said: str) -> None:
    assert str(Drain.objects.create(kind=kind, name="Desktop")) == said


def test_a_thing_is_drained_once() -> None:
    Drain.objects.create(kind=Drain.Kind.HOST, name="n8")
    Drain.objects.create(kind=Drain.Kind.TYPE, name="n8")
    with pytest.raises(IntegrityError), transaction.atomic():
        Drain.objects.create(kind=Drain.Kind.HOST, name="n8")


def test_the_newest_announcement_comes_first_and_shows_its_beginning() -> None:
    for day in (1, 2):
        Announcement.objects.create(text=f"{day}" * 80, shown_from=datetime(2026, 11, day, tzinfo=UTC))
    assert [str(one) for one in Announcement.objects.all()] == ["2" * 60, "1" * 60]


def test_equal_entries_are_checked_once_and_changed_ones_again(make_type: Callable[..., Any]) -> None:
    first, second = make_type("Pattern", count=2), SessionType.objects.get()
    assert first.definition is second.definition
    SessionType.objects.update(stored_definition={**first.stored_definition, "count": 3})
    assert SessionType.objects.get().definition.count == 3
