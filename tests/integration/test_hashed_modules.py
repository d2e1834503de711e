"""Collects the static files with the site's settings and follows every import between our modules."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "webui" / "static"
IMPORT = re.compile(r"""\b(?:from|import)\s*\(?\s*["'](\.{1,2}/[^"']+)["']""")
MOST_BYTES = 200_000
HASHED = re.compile(r"\.[0-9a-f]{12}(\.m?js)$")


class Collected:
    """What collectstatic left: the folder and, for each static name, the hashed name."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.hashed: dict[str, str] = json.loads((root / "staticfiles.json").read_text())["paths"]

    def modules(self) -> dict[str, str]:
        """The hashed name of each of our scripts, vendored ones included."""
        names = [path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*") if path.suffix in {".js", ".mjs"}]
        return {name: self.hashed[name] for name in names}

    def imports(self) -> list[tuple[str, str]]:
        """Each relative import as (hashed name of the module, what it imports)."""
        return [
            (hashed, imported)
            for hashed in self.modules().values()
            for imported in IMPORT.findall((self.root / hashed).read_text(encoding="utf-8"))
        ]


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Collected:
    state = tmp_path_factory.mktemp("state")
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity=0"],
        cwd=ROOT,
        env=os.environ | {"REMOTE_SERVICE_STATE_DIR": str(state)},
        check=True,
        timeout=60,
    )
    return Collected(state / "static")


def test_every_module_is_collected_under_a_hashed_name(collected: Collected) -> None:
    modules = collected.modules()
    assert "vendor/novnc/core/rfb.js" in modules
    for name, hashed in modules.items():
        assert HASHED.sub(r"\1", hashed) == name
        assert hashed != name


def test_no_import_is_left_unhashed(collected: Collected) -> None:
    imports = collected.imports()
    assert len(imports) > 50
    assert [pair for pair in imports if not HASHED.search(pair[1])] == []


def test_every_import_leads_to_the_present_version_of_a_file(collected: Collected) -> None:
    known = set(collected.hashed.values())
    targets = [(module, os.path.normpath(f"{Path(module).parent}/{target}")) for module, target in collected.imports()]
    assert [pair for pair in targets if pair[1] not in known] == []
    assert [pair for pair in targets if not (collected.root / pair[1]).is_file()] == []


def test_a_vendored_module_differs_from_its_source_in_nothing_but_its_imports(collected: Collected) -> None:
    def without_imports(text: str) -> str:
        return IMPORT.sub("import", text)

    for name, hashed in collected.modules().items():
        if name.startswith("vendor/"):
            source = (SOURCE / name).read_text(encoding="utf-8")
            assert without_imports((collected.root / hashed).read_text(encoding="utf-8")) == without_imports(source)


def test_large_modules_have_a_compressed_copy(collected: Collected) -> None:
    assert (collected.root / (collected.hashed["vendor/novnc/core/rfb.js"] + ".gz")).is_file()


def test_all_that_pages_load_beside_novnc_is_light(collected: Collected) -> None:
    """Compressed as it is served, and everything together: no page loads all of it."""
    ours = [path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*") if path.is_file()]
    loaded = [name for name in ours if Path(name).suffix in {".js", ".css", ".svg"} and "novnc" not in name]
    sizes = {name: len(gzip.compress((collected.root / collected.hashed[name]).read_bytes(), 6)) for name in loaded}
    assert "webui/picker.js" in sizes
    assert sum(sizes.values()) < MOST_BYTES, sizes
