"""The benchmarks still run and say how the bars are met; what they find is for a quiet machine, memory aside."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.live import template_with_users
from tests.integration.pages import PASSWORD

PROJECT = Path(__file__).resolve().parents[2]
README = PROJECT / "benchmarks" / "README.md"

LIMITS = ("without limits", "view-only", "no clipboard out")
RFB = (
    *(f"CPU of a GB of {encoding}" for encoding in ("raw", "ZRLE", "Tight", "Tight with JPEG")),
    "CPU of an event, in a row",
    "CPU of a pointer event, alone",
)
LAUNCH = "over the VNC server's own time"
QUICKLY = {
    "launch": (["--rounds", "1"], [LAUNCH]),
    "launch_browser": (["--rounds", "1"], [f"warm, {LAUNCH}", f"cold, {LAUNCH}"]),
    "reservations": (["--seconds", "0.2", "--rounds", "1"], ["reserve/release cycles, 1 client"]),
    "picker": (["--rounds", "1", "--types", "20", "--sessions", "200"], ["CPU time of a full picker"]),
    "memory": ([], ["script host and 50 sessions"]),
    "live_updates": (
        ["--rounds", "1", "--gap", "1.6"],
        ["a change on another open page", "another change right after it"],
    ),
    "relay": (
        [
            "--rounds",
            "1",
            "--megabytes",
            "4",
            "--seconds",
            "0.5",
            "--streams",
            "4",
            "--trips",
            "20",
            "--handshakes",
            "4",
        ],
        [
            "CPU of a GB to the viewer, takeover, of websockify's",
            "CPU of a GB to the viewer, portable, of websockify's",
            "CPU of a GB from the viewer, takeover, of websockify's",
            "CPU of a GB from the viewer, portable, of websockify's",
            "CPU of a pointer event and its answer, takeover, of websockify's",
            "p99 of a round trip beside 20 streams, takeover, of websockify's",
            "CPU of 1 KiB with many streams, takeover, of websockify's",
            "memory of an open stream, takeover",
            "growth while the viewer reads nothing, takeover",
            "growth while the endpoint reads nothing, takeover",
            "CPU of a handshake, site",
        ],
    ),
    "relay_rfb": (
        ["--rounds", "1", "--megabytes", "2", "--events", "200", "--single", "20", "--record", "0.3"],
        [f"{what}, {limits}, of the blind path's" for what in RFB for limits in LIMITS],
    ),
    "relay_soak": (
        ["--seconds", "1", "--streams", "4", "--sessions", "2"],
        ["streams that differed or stood still", "growth of the server"],
    ),
    "strangers": (
        ["--rounds", "1", "--seconds", "1", "--strangers", "40"],
        ["p99 of a viewer's round trip beside strangers"],
    ),
    "beside_pages": (["--rounds", "1", "--seconds", "0.5", "--lines", "4"], ["p99 of a round trip beside pages"]),
}


def run(name: str, arguments: list[str]) -> str:
    """Runs a benchmark to its end and returns what it printed."""
    template = {
        "BENCHMARK_TEMPLATE": str(template_with_users()),
        "BENCHMARK_USER": "root",
        "BENCHMARK_PASSWORD": PASSWORD,
    }
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *arguments],
        cwd=PROJECT, env={**os.environ, **template}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=110, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", QUICKLY)
def test_it_runs_and_names_its_bars(name: str) -> None:
    arguments, bars = QUICKLY[name]

    lines = run(name, arguments).splitlines()

    said = [re.fullmatch(r"bar (met|MISSED): (.+) [\d.-]+ \S+, wanted at (?:most|least) [\d.]+ \S+", x) for x in lines]
    assert [found[2] for found in said if found] == bars
    if name == "memory":
        # How much memory sessions take does not depend on what else the machine does.
        assert "bar met" in lines[-1], lines[-1]


def test_the_readme_lists_every_benchmark() -> None:
    assert re.findall(r"-m benchmarks\.(\w+)", README.read_text()) == list(QUICKLY)
