"""Options that are almost one that the gateway reads."""

from __future__ import annotations

import pytest

from remote_service.config.near_options import near_options
from tests.unit.config.conftest import GOOD_ENTRY, STEP, Site


@pytest.mark.parametrize(
    ("key", "meant"),
    [("Group", "group"), ("groups", "group"), ("GROUPS", "group"), ("Sizes", "sizes"), ("fileExt", "file_ext")],
)
def test_what_differs_in_capitals_signs_or_plural_is_near(key: str, meant: str) -> None:
    assert list(near_options({key: "a", "queue": "b"})) == [(key, meant)]


@pytest.mark.parametrize("options", [{"group": "a", "Group": "b"}, {"size": "a"}, {"grouping": "a"}, {"file": "a"}, {}])
def test_what_is_the_sites_own_is_not(options: dict[str, str]) -> None:
    assert list(near_options(options)) == []


def test_it_is_a_warning_that_says_what_comes_of_it_and_the_type_stays(site: Site) -> None:
    loaded = site.load({"A": {**GOOD_ENTRY, "options": {"Group": "Lab", "Sizes": ["1x1"]}}})
    assert [one.type.name for one in loaded.types] == ["A"]
    assert [str(problem) for problem in loaded.problems] == [
        f'{site.file}:6: at "A"{STEP}options{STEP}Group: found an option "Group", which the gateway does not read; '
        'expected "group", if that is meant: as it is, everybody may use the type. Fix: did you mean "group"?',
        f'{site.file}:7: at "A"{STEP}options{STEP}Sizes: found an option "Sizes", which the gateway does not read; '
        'expected "sizes", if that is meant. Fix: did you mean "sizes"?',
    ]
    assert [(problem.code, problem.is_error) for problem in loaded.problems] == [("W006", False), ("W006", False)]
