"""The framework: session types, scripts, slots, sessions, relay. No pages.

Service scripts need one name from here, `RemoteServiceScript`; importing it loads no Django.
"""

from __future__ import annotations

from remote_service.script import RemoteServiceScript

__all__ = ["RemoteServiceScript"]
