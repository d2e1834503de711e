"""Viewers' websockets: who may open one, which endpoint it leads to, and the bytes in between."""

from __future__ import annotations
