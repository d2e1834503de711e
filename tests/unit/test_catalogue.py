"""The rows that gateways read, as the catalogue publishes them; script hosts are not needed for that."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from django.contrib.auth.models import Group

from remote_service import models
from remote_service.catalogue import MOST_LOG_NAME, Catalogue, Entry, all_problems, known_groups, log_name, publish
from remote_service.config.loader import LoadedType, SessionsFile
from remote_service.config.problems import Code, Problem, Severity
from remote_service.config.schema import SessionType
from remote_service.config.script_report import ScriptFault, ScriptReport
from remote_service.hosting.client import HostError, HostOrder, Loaded, ScriptHost
from remote_service.rfb.policy import Policy

FILE = Path("/srv/sessions.json")
SCRIPT = Path("/srv/desktop.py")
UNREADABLE = Problem(str(FILE), None, (), "the end of the file", "}", "write it", Code.JSON_TRUNCATED)
BROKEN_ENTRY = Problem(str(FILE), "B", ("count",), "0", "a whole number", "write 1", Code.VALUE_INVALID, line=3)
WARNING = Problem(
    str(FILE), None, (), "mode 0666", "0644", "chmod go-w it", Code.FILE_WRITABLE, severity=Severity.WARNING
)


class NoHost:
    """In the place of a script host that nothing is asked of."""

    closed = False

    async def close(self) -> None:
        self.closed = True


def loaded(name: str, *, count: int = 1, options: dict[str, Any] | None = None, **keys: Any) -> LoadedType:
    entry = {"name": name, "script": SCRIPT.name, "count": count, "options": options or {}, **keys}
    return LoadedType(SessionType.model_validate(entry), SCRIPT, group_line=7)


def catalogue(*types: LoadedType, problems: tuple[Problem, ...] = (), keep: str = "stop") -> Catalogue:
    """A catalogue in which every type has its script host."""
    entries = {
        each.type.name: Entry(each, cast("HostOrder", None), cast("ScriptHost", NoHost()), keep) for each in types
    }
    return Catalogue(entries, problems, SessionsFile(FILE, types, problems))


def published() -> list[tuple[str, int]]:
    return list(models.SessionType.objects.values_list("name", "position"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Local Software Session", "Local Software Session"),
        ("../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd"),
        ("50% %2F", "50%25 %252F"),
        ("-rf", "%2Drf"),
        ("Übung №1", "Übung №1"),
        ("a" * 200, "a" * 200),
    ],
)
def test_the_name_of_a_types_log_is_the_types_and_harmless(name: str, expected: str) -> None:
    assert log_name(name) == expected


def test_very_long_names_fit_and_stay_different(tmp_path: Path) -> None:
    names = [log_name("好" * 199 + last) for last in "吗啊"]
    assert len(set(names)) == 2
    for name in names:
        assert len(name.encode()) <= MOST_LOG_NAME
        (tmp_path / f"{name}.log").touch()


@pytest.mark.django_db
def test_types_are_published_in_the_order_of_the_file() -> None:
    in_force = catalogue(loaded("Zebra"), loaded("Ant"), loaded("Middle"))
    publish(in_force, in_force, 4)
    assert published() == [("Zebra", 0), ("Ant", 1), ("Middle", 2)]
    site = models.Site.load()
    assert (site.reload_done, site.problems) == (4, [])
    assert in_force.file is not None
    assert site.sessions_file == str(in_force.file.path)
    assert site.loaded_at is not None


def test_what_else_is_found_of_types_that_serve_is_a_problem_of_theirs() -> None:
    found = catalogue(loaded("A"), problems=(WARNING,)).with_problems(
        lambda types, file: [replace(WARNING, entry=each.name, file=str(file)) for each in types]
    )
    assert found.problems == (WARNING, replace(WARNING, entry="A", file=str(FILE)))
    assert Catalogue({}).with_problems(lambda types, file: [WARNING]).problems == ()


@pytest.mark.django_db
def test_a_published_type_is_the_entry_as_it_was_loaded() -> None:
    in_force = catalogue(loaded("Desktop", count=3, options={"group": "A", "own": [1, None]}), keep="keep")
    publish(in_force, in_force, 0)
    row = models.SessionType.objects.get()
    assert row.definition == in_force.entries["Desktop"].loaded.type
    assert row.on_last_disconnect == "keep"


@pytest.mark.django_db
def test_what_viewers_may_not_do_holds_at_once_for_sessions_that_run() -> None:
    session = models.Session.objects.create(type_name="Desktop", index=0, door="web", token_hash="1")
    closed = catalogue(loaded(session.type_name, viewer_policy={"no_clipboard_out": True}))

    publish(closed, closed, 1)
    session.refresh_from_db()
    assert session.viewer_policy == Policy(no_clipboard_out=True)

    without = catalogue(loaded("Another"))
    publish(without, without, 2)
    session.refresh_from_db()
    assert session.viewer_policy == Policy(no_clipboard_out=True), "nobody has said that it may leave"


@pytest.mark.django_db
def test_a_second_load_moves_changes_and_removes_types() -> None:
    first = catalogue(loaded("A"), loaded("B"), loaded("C"))
    publish(first, first, 1)
    ids = dict(models.SessionType.objects.values_list("name", "pk"))
    second = catalogue(loaded("C", count=5), loaded("A"))
    publish(second, second, 2)
    assert published() == [("C", 0), ("A", 1)]
    assert models.SessionType.objects.get(name="C").definition.count == 5
    assert dict(models.SessionType.objects.values_list("name", "pk")) == {name: ids[name] for name in ("A", "C")}


@pytest.mark.django_db
def test_a_file_that_cannot_be_read_keeps_the_types_and_shows_why(caplog: pytest.LogCaptureFixture) -> None:
    in_force = catalogue(loaded("A"))
    publish(in_force, in_force, 1)
    broken = catalogue(problems=(UNREADABLE,))
    publish(in_force, broken, 2)
    assert published() == [("A", 0)]
    site = models.Site.load()
    assert [Problem.from_dict(found) for found in site.problems] == [UNREADABLE]
    assert site.reload_done == 2
    assert caplog.record_tuples[1:] == [
        ("remote_service.catalogue", logging.ERROR, str(UNREADABLE)),
        (
            "remote_service.catalogue",
            logging.ERROR,
            "the sessions file is not in force, since it cannot be read; what was read before stays: 1 session type",
        ),
    ]


@pytest.mark.django_db
def test_what_was_published_stays_also_where_it_cannot_be_loaded_again() -> None:
    before = catalogue(loaded("A"), loaded("B"))
    publish(before, before, 1)
    again = replace(catalogue(loaded("A"), problems=(BROKEN_ENTRY,)), published=True)
    publish(again, catalogue(problems=(UNREADABLE,)), 2)
    assert published() == [("A", 0), ("B", 1)]
    assert [Problem.from_dict(found) for found in models.Site.load().problems] == [UNREADABLE, BROKEN_ENTRY]


@pytest.mark.parametrize(
    ("problems", "readable"),
    [((), True), ((UNREADABLE,), False), ((BROKEN_ENTRY,), True), ((WARNING,), True), ((WARNING, UNREADABLE), False)],
)
def test_a_file_is_readable_when_no_error_concerns_it_as_a_whole(problems: tuple[Problem, ...], readable: bool) -> None:
    assert catalogue(problems=problems).readable is readable


def test_a_catalogue_that_was_never_loaded_is_not_readable() -> None:
    assert Catalogue({}).readable is False


@pytest.mark.django_db
def test_an_unknown_group_is_a_warning_and_the_type_stays(caplog: pytest.LogCaptureFixture, group: Group) -> None:
    in_force = catalogue(loaded("Cluster", options={"group": ["ClusterRendering", "Latecomers"]}))
    publish(in_force, in_force, 0)
    message = (
        f'{FILE}:7: at "Cluster" \u203a options \u203a group: '
        'found the unknown group "Latecomers", which admits nobody; expected a group of the user database. '
        'Fix: create the group "Latecomers" in the admin pages.'
    )
    assert caplog.record_tuples[0] == ("remote_service.catalogue", logging.WARNING, message)
    assert [str(Problem.from_dict(found)) for found in models.Site.load().problems] == [message]
    assert published() == [("Cluster", 0)]
    Group.objects.create(name="Latecomers")
    assert all_problems(in_force) == []


@pytest.mark.django_db
def test_problems_of_file_and_entries_come_before_unknown_groups() -> None:
    found = all_problems(catalogue(loaded("Cluster", options={"group": "None"}), problems=(WARNING, BROKEN_ENTRY)))
    assert [problem.code for problem in found] == [Code.FILE_WRITABLE, Code.VALUE_INVALID, Code.GROUP_UNKNOWN]
    assert all_problems(Catalogue({}, (WARNING,))) == [WARNING]


def test_the_groups_of_the_site_are_known_by_name(group: Group) -> None:
    Group.objects.create(name="Others")
    assert known_groups() == {"ClusterRendering", "Others"}


async def test_closing_a_catalogue_ends_all_its_script_hosts() -> None:
    closing = catalogue(loaded("A"), loaded("B"))
    await closing.close()
    assert [cast("NoHost", entry.host).closed for entry in closing.entries.values()] == [True, True]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[HostOrder]:
    """The orders with which script hosts were started; each start gives a new one."""
    orders: list[HostOrder] = []

    async def start(order: HostOrder) -> tuple[NoHost, Loaded]:
        orders.append(order)
        return NoHost(), Loaded(ScriptReport(None))

    monkeypatch.setattr(ScriptHost, "start", start)
    return orders


async def test_a_script_host_that_has_died_is_started_again_once_for_all_who_need_it(started: list[HostOrder]) -> None:
    entry = catalogue(loaded("A")).entries["A"]
    dead = entry.host
    await asyncio.gather(*(entry.revive(dead) for _ in range(5)))
    assert started == [entry.order]
    assert entry.host is not dead
    assert cast("NoHost", dead).closed
    assert not cast("NoHost", entry.host).closed


async def test_a_script_that_cannot_be_loaded_again_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async def start(_order: HostOrder) -> tuple[None, Loaded]:
        return None, Loaded(ScriptReport(ScriptFault.SYNTAX))

    monkeypatch.setattr(ScriptHost, "start", start)
    entry = catalogue(loaded("A")).entries["A"]
    with pytest.raises(HostError) as caught:
        await entry.revive(entry.host)
    assert str(caught.value) == "The script could not be loaded again: syntax."


def test_the_scripts_that_serve_are_told_which_may_be_copies() -> None:
    copy = Path("/var/lib/remote-service/scripts/abc/desktop.py")
    order = cast("HostOrder", SimpleNamespace(script=copy))
    entry = Entry(loaded("A"), order, cast("ScriptHost", NoHost()), "stop")
    assert Catalogue({"A": entry}).scripts == [copy]
