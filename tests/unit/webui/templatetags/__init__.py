"""Mirrors webui/templatetags."""
