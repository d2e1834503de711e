"""The text that `/metrics` answers: what is counted as it happens, and what is counted when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from remote_service.monitoring.metrics import REGISTRY
from remote_service.relay.traffic import Traffic

CONTENT_TYPE = CONTENT_TYPE_LATEST
TO_VIEWERS, FROM_VIEWERS = "to_viewers", "from_viewers"


@dataclass(frozen=True, slots=True)
class SiteFigures:
    """What there is of sessions on the whole site."""

    sessions: Mapping[str, int]
    """Live ones by their state."""
    quarantined: int
    """Slots."""
    unknown: int
    """Live ones of which nobody can tell whether they live."""
    unknown_for_long: int
    """Those of them that somebody should look at."""


class SiteNow(Collector):
    """The same at this moment, as Prometheus has it."""

    def __init__(self, site: SiteFigures) -> None:
        self._site = site

    def collect(self) -> Iterator[Metric]:
        """A family each."""
        site = self._site
        family = GaugeMetricFamily("remote_session_sessions", "Live sessions of the site.", labels=["state"])
        for state, count in site.sessions.items():
            family.add_metric([state], count)
        yield family
        yield GaugeMetricFamily("remote_session_quarantined_slots", "Slots in quarantine.", site.quarantined)
        yield GaugeMetricFamily(
            "remote_session_unknown_sessions", "Sessions of which nobody can tell whether they live.", site.unknown
        )
        yield GaugeMetricFamily(
            "remote_session_unknown_sessions_alarm",
            "Those of them that have been so for longer than the site lets pass.",
            site.unknown_for_long,
        )


@dataclass(frozen=True, slots=True, eq=False)
class ProcessNow(Collector):
    """What this process carries at this moment."""

    viewers: int
    """Open ones."""
    traffic: Traffic
    """Since it was started."""

    def collect(self) -> Iterator[Metric]:
        """As Prometheus has it."""
        yield GaugeMetricFamily("remote_session_viewers", "Open viewers of this process.", self.viewers)
        down, up = self.traffic, self.traffic
        yield _both_ways("bytes", "Bytes relayed by this process.", down.bytes_down, up.bytes_up)
        yield _both_ways("messages", "Websocket messages relayed by this process.", down.messages_down, up.messages_up)


def _both_ways(what: str, text: str, down: int, up: int) -> Metric:
    family = CounterMetricFamily(f"remote_session_relayed_{what}", text, labels=["direction"])
    family.add_metric([TO_VIEWERS], down)
    family.add_metric([FROM_VIEWERS], up)
    return family


def of_process(viewers: int, traffic: Traffic) -> bytes:
    """The figures of this process."""
    registry = CollectorRegistry()
    registry.register(ProcessNow(viewers, traffic))
    return generate_latest(REGISTRY) + generate_latest(registry)


def of_site(site: SiteFigures) -> bytes:
    """The figures of the site, which are no process's own."""
    registry = CollectorRegistry()
    registry.register(SiteNow(site))
    return generate_latest(registry)
