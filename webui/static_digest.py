"""Tells whether the static files have to be collected again: a digest over all that goes into collecting.

Collecting takes one to two seconds, the digest about a hundredth of one. It is over contents, not sizes and
times: a fresh checkout or a reinstalled package has new times and the same files, and an edit may keep both.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import cast

import django
from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.apps import StaticFilesConfig
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command

STAMP_NAME = ".collected"
"""The file in STATIC_ROOT that holds the digest of what was collected there. It is never served."""

MANIFEST = "staticfiles.json"
COMPRESSED = ("", ".gz", ".br")
"""Endings under which a hashed file is kept."""

OUTPUT_SETTINGS = (
    "STATIC_URL",
    "STORAGES",
    "SERVESTATIC_KEEP_ONLY_HASHED_FILES",
    "SERVESTATIC_MINIFY",
    "SERVESTATIC_SKIP_COMPRESS_EXTENSIONS",
    "SERVESTATIC_USE_BROTLI",
    "SERVESTATIC_USE_GZIP",
)
"""The settings that change what is written; one that is not set counts as null."""


def digest(recipe: str, files: Iterable[tuple[str, Path]]) -> str:
    """Return the SHA-256, in hexadecimal, of the recipe and of every file's name and content.

    Args:
        recipe: what else decides the outcome, as text.
        files: static name and place of each file; their order does not matter.

    Raises:
        OSError: a file cannot be read.
    """
    total = hashlib.sha256(recipe.encode())
    for name, path in sorted(files):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"\0{name}\0{content}".encode())
    return total.hexdigest()


def static_digest() -> str:
    """Return the digest of what `collectstatic` would read now, with the present code and settings."""
    return digest(_recipe(), _files())


def collect_if_changed() -> bool:
    """Run `collectstatic` unless STATIC_ROOT holds the outcome for the present digest.

    What was collected the time before stays beside it, under its hashed names: a server of the release before, which
    still runs, serves it, and so does the next one to pages that were open when it was started. All else is removed.

    It trusts the stamp: a file that someone deleted from STATIC_ROOT by hand is not missed. Call it in one
    process at a time for a STATIC_ROOT, and before anything asks for a static URL.

    Returns:
        Whether it collected.

    Raises:
        ImproperlyConfigured: STATIC_ROOT is not set.
        OSError: STATIC_ROOT cannot be written.
        ValueError: a file refers to one that is missing (the storage's message names both).
        RuntimeError: modules import each other in a circle.
    """
    stamp = Path(staticfiles_storage.path(STAMP_NAME))
    wanted = static_digest()
    if _read(stamp) == wanted:
        return False
    stamp.unlink(missing_ok=True)  # a collection that dies half-way must not look complete
    _remove_all_but(_collected_before())
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(wanted, encoding="ascii")
    return True


def _collected_before() -> set[Path]:
    """What the last collection made, its list included, which a start that comes meanwhile goes by."""
    root, listed = Path(settings.STATIC_ROOT), Path(staticfiles_storage.path(MANIFEST))
    try:
        names = json.loads(listed.read_text())["paths"].values()
    except (FileNotFoundError, ValueError, KeyError):
        return set()
    return {listed, *(root / f"{name}{ending}" for name in names for ending in COMPRESSED)}


def _remove_all_but(kept: set[Path]) -> None:
    """Without this, collecting keeps a file whose source is older than it, though it is another one."""
    for folder, _folders, names in os.walk(settings.STATIC_ROOT):
        for path in (Path(folder, name) for name in names):
            if path not in kept:
                path.unlink()


def _recipe() -> str:
    return json.dumps(
        {
            "django": django.get_version(),
            "servestatic": version("servestatic"),
            "storage": hashlib.sha256(Path(__file__).with_name("storage.py").read_bytes()).hexdigest(),
            "brotli": importlib.util.find_spec("brotli") is not None,
            **{name: getattr(settings, name, None) for name in OUTPUT_SETTINGS},
        },
        default=str,
    )


def _files() -> Iterator[tuple[str, Path]]:
    """The files that `collectstatic` collects: of two with one name it takes the first."""
    ignored = cast(StaticFilesConfig, apps.get_app_config("staticfiles")).ignore_patterns
    seen = set()
    for finder in get_finders():
        for path, storage in finder.list(ignored):
            name = os.path.join(getattr(storage, "prefix", None) or "", path)
            if name not in seen:
                seen.add(name)
                yield name, Path(storage.path(path))


def _read(stamp: Path) -> str | None:
    try:
        return stamp.read_text(encoding="ascii")
    except FileNotFoundError:
        return None
