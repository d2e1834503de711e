"""Groups that a sessions file names and the database does not have: a warning, for they may be made later."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from remote_service.config.loader import SessionsFile
from remote_service.config.problems import Code, Problem, Severity
from remote_service.config.words import as_json, closest, otherwise
from remote_service.texts import sentence as _


def unknown_groups(sessions: SessionsFile, existing: Collection[str]) -> Iterator[Problem]:
    """A warning for each group of each type that is not among the `existing` ones.

    The type stays: it admits nobody by that group now, and the group's members as soon as there is one.
    """
    for loaded in sessions.types:
        for group in loaded.type.groups or ():
            if group not in existing:
                near = closest(group, existing)
                create = _("create the group %(name)s in the admin pages", name=as_json(group))
                yield Problem(
                    str(sessions.path),
                    loaded.type.name,
                    ("options", "group"),
                    _("the unknown group %(name)s, which admits nobody", name=as_json(group)),
                    _("a group of the user database"),
                    otherwise(near, create),
                    Code.GROUP_UNKNOWN,
                    Severity.WARNING,
                    loaded.group_line,
                )
