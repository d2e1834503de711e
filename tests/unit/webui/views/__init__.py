"""Mirrors webui/views."""
