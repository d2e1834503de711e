"""How many files a process may open: more than it began with, never more than the system lets it."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from remote_service.open_files import MOST_FILES, take_more_files


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_it_takes_what_the_system_lets_it() -> None:
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))

    take_more_files()

    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (min(hard, MOST_FILES), hard)


def test_who_may_open_more_already_keeps_that() -> None:
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    take_more_files()

    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft >= min(hard, MOST_FILES)
