"""What may be said of a runner from somewhere else: never that it has ended, where that is not certain."""

from __future__ import annotations

from dataclasses import replace

import pytest

from remote_service.hosting.whereabouts import Whereabouts, has_gone

HERE = Whereabouts("n8:/state/run", "boot 1", "machine1 pid:[1]")
REBOOTED = replace(HERE, boot="boot 0")
CLONE = replace(HERE, boot="boot 2")
"""Nothing tells it from the machine before a new start, nor should anything rely on that."""
RENAMED = replace(HERE, place="n9:/state/run")
NAMESAKE = replace(HERE, boot="boot 2", home="machine2 pid:[1]")
CONTAINER = replace(HERE, home="machine1 pid:[2]")
"""Beside us, of the same image, with a directory of its own."""
OTHER_DIRECTORY = replace(HERE, place="n8:/other/run")
OLDER = replace(HERE, home="")
"""As the version before wrote it."""
OLDER_REBOOTED = replace(REBOOTED, home="")
OLDER_ELSEWHERE = Whereabouts("n9:/state/run", "boot 2")
OLDEST = Whereabouts("", "")
"""As versions wrote it that told nothing."""


def test_a_row_keeps_all_of_it() -> None:
    assert HERE.as_columns() == {
        "runner_place": "n8:/state/run", "runner_boot": "boot 1", "runner_home": "machine1 pid:[1]"
    }  # fmt: skip
    assert (HERE.host, OLDEST.host) == ("n8", "")


@pytest.mark.parametrize("where", [HERE, REBOOTED, CLONE, RENAMED, CONTAINER, OLDER, OLDER_REBOOTED, OLDEST])
def test_a_runner_is_looked_for_in_our_directory(where: Whereabouts) -> None:
    assert where.shares_directory(HERE)


@pytest.mark.parametrize("where", [NAMESAKE, OTHER_DIRECTORY, OLDER_ELSEWHERE])
def test_a_runner_of_another_directory_or_machine_is_not(where: Whereabouts) -> None:
    assert not where.shares_directory(HERE)


@pytest.mark.parametrize("where", [HERE, RENAMED, OTHER_DIRECTORY, OLDER, OLDEST])
def test_what_is_on_this_system(where: Whereabouts) -> None:
    assert where.is_here(HERE)


@pytest.mark.parametrize("where", [REBOOTED, CLONE, NAMESAKE, CONTAINER, OLDER_REBOOTED, OLDER_ELSEWHERE])
def test_what_is_or_was_on_another_one(where: Whereabouts) -> None:
    assert not where.is_here(HERE)


@pytest.mark.parametrize(
    ("where", "socket", "shared", "gone"),
    [
        (HERE, True, False, True),
        (HERE, False, False, True),
        (HERE, True, True, True),
        (OLDER, False, False, True),
        (OLDEST, False, False, True),
        # The machine was started again: its socket is still there, and nobody listens.
        (REBOOTED, True, False, True),
        (OLDER_REBOOTED, True, False, True),
        # A clone's session has no socket here; on a file system of a network it has, and is out of reach.
        (CLONE, False, False, False),
        (CLONE, True, True, False),
        # The kernel is the same, so that it knows whether somebody listens; but each has its own files.
        (CONTAINER, True, False, True),
        (CONTAINER, False, False, False),
    ],
)
def test_a_runner_has_gone_only_when_that_is_certain(
    where: Whereabouts, socket: bool, shared: bool, gone: bool
) -> None:
    assert has_gone(where, HERE, socket=socket, shared=shared) is gone
