"""How the processes of `serve --workers` are called: in logs, in figures, and by the command that is one of them."""

from __future__ import annotations

SUPERVISOR = "supervisor"
RELAY = "relay"
PAGES = "pages"
"""Each of these has a number behind it."""
