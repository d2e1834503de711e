"""A page as fragments of HTML, each with the id of its element; what of them a browser does not have yet.

A fragment may have parts: where one belongs, it holds a placeholder with the part's id, and the part is a fragment of
its own. So a list is sent again only when its order or its members change, and a card only when the card does.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

Fragments = dict[str, str]
"""Element id to the HTML of that element, placeholders for its parts included."""

_PLACEHOLDER = re.compile(r'<template data-part="([^"]+)"></template>')


def placeholder(element_id: str) -> str:
    """Stands for a part; also where only some elements are allowed, as in a list or a table."""
    return f'<template data-part="{element_id}"></template>'


def assembled(fragments: Mapping[str, str], element_id: str) -> str:
    """A fragment with all its parts in it, as the first answer brings it.

    Raises:
        KeyError: it, or a part of it, is not among the fragments.
    """
    return _PLACEHOLDER.sub(lambda found: assembled(fragments, found[1]), fragments[element_id])


def stamps(fragments: Mapping[str, str]) -> dict[str, bytes]:
    """What to remember of fragments, to tell whether they changed."""
    return {key: hashlib.blake2b(html.encode(), digest_size=12).digest() for key, html in fragments.items()}


def digest(stamped: Mapping[str, bytes]) -> str:
    """One short text for all of them; a page says by it what it shows."""
    whole = hashlib.blake2b(digest_size=12)
    for key in sorted(stamped):
        whole.update(key.encode() + b"\0" + stamped[key])
    return whole.hexdigest()


def changed(fragments: Mapping[str, str], now: Mapping[str, bytes], known: Mapping[str, bytes]) -> Fragments:
    """Those whose stamp is not the known one; what is gone is in none, since what held it has changed."""
    return {key: html for key, html in fragments.items() if known.get(key) != now[key]}
