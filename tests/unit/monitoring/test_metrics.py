"""What is counted as it happens names nobody."""

from __future__ import annotations

from remote_service.monitoring.metrics import REGISTRY

LABELS = {"bound", "le"}


def test_no_label_names_a_user_or_a_session() -> None:
    for family in REGISTRY.collect():
        assert {label for sample in family.samples for label in sample.labels} <= LABELS, family.name
        assert family.documentation


def test_the_process_is_measured_too() -> None:
    assert REGISTRY.get_sample_value("process_resident_memory_bytes")
