"""A tag for moments: the page's script says them in the reader's own time."""

from __future__ import annotations

from datetime import UTC, datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def moment(value: datetime) -> SafeString:
    """A moment in UTC; `local_times.js` puts it into the reader's time zone and language."""
    there = value.astimezone(UTC)
    return format_html(
        '<time datetime="{}" data-local>{} UTC</time>',
        there.isoformat(timespec="seconds"),
        f"{there:%Y-%m-%d %H:%M:%S}",
    )
