"""The figures of all processes of `serve --workers`: each tells its own at a socket, whichever is asked collects them.

No Django: the relay's process tells its figures, too.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from remote_service.hosting.wire import listen_on, short_path

PATIENCE = 1.0
"""Seconds for a process to tell its figures; one that is busy for longer is left out."""
_CHUNK = 64 * 1024


@asynccontextmanager
async def telling(path: Path, figures: Callable[[], str]) -> AsyncIterator[None]:
    """Tells this process's figures, in the format of Prometheus, to whoever connects, in its body.

    Raises:
        OSError: it cannot be listened there.
    """

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(json.dumps({"text": figures()}).encode())
        with suppress(OSError):
            await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(answer, sock=listen_on(path, replacing=True))
    try:
        yield
    finally:
        server.close()


def ask(path: Path) -> str | None:
    """What one process tells; None when it does not."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE)
        try:
            with short_path(path) as name:
                connection.connect(name)
            chunks = []
            while chunk := connection.recv(_CHUNK):
                chunks.append(chunk)
            return str(json.loads(b"".join(chunks))["text"])
        except (OSError, ValueError, KeyError, TypeError):
            return None


def ask_all(folder: Path) -> dict[str, str]:
    """What all processes tell, by their names."""
    asked = {path.name: ask(path) for path in sorted(folder.iterdir())}
    return {name: told for name, told in asked.items() if told is not None}


class _Merged(Collector):
    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def collect(self) -> Iterator[Metric]:
        """Every family once, with the samples of all processes."""
        families: dict[str, Metric] = {}
        for process, text in self._texts.items():
            for family in text_string_to_metric_families(text):
                into = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                for sample in family.samples:
                    into.add_sample(sample.name, {**sample.labels, "process": process}, sample.value)
        yield from families.values()


def merged(texts: Mapping[str, str]) -> bytes:
    """The figures of several processes as one text, with a label that says whose each is.

    Args:
        texts: what each tells, by its name.
    """
    registry = CollectorRegistry()
    registry.register(_Merged(texts))
    return generate_latest(registry)
