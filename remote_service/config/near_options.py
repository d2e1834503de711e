"""Keys of `options` that are almost one that the gateway reads. They are the site's own, and so no error: but a `Group`
that nobody reads opens the type to everybody."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from remote_service.config.schema import KnownOptions
from remote_service.config.words import as_json, did_you_mean
from remote_service.texts import joined
from remote_service.texts import sentence as _

COMMON = frozenset({"size"})
"""Names that scripts read for themselves."""


def near_options(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each such key, with that which was probably meant."""
    read = {_core(key): key for key in KnownOptions.model_fields}
    for key in options:
        meant = read.get(_core(key))
        if meant is not None and meant not in options and key not in COMMON:
            yield key, meant


def clauses(key: str, meant: str) -> tuple[str, str, str]:
    """What was found, expected, and how it is mended."""
    found = _("an option %(name)s, which the gateway does not read", name=as_json(key))
    expected = _("%(name)s, if that is meant", name=as_json(meant))
    if meant == "group":
        expected = joined(expected, _("as it is, everybody may use the type"), by=": ")
    return found, expected, did_you_mean(meant)


def _core(key: str) -> str:
    """A key without what is easily mistaken: capital letters, signs, the plural."""
    return re.sub(r"[^a-z]", "", key.lower()).removesuffix("s")
