"""A real TigerVNC on a TCP port that asks for a password, which its session makes for itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from typing import Any

from remote_service import RemoteServiceScript


class PasswordDesktop(RemoteServiceScript):
    """One X server without any program in it."""

    def start(self, token: str, timestamp: float | None = None, options: dict[str, Any] | None = None) -> bool:
        """Starts it on the display that is free."""
        password, port = self.new_password(), self.free_port()
        file = self.scratch / "passwd"
        file.touch(mode=0o600)
        file.write_bytes(
            subprocess.run(["vncpasswd", "-f"], input=f"{password}\n".encode(), capture_output=True, check=True).stdout
        )
        read_end, write_end = os.pipe()
        self.spawn(
            ["Xtigervnc", "-geometry", (options or {})["size"], "-depth", "24", "-nolisten", "tcp", "-localhost",
             "-SecurityTypes", "VncAuth", "-PasswordFile", str(file), "-rfbport", str(port),
             "-displayfd", str(write_end)],
            pass_fds=(write_end,),
        )  # fmt: skip
        os.close(write_end)
        with open(read_end, "rb") as display:
            display.readline()
        self.set_host_port("127.0.0.1", port, password)
        return True

    def stop(self) -> bool:
        """What was spawned is ended by the framework."""
        return True


def realize_service(
    name: str = "", count: int = 1, index: int = 0, common_options: Mapping[str, Any] | None = None
) -> RemoteServiceScript:
    """Called once for each slot."""
    return PasswordDesktop(name, count=count, index=index, common_options=common_options)
