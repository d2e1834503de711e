"""Copy the front-end files that we vendor out of their npm packages, and list their hashes.

    python tools/vendor_assets.py [--into DIR]

Run it after changing a version in package.json and package-lock.json. It needs npm and the npm registry;
npm checks every package against the integrity in the lock before a file of it is copied. Nothing else
here needs Node: the copies are committed unmodified and served as they are.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "webui" / "static" / "vendor"
MANIFEST = "vendor.json"
NPM_CI = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
NPM_TIMEOUT = 300
"""Seconds that `npm ci` may take."""


@dataclass(frozen=True)
class Package:
    """What is taken from one npm package; a file that is not named stays behind."""

    name: str
    folder: str
    """Its folder below the vendor folder."""
    base: str
    """The folder inside the package that `files` are relative to, there and in the copy."""
    files: tuple[str, ...]
    """Glob patterns."""
    licence_files: tuple[str, ...]
    """Paths relative to the package."""
    source: str
    """Where the source code of `{version}` can be read."""


PACKAGES = (
    Package(
        name="@novnc/novnc",
        folder="novnc",
        base=".",
        files=("core/**/*.js", "vendor/pako/**/*.js", "vendor/pako/README.md", "AUTHORS"),
        licence_files=("LICENSE.txt", "docs/LICENSE.MPL-2.0", "vendor/pako/LICENSE"),
        source="https://github.com/novnc/noVNC/tree/v{version}",
    ),
    Package(
        name="@picocss/pico",
        folder="pico",
        base="css",
        files=("pico.min.css",),
        licence_files=("LICENSE.md",),
        source="https://github.com/picocss/pico/tree/v{version}",
    ),
    Package(
        name="idiomorph",
        folder="idiomorph",
        base="dist",
        files=("idiomorph.esm.js",),
        licence_files=("LICENSE",),
        source="https://github.com/bigskysoftware/idiomorph/tree/v{version}",
    ),
)


class VendorError(Exception):
    """The files could not be fetched or copied; the message says why and what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the module says; the exit code is 0, or 1 with the reason on standard error."""
    parser = argparse.ArgumentParser(description="Copy the vendored files out of their npm packages.")
    parser.add_argument("--into", type=Path, default=VENDOR, metavar="DIR", help="default: %(default)s")
    into: Path = parser.parse_args(arguments).into
    try:
        with tempfile.TemporaryDirectory(prefix="vendor-assets-") as scratch:
            install(Path(scratch))
            manifest = vendor(Path(scratch), into)
    except (VendorError, OSError) as error:
        print(f"vendor_assets: {error}", file=sys.stderr)
        return 1
    for package in manifest["packages"]:
        print(f"{package['name']} {package['version']}: {len(package['files'])} files")
    return 0


def install(scratch: Path) -> None:
    """Let npm put the locked packages into `scratch`/node_modules, running none of their scripts.

    Raises:
        VendorError: npm is missing, too slow or failed (its own words are in the message).
    """
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(ROOT / name, scratch / name)
    try:
        result = subprocess.run(NPM_CI, cwd=scratch, capture_output=True, text=True, timeout=NPM_TIMEOUT)
    except FileNotFoundError:
        raise VendorError("npm was not found on PATH; install Node.js 18 or later with npm.") from None
    except subprocess.TimeoutExpired:
        raise VendorError(f"npm ci took more than {NPM_TIMEOUT} s. Is the npm registry reachable?") from None
    if result.returncode != 0:
        raise VendorError(f"npm ci failed with exit code {result.returncode}:\n{result.stderr.strip()}")


def vendor(scratch: Path, into: Path) -> dict[str, Any]:
    """Replace the packages' folders in `into` by fresh copies and write the manifest beside them.

    Args:
        scratch: the folder where npm installed the packages.
        into: the vendor folder; other files in it stay.

    Returns:
        The manifest, as written.

    Raises:
        VendorError: a pattern names no file of its package.
    """
    lock = json.loads((scratch / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    entries = []
    for package in PACKAGES:
        key = f"node_modules/{package.name}"
        described = json.loads((scratch / key / "package.json").read_text(encoding="utf-8"))
        copied = _copy(package, scratch / key, into)
        entries.append(
            {
                "name": package.name,
                "version": lock[key]["version"],
                "licence": described["license"],
                "licence_files": [f"{package.folder}/{name}" for name in package.licence_files],
                "integrity": lock[key]["integrity"],
                "source": package.source.format(version=lock[key]["version"]),
                "files": {path.relative_to(into).as_posix(): _sha256(path) for path in copied},
            }
        )
    manifest = {"written_by": "tools/vendor_assets.py", "packages": entries}
    (into / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return manifest


def _copy(package: Package, installed: Path, into: Path) -> list[Path]:
    target = into / package.folder
    wanted: dict[Path, Path] = {}
    for base, patterns in ((package.base, package.files), (".", package.licence_files)):
        for pattern in patterns:
            found = [path for path in (installed / base).glob(pattern) if path.is_file()]
            if not found:
                raise VendorError(
                    f"{package.name} has no file {pattern!r} in its folder {base!r}; "
                    "correct PACKAGES in tools/vendor_assets.py for this version of it."
                )
            wanted |= {path: target / path.relative_to(installed / base) for path in found}
    if target.exists():
        shutil.rmtree(target)
    for source, copy in wanted.items():
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
    return sorted(wanted.values())


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
