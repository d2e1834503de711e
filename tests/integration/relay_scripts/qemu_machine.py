"""A machine of QEMU's without a disk: on a Unix socket, or with `password` on a TCP port that asks for one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from remote_service import RemoteServiceScript

MACHINE = ["qemu-system-x86_64", "-nodefaults", "-accel", "tcg", "-vga", "std", "-display", "none"]


class QemuMachine(RemoteServiceScript):
    """One machine, on which its BIOS says that it finds no disk."""

    def start(self, token: str, timestamp: float | None = None, options: dict[str, Any] | None = None) -> bool:
        """Starts it."""
        if not self.common_options.get("password"):
            path = self.scratch / "vnc.sock"
            self.spawn([*MACHINE, "-vnc", f"unix:{path}"])
            self.set_unix_socket(path)
            return True
        password, port = self.new_password(), self.free_port()
        file = self.scratch / "password"
        file.touch(mode=0o600)
        file.write_text(password)
        vnc = f"127.0.0.1:{port - 5900},password-secret=vnc"
        self.spawn([*MACHINE, "-object", f"secret,id=vnc,file={file}", "-vnc", vnc])
        self.set_host_port("127.0.0.1", port, password)
        return True

    def stop(self) -> bool:
        """What was spawned is ended by the framework."""
        return True


def realize_service(
    name: str = "", count: int = 1, index: int = 0, common_options: Mapping[str, Any] | None = None
) -> RemoteServiceScript:
    """Called once for each slot."""
    return QemuMachine(name, count=count, index=index, common_options=common_options)
