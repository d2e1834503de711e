"""What the benchmark of live updates refuses; what it measures needs the product."""

from __future__ import annotations

import pytest

from benchmarks.live_updates import main


def test_it_wants_enough_quiet_before_each_change(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--gap", "1.5"])

    assert "error: --gap 1.5: expected more than 1.5\n" in capsys.readouterr().err
