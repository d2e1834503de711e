"""Collects static files under hashed names, the imports between our own JavaScript modules included.

A browser may then keep every file for ever, and still sees a new release at once. There is no build step:
the modules are served as they are written, only with the names in their imports replaced.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from servestatic.storage import CompressedManifestStaticFilesStorage

OWN_STATIC = Path(__file__).resolve().parent / "static"
"""The folder whose scripts are ES modules: our own and the vendored ones."""


class ModuleStorage(CompressedManifestStaticFilesStorage):
    """A compressed manifest storage that also rewrites the imports of the modules in `OWN_STATIC`.

    What Django's rewriting asks of a module: its name ends in `.js` (not `.mjs`), every static import or
    re-export ends in `;`, no re-export stands below an import without names (`import "./x.js";`), no import
    of a missing file stands in a comment, and modules do not import each other in a circle. A file that
    breaks one of the last two rules fails `collectstatic`; one that breaks another would be collected with a
    wrong name in it, which tests/integration/test_hashed_modules.py refuses.

    Scripts of other packages keep their text. Django would search those too, and take a type annotation
    such as `import("../types")` in a comment for an import, which it cannot resolve.
    """

    support_js_module_import_aggregation = True
    max_post_process_passes = 12
    """At worst a pass for each link in the longest chain of imports; noVNC alone needs 3 of Django's 5."""

    def url_converter(
        self, name: str, hashed_files: dict[str, str], template: str | None = None, *args: Any
    ) -> Callable[[re.Match[str]], str]:
        """Return what replaces each reference that one of Django's patterns finds in the file `name`."""
        is_import = template is not None and template.startswith(("import", "export"))
        if is_import and not (OWN_STATIC / name).is_file():
            return _unchanged
        return super().url_converter(name, hashed_files, template, *args)


def _unchanged(match: re.Match[str]) -> str:
    return match.group()
