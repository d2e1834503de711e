"""When something last happened."""

from __future__ import annotations

from remote_service.monitoring.pulse import Pulse


def test_its_age_is_that_of_the_last_beat() -> None:
    now = 100.0
    pulse = Pulse(lambda: now)
    assert pulse.age is None
    pulse.beat()
    now = 107.0
    assert pulse.age == 7.0
    pulse.beat()
    assert pulse.age == 0.0
