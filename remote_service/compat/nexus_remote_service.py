"""The module name that service scripts written for Ansys Nexus import their base class from.

Script hosts put this folder on `sys.path`, so that such a script runs without a change.
"""

from __future__ import annotations

from remote_service.script import RemoteServiceScript

__all__ = ["RemoteServiceScript"]
