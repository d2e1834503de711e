"""Looks for texts in everything that a site wrote, and in what all processes of the machine show of themselves."""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

_PAUSE = 0.02


def disguises(text: str) -> set[bytes]:
    """The text as it is, in an address, in HTML, and in base64 wherever it begins in what is encoded."""
    plain = text.encode()
    html = text.replace("&", "&amp;").replace("'", "&#x27;").replace('"', "&quot;")
    found = {plain, quote(text, safe="").encode(), html.encode()}
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + plain)
        # The first and last group depend on what stands beside the text.
        found.add(encoded[4 if shift else 0 : len(encoded) - 4])
    return {form for form in found if len(form) >= 8}


def files_below(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Each file's path and content; one that has just gone is left out."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with suppress(FileNotFoundError):
                yield str(path), path.read_bytes()


def processes_shown() -> Iterator[tuple[int, str, bytes]]:
    """Of every process: its pid, "cmdline" or "environ", and what that holds."""
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            for kind in ("cmdline", "environ"):
                with suppress(OSError):
                    yield int(name), kind, Path("/proc", name, kind).read_bytes()


class ProcessWatch:
    """Collects what processes show while something happens, since many live for milliseconds only."""

    def __init__(self) -> None:
        self.seen: dict[tuple[int, str], set[bytes]] = {}
        self._enough = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Looks in a thread of its own until the block is left."""
        thread = threading.Thread(target=self._look, name="process watch")
        thread.start()
        try:
            yield
        finally:
            self._enough.set()
            thread.join()

    def _look(self) -> None:
        while not self._enough.wait(_PAUSE):
            for pid, kind, content in processes_shown():
                self.seen.setdefault((pid, kind), set()).add(content)
