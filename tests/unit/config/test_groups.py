"""Groups that the database does not have."""

from __future__ import annotations

from remote_service.config.groups import unknown_groups
from tests.unit.config.conftest import GOOD_ENTRY, STEP, Site


def test_unknown_groups_are_warnings(site: Site) -> None:
    loaded = site.load(
        {
            "A": {**GOOD_ENTRY, "options": {"group": ["Staff", "Clustre"]}},
            "B": {**GOOD_ENTRY, "options": {"group": "Wall"}},
            "C": GOOD_ENTRY,
        }
    )
    warnings = list(unknown_groups(loaded, ["Staff", "Cluster"]))
    assert [str(warning) for warning in warnings] == [
        f'{site.file}:6: at "A"{STEP}options{STEP}group: found the unknown group "Clustre", '
        "which admits nobody; expected a group of the user database. "
        'Fix: did you mean "Cluster"? Otherwise create the group "Clustre" in the admin pages.',
        f'{site.file}:16: at "B"{STEP}options{STEP}group: found the unknown group "Wall", '
        'which admits nobody; expected a group of the user database. Fix: create the group "Wall" in the admin pages.',
    ]
    assert [(warning.code, warning.is_error) for warning in warnings] == [("W004", False), ("W004", False)]


def test_known_groups_are_none(site: Site) -> None:
    loaded = site.load({"A": {**GOOD_ENTRY, "options": {"group": "Staff"}}})
    assert list(unknown_groups(loaded, {"Staff"})) == []
