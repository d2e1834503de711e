"""The sessions file: reading it, judging it, what a launch may ask for. No Django, no sockets, no clock."""

from __future__ import annotations
