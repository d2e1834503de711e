"""Limits of 0 seconds with which nobody can use a session. They are what the file says, and so no error; but who
writes 0 mostly means no limit, which is null."""

from __future__ import annotations

from collections.abc import Iterator

from remote_service.config.schema import Limits
from remote_service.texts import sentence as _

_MEANING = {
    "reservation_timeout": _("0, with which a slot is free again before its session can be started"),
    "start_timeout": _("0, with which no session has time to start"),
    "idle_timeout": _("0, with which every session ends as soon as it runs"),
    "max_lifetime": _("0, with which every session ends as soon as it runs"),
}


def zero_limits(limits: Limits) -> Iterator[tuple[str, str, str, str]]:
    """Each such limit: its key, what was found, what was expected, and how it is mended."""
    for key, found in _MEANING.items():
        if getattr(limits, key) == 0:
            expected = _("a number of seconds above 0, or null for no limit")
            yield key, found, expected, _('write "%(key)s": null if there is to be no such limit', key=key)
