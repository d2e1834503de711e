"""The languages of the pages: English, and those for which there is a compiled catalogue."""

from __future__ import annotations

from pathlib import Path

from django.conf.locale import LANG_INFO
from django.utils.translation import to_language

ENGLISH = ("en", "English")


def languages(catalogues: Path) -> list[tuple[str, str]]:
    """Code and name of each language, as Django's LANGUAGES has them.

    Django itself speaks some hundred more. A browser that asks for one of those gets English as a whole, rather than
    pages that are half translated.

    Args:
        catalogues: the directory that `makemessages` and `compilemessages` fill; it may be missing.
    """
    compiled = sorted(catalogues.glob("*/LC_MESSAGES/django.mo"))
    codes = [to_language(path.parent.parent.name) for path in compiled]
    return [ENGLISH, *((code, str(LANG_INFO.get(code, {}).get("name", code))) for code in codes if code != "en")]
