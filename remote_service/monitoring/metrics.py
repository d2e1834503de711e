"""The figures of this process in the format of Prometheus; none has a label that names a user or a session."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

REGISTRY = CollectorRegistry()

ProcessCollector(registry=REGISTRY)

REFUSED = Counter(
    "remote_session_refused_total",
    "Requests that were refused before anybody had logged in, by the bound that they met.",
    ["bound"],
    registry=REGISTRY,
)
PENDING = Gauge(
    "remote_session_pending_handshakes",
    "Websockets that have not been answered yet.",
    registry=REGISTRY,
)
LAG = Histogram(
    "remote_session_event_loop_lag_seconds",
    "By how much the event loop was late, looked at twice a second.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0),
    registry=REGISTRY,
)
