"""A directory that looks like the checkout in which readers type the commands of the pages."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.integration.server.marked_site import MarkedSite
from tests.unit.docs.pages import PLACE, README, ROOT, Block, all_blocks, blocks
from tests.waiting import eventually

ENDS_WITHIN = 6.0
"""Seconds: the promise of 5, and what the shell needs."""


class Checkout:
    """Links to this checkout's files, with the site's state directory as `var`."""

    def __init__(self, site: MarkedSite) -> None:
        """Makes it below the site's directory."""
        self.site = site
        self.path = site.root / "checkout"
        self.path.mkdir(mode=0o755)
        for name in ("manage.py", "Makefile", "tools", "docs", "example_scripts", "sessions_config"):
            (self.path / name).symlink_to(ROOT / name)
        (self.path / ".venv").symlink_to(sys.prefix)
        (self.path / "var").symlink_to(site.state)
        self.variables: dict[str, str] = {}

    def write_sessions(self) -> None:
        """The shipped session types, and the README's own with its script."""
        sessions = json.loads((ROOT / "sessions_config" / "sessions.json").read_text())
        sample = next(block for block in blocks(README) if block.language == "json")
        self.site.write_sessions({**sessions, **json.loads(sample.text)})
        (script,) = [block for block in all_blocks("python") if block.page == README]
        text = script.text.replace("100 + self.index", f"{free_display()} + self.index")
        assert text != script.text
        (self.site.scripts / "my_desktop.py").write_text(text)

    @property
    def environment(self) -> dict[str, str]:
        """That of the site, without what the commands say themselves."""
        return {**self.site.environment, **self.variables}

    def run(self, command: str, *, within: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Types a command and waits for its end; both outputs are in `stdout`."""
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self.path, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=within, check=False,
        )  # fmt: skip

    @contextmanager
    def running(self, command: str, listens: Path | int) -> Iterator[None]:
        """Types a command that serves, waits until it listens, and stops it afterwards as systemd does."""
        with self.site.output_file.open("ab") as output:
            process = subprocess.Popen(
                ["bash", "-c", f"exec env {command}"],
                cwd=self.path, env=self.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
        try:
            eventually(lambda: process.poll() is not None or accepts(listens), within=20)
            assert process.poll() is None, self.site.output
            yield
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(ENDS_WITHIN) == 0, self.site.output
            assert time.monotonic() - began < ENDS_WITHIN
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()

    def as_written(self, output: str) -> str:
        """What a command printed, with the paths that the pages have."""
        return output.replace(str(self.site.scripts), f"{PLACE}/example_scripts").replace(str(self.path), PLACE)


def accepts(listens: Path | int) -> bool:
    """Whether something accepts connections at a Unix socket or a port of this machine."""
    kind = socket.AF_INET if isinstance(listens, int) else socket.AF_UNIX
    with socket.socket(kind) as probe:
        return probe.connect_ex(("127.0.0.1", listens) if isinstance(listens, int) else str(listens)) == 0


def free_display() -> int:
    """The first of two X displays that nobody has."""
    for number in range(2000 + os.getpid() % 1000 * 10, 60000, 10):
        if not any(
            Path(f"/tmp/.X{n}-lock").exists() or Path(f"/tmp/.X11-unix/X{n}").exists() for n in (number, number + 1)
        ):
            return number
    raise AssertionError("there is no free X display")


def json_after(block: Block) -> Any:
    """The JSON that the page shows as the answer of a `console` block; None when it shows none."""
    page = blocks(block.page)
    following = page[page.index(block) + 1 : page.index(block) + 2]
    return json.loads(following[0].text) if following and following[0].language == "json" else None


def same_shape(sample: Any, real: Any) -> bool:
    """Whether a real answer has what the sample has, whatever the values."""
    if isinstance(sample, Mapping):
        if not isinstance(real, Mapping):
            return False
        if sample.keys() != real.keys():
            return all(name in real for name in sample) and all(isinstance(value, Mapping) for value in sample.values())
        return all(same_shape(value, real[name]) for name, value in sample.items())
    if isinstance(sample, list):
        return isinstance(real, list) and (not sample or (bool(real) and same_shape(sample[0], real[0])))
    return type(sample) is type(real)
