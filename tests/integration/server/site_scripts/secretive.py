"""Scripts that know secrets, for the test that looks for them everywhere; what they know stands in a file of the test.

kind    "desktop": a desktop behind a VNC password; "chatty": prints all it knows and raises it as an error
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from desktop_session import DesktopSession

from remote_service import RemoteServiceScript


def tell(options: Mapping[str, Any], secret: str) -> None:
    """Adds a secret to the test's own list."""
    descriptor = os.open(options["marks"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(descriptor, f"{secret}\n".encode())
    os.close(descriptor)


class SecretDesktop(DesktopSession):
    """A desktop that tells the test its token and its password."""

    def start(self, token: str, timestamp: float | None = None, options: dict[str, Any] | None = None) -> bool:
        """Starts as the example does."""
        tell(self.common_options, token)
        return super().start(token, timestamp, options)

    def new_password(self) -> str:
        """The example's own."""
        password = super().new_password()
        tell(self.common_options, password)
        print(f"what is printed reaches the log, a password does not: {password}", flush=True)
        return password


class Chatty(RemoteServiceScript):
    """Says what it should keep to itself."""

    def start(self, token: str, timestamp: float | None = None, options: dict[str, Any] | None = None) -> bool:
        """Prints, logs and raises its secrets."""
        password = self.new_password()
        tell(self.common_options, token)
        tell(self.common_options, password)
        print(f"the token is {token} and the password is {password}", flush=True)
        self.log.error("the token is %s and the password is %s", token, password)
        self.set_host_port("127.0.0.1", 1, password)
        raise RuntimeError(f"cannot start with {token} and {password}")

    def stop(self) -> bool:
        """Has nothing to stop."""
        return True


def realize_service(
    name: str = "", count: int = 1, index: int = 0, common_options: Mapping[str, Any] | None = None
) -> RemoteServiceScript:
    """Called once for each slot."""
    kind = Chatty if (common_options or {})["kind"] == "chatty" else SecretDesktop
    return kind(name, count=count, index=index, common_options=common_options)
