"""The product as it is started by `make run`, with a state directory and a sessions file that are thrown away."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
START_PATIENCE = 60.0
"""Seconds that the server may take until it answers."""
STOP_PATIENCE = 10.0
_LOOK = 0.02


@dataclass(frozen=True, slots=True)
class Template:
    """A state directory that was prepared before, so that a run of many benchmarks prepares one only once.

    Named by `BENCHMARK_TEMPLATE`, with its superuser's name in `BENCHMARK_USER` and password in `BENCHMARK_PASSWORD`.
    """

    state: Path
    user: str
    password: str

    @classmethod
    def given(cls) -> Template | None:
        """As the environment names it; None when it does not, and each run prepares its own."""
        state = os.environ.get("BENCHMARK_TEMPLATE")
        return cls(Path(state), os.environ["BENCHMARK_USER"], os.environ["BENCHMARK_PASSWORD"]) if state else None


class ProductError(RuntimeError):
    """The product did not start; the message holds what it printed."""


@dataclass(frozen=True, slots=True)
class Product:
    """A server that runs."""

    port: int
    token: str
    user: str
    """The superuser."""
    password: str
    pid: int
    sessions_file: Path
    database: Path
    """An SQLite file."""

    def get(self, path: str, **query: str) -> Any:
        """Calls the stand-alone REST and returns the JSON that it answers.

        Raises:
            urllib.error.HTTPError: it refused.
        """
        asked = urllib.parse.urlencode({"security_token": self.token, **query})
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}?{asked}", timeout=30) as answer:
            return json.load(answer)

    def reserve(self, type_name: str, **options: str) -> dict[str, Any]:
        """Reserves a slot; the answer holds `token` and `websocket`."""
        found = self.get(f"/v1/reserve/{urllib.parse.quote(type_name)}", **options)
        assert isinstance(found, dict)
        return found

    def release(self, token: str) -> None:
        """Ends a session and waits until its slot is free."""
        self.get(f"/v1/release/{token}")


def inherited() -> dict[str, str]:
    """This process's environment without what the shell or the test run has set for sites and for measuring coverage:
    a benchmark measures the site as it is shipped."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("REMOTE_SERVICE_", "COVERAGE_", "BENCHMARK_"))}


@contextmanager
def running(
    sessions: Mapping[str, Any], environment: Mapping[str, str] | None = None, arguments: Sequence[str] = ()
) -> Iterator[Product]:
    """Prepares and serves; ends the server afterwards and removes all it wrote.

    Args:
        sessions: the sessions file.
        environment: further variables.
        arguments: of `serve`.

    Raises:
        ProductError: it did not start.
    """
    with tempfile.TemporaryDirectory(prefix="rsg-bench-") as folder:
        state, file, log = Path(folder, "state"), Path(folder, "sessions.json"), Path(folder, "server.log")
        file.write_text(json.dumps(sessions))
        template = Template.given()
        user, password = (template.user, template.password) if template else ("admin", secrets.token_urlsafe(12))
        port, token = free_port(), secrets.token_urlsafe(24)
        variables = {
            **inherited(),
            "REMOTE_SERVICE_STATE_DIR": str(state),
            "REMOTE_SERVICE_CONFIG": str(file),
            "REMOTE_SERVICE_ADMIN_PASSWORD": password,
            "WEBSOCKETSERVER_SECURITY_TOKEN": token,
            **(environment or {}),
        }
        with log.open("wb") as output:
            make_state(template, variables, output, log)
            process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", "--port", str(port), *arguments],
                cwd=PROJECT, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
        try:
            product = Product(port, token, user, password, process.pid, file, state / "gateway.sqlite3")
            _wait_until_it_serves(product, set(sessions), process, log)
            yield product
        finally:
            # SIGTERM would leave its sessions.
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def make_state(template: Template | None, variables: Mapping[str, str], output: Any, log: Path) -> None:
    """Makes the state directory that the variables name: a copy of the template, or prepared when there is none.

    Raises:
        ProductError: it could not be prepared.
    """
    if template is None:
        manage("prepare", variables, output, log)
    else:
        shutil.copytree(template.state, variables["REMOTE_SERVICE_STATE_DIR"], symlinks=True)


def manage(command: str, variables: Mapping[str, str], output: Any, log: Path) -> None:
    """Runs a management command to its end.

    Raises:
        ProductError: its exit status was not 0.
    """
    done = subprocess.run(
        [sys.executable, "manage.py", command],
        cwd=PROJECT, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise ProductError(f"manage.py {command} ended with {done.returncode}:\n{log.read_text()}")


def free_port() -> int:
    """A TCP port of this machine that nothing listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert isinstance(port, int)
    return port


def _wait_until_it_serves(product: Product, types: set[str], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_PATIENCE
    while True:
        try:
            if types <= product.get("/v1/status")["services"].keys():
                return
            error: OSError | None = None
        except OSError as failed:
            error = failed
        if process.poll() is not None or time.monotonic() > deadline:
            raise ProductError(f"the server did not serve its types ({error}):\n{log.read_text()}") from error
        time.sleep(_LOOK)
