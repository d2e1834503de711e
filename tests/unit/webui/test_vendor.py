"""Tests that the vendored files are those of vendor.json, of the versions that package.json names."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
VENDOR = ROOT / "webui" / "static" / "vendor"
OURS = {"README.md", "vendor.json"}

MANIFEST = json.loads((VENDOR / "vendor.json").read_text(encoding="utf-8"))
PACKAGES: list[dict[str, Any]] = MANIFEST["packages"]
LISTED: dict[str, str] = {name: digest for package in PACKAGES for name, digest in package["files"].items()}
WANTED: dict[str, str] = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["dependencies"]
LOCK_TEXT = (ROOT / "package-lock.json").read_text(encoding="utf-8")
LOCKED: dict[str, dict[str, Any]] = json.loads(LOCK_TEXT)["packages"]

LICENCE_TITLES = {"MPL-2.0": "Mozilla Public License Version 2.0", "MIT": "MIT License", "0BSD": "Zero-Clause BSD"}

each_package = pytest.mark.parametrize("package", PACKAGES, ids=lambda package: str(package["name"]))


def test_every_listed_file_is_there_unmodified() -> None:
    found = {name: hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() for name in LISTED}
    assert found == LISTED
    assert len(LISTED) > 50


def test_no_file_is_unlisted() -> None:
    found = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if not path.is_dir()}
    assert found - set(LISTED) == OURS


def test_no_file_is_a_link() -> None:
    assert [path for path in VENDOR.rglob("*") if path.is_symlink()] == []


def test_the_packages_are_those_of_package_json() -> None:
    assert {package["name"]: package["version"] for package in PACKAGES} == WANTED


@each_package
def test_the_version_is_exact(package: dict[str, Any]) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", WANTED[package["name"]])


@each_package
def test_the_integrity_is_that_of_the_lock(package: dict[str, Any]) -> None:
    locked = LOCKED[f"node_modules/{package['name']}"]
    assert (locked["version"], locked["integrity"]) == (package["version"], package["integrity"])
    assert package["integrity"].startswith("sha512-")


def test_the_lock_names_no_host() -> None:
    assert "resolved" not in LOCK_TEXT
    assert "://" not in LOCK_TEXT


@each_package
def test_the_text_of_its_licence_is_there(package: dict[str, Any]) -> None:
    texts = [" ".join((VENDOR / name).read_text(encoding="utf-8").split()) for name in package["licence_files"]]
    assert set(package["licence_files"]) <= set(package["files"])
    assert any(LICENCE_TITLES[package["licence"]] in text for text in texts)


def test_the_licence_of_the_bundled_pako_is_there() -> None:
    assert "(The MIT License)" in (VENDOR / "novnc/vendor/pako/LICENSE").read_text(encoding="utf-8")


@each_package
def test_the_notice_says_what_it_is_under_which_licence_and_where_its_source_is(
    package: dict[str, Any],
) -> None:
    notice = (VENDOR / "README.md").read_text(encoding="utf-8")
    (row,) = [line for line in notice.splitlines() if line.endswith(f"| {package['source']} |")]
    assert f" {package['version']}" in row
    assert f"| {package['licence']} (" in row
    for name in package["licence_files"]:
        assert f"`{name}`" in row
    assert package["source"].endswith(f"/v{package['version']}")
