"""Xtigervnc by itself: what any gateway has to wait for, and so the peer of every launch."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.first_frame import Seen, SocketStream, connect_when_there, watch

PATIENCE = 20.0


def argv(folder: Path, size: str) -> list[str]:
    """The command line, as near as can be to the one of `example_scripts/desktop_session.py`."""
    return [
        "Xtigervnc", "-geometry", size, "-depth", "24", "-auth", str(folder / "xauthority"), "-nolisten", "tcp",
        "-noreset", "-AlwaysShared", "-SecurityTypes", "None", "-rfbport", "-1",
        "-rfbunixpath", str(folder / "vnc.sock"), "-rfbunixmode", "0600", "-displayfd", "1",
    ]  # fmt: skip


def installed(program: str, package: str) -> None:
    """Returns if it is.

    Raises:
        FileNotFoundError: it is not.
    """
    if shutil.which(program) is None:
        raise FileNotFoundError(f"{program} is not installed; type: apt-get install {package}")


def launch(size: str) -> tuple[float, float]:
    """Starts one, looks at it, ends it.

    Returns:
        Milliseconds from exec to the RFB banner, and to the last pixel of the first frame.

    Raises:
        FileNotFoundError: it is not installed.
    """
    installed("Xtigervnc", "tigervnc-standalone-server")
    with tempfile.TemporaryDirectory(prefix="rsg-bench-") as name:
        folder = Path(name)
        (folder / "xauthority").write_bytes(b"")
        began = time.monotonic()
        server = subprocess.Popen(
            argv(folder, size), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            with connect_when_there(folder / "vnc.sock", began + PATIENCE) as connection:
                seen: Seen = watch(SocketStream(connection))
        finally:
            server.terminate()
            server.wait()
    return (seen.banner - began) * 1000, (seen.frame - began) * 1000
