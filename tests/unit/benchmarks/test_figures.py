"""How measurements are summed up and compared."""

from __future__ import annotations

import pytest

from benchmarks.figures import Figures, bar, compared


def test_it_prints_median_smallest_largest_and_how_many() -> None:
    line = str(Figures.of("launch", "ms", [30.0, 10.0, 20.0]))

    assert line.split() == ["launch", "20.0", "ms", "(min", "10.0,", "max", "30.0,", "n=3)"]


def test_it_wants_at_least_one_value() -> None:
    with pytest.raises(ValueError) as raised:
        Figures.of("launch", "ms", [])

    assert str(raised.value) == "nothing was measured for 'launch'; expected at least one value"


def test_it_compares_the_medians() -> None:
    ours, peer = Figures.of("ours", "ms", [150.0]), Figures.of("peer", "ms", [60.0])

    assert compared(ours, peer) == "ours: +90.0 ms against peer, 2.50x"


def test_it_gives_no_ratio_to_nothing() -> None:
    ours, peer = Figures.of("ours", "ms", [150.0]), Figures.of("peer", "ms", [0.0])

    assert compared(ours, peer) == "ours: +150.0 ms against peer, no ratio to 0"


@pytest.mark.parametrize(
    ("value", "bounds", "line"),
    [
        (300.0, {"at_most": 300}, "bar met: over 300.0 ms, wanted at most 300 ms"),
        (300.1, {"at_most": 300}, "bar MISSED: over 300.1 ms, wanted at most 300 ms"),
        (50.0, {"at_least": 50}, "bar met: over 50.0 ms, wanted at least 50 ms"),
        (49.9, {"at_least": 50}, "bar MISSED: over 49.9 ms, wanted at least 50 ms"),
    ],
)
def test_it_says_whether_a_bar_is_met(value: float, bounds: dict[str, float], line: str) -> None:
    assert bar("over", value, "ms", **bounds) == line
