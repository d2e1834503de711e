"""The text that `/metrics` answers."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from remote_service.monitoring.exposition import Now, exposition
from remote_service.relay.traffic import Traffic


def samples(now: Now) -> dict[str, float]:
    """By name and labels."""
    found = {}
    for family in text_string_to_metric_families(exposition(now).decode()):
        for sample in family.samples:
            labels = ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


def test_it_has_what_there_is_at_the_moment_and_what_was_counted() -> None:
    found = samples(Now(2, Traffic(1000, 20, 5, 4), {"running": 3, "starting": 0}, 1))
    assert (
        found
        | {
            "remote_session_viewers{}": 2.0,
            "remote_session_relayed_bytes_total{direction=to_viewers}": 1000.0,
            "remote_session_relayed_bytes_total{direction=from_viewers}": 20.0,
            "remote_session_relayed_messages_total{direction=to_viewers}": 5.0,
            "remote_session_relayed_messages_total{direction=from_viewers}": 4.0,
            "remote_session_sessions{state=running}": 3.0,
            "remote_session_sessions{state=starting}": 0.0,
            "remote_session_quarantined_slots{}": 1.0,
        }
        == found
    )
    assert "remote_session_event_loop_lag_seconds_count{}" in found
    assert "process_open_fds{}" in found


def test_without_a_database_the_rest_is_there() -> None:
    found = samples(Now(2, Traffic(), None, None))
    assert found["remote_session_viewers{}"] == 2.0
    assert not [name for name in found if name.startswith(("remote_session_sessions", "remote_session_quarantined"))]
