"""The text that `/metrics` answers."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from remote_service.monitoring.exposition import SiteFigures, of_process, of_site
from remote_service.relay.traffic import Traffic


def samples(text: bytes) -> dict[str, float]:
    """By name and labels."""
    found = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            labels = ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


def test_a_process_tells_what_it_carries_and_what_it_counted() -> None:
    found = samples(of_process(2, Traffic(1000, 20, 5, 4)))
    assert (
        found
        | {
            "remote_session_viewers{}": 2.0,
            "remote_session_relayed_bytes_total{direction=to_viewers}": 1000.0,
            "remote_session_relayed_bytes_total{direction=from_viewers}": 20.0,
            "remote_session_relayed_messages_total{direction=to_viewers}": 5.0,
            "remote_session_relayed_messages_total{direction=from_viewers}": 4.0,
        }
        == found
    )
    assert "remote_session_event_loop_lag_seconds_count{}" in found
    assert "process_open_fds{}" in found


def test_what_there_is_of_the_site_is_told_once_for_all_processes() -> None:
    assert samples(of_site(SiteFigures({"running": 3, "starting": 0}, 1, unknown=2, unknown_for_long=1))) == {
        "remote_session_sessions{state=running}": 3.0,
        "remote_session_sessions{state=starting}": 0.0,
        "remote_session_quarantined_slots{}": 1.0,
        "remote_session_unknown_sessions{}": 2.0,
        "remote_session_unknown_sessions_alarm{}": 1.0,
    }
