"""Tests of the storage that hashes file names, on folders of a few lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from webui import storage


class Site:
    """Two sources of static files: our own folder and another package's, and what is collected."""

    def __init__(self, own: Path, other: Path, root: Path) -> None:
        self.own, self.other, self.root = own, other, root

    def collect(self) -> dict[str, str]:
        """Collect, and return the collected text of each name."""
        call_command("collectstatic", interactive=False, verbosity=0)
        names = json.loads((self.root / "staticfiles.json").read_text())["paths"]
        return {name: (self.root / hashed).read_text() for name, hashed in names.items()}

    def hashed(self, name: str) -> str:
        return str(json.loads((self.root / "staticfiles.json").read_text())["paths"][name])


@pytest.fixture
def site(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Site:
    site = Site(tmp_path / "own", tmp_path / "other", tmp_path / "root")
    for folder in (site.own, site.other):
        folder.mkdir()
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATICFILES_DIRS = [site.own, site.other]
    settings.STATIC_ROOT = str(site.root)
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "webui.storage.ModuleStorage"},
    }
    monkeypatch.setattr(storage, "OWN_STATIC", site.own)
    return site


@pytest.mark.parametrize(
    ("written", "collected"),
    [
        ('import { a } from "./a.js";\n', 'import { a } from "./{hashed}";\n'),
        ("import {\n    a,\n} from '../own/a.js';\n", 'import {\n    a,\n} from "../own/{hashed}";\n'),
        ('import "./a.js";\n', 'import"./{hashed}";\n'),
        ('export { a } from "./a.js";\n', 'export { a } from "./{hashed}";\n'),
        ('const a = await import("./a.js");\n', 'const a = await import("./{hashed}");\n'),
    ],
)
def test_our_modules_import_each_other_by_hashed_names(site: Site, written: str, collected: str) -> None:
    (site.own / "own").mkdir()
    (site.own / "own" / "a.js").write_text("export const a = 1;\n")
    (site.own / "own" / "page.js").write_text(written)
    page = site.collect()["own/page.js"]
    assert page == collected.replace("{hashed}", site.hashed("own/a.js").removeprefix("own/"))


def test_a_long_chain_of_imports_is_followed_to_its_end(site: Site) -> None:
    for number in range(10):
        (site.own / f"m{number}.js").write_text(f'import "./m{number + 1}.js";\n')
    (site.own / "m10.js").write_text("export {};\n")
    collected = site.collect()
    for number in range(10):
        assert collected[f"m{number}.js"] == f'import"./{site.hashed(f"m{number + 1}.js")}";\n'


def test_modules_that_import_each_other_in_a_circle_are_refused(site: Site) -> None:
    (site.own / "a.js").write_text('import "./b.js";\n')
    (site.own / "b.js").write_text('import "./a.js";\n')
    with pytest.raises(RuntimeError, match=r"^Max post-process passes exceeded\.$"):
        site.collect()


def test_an_import_of_a_missing_module_is_refused(site: Site) -> None:
    (site.own / "page.js").write_text('import "./missing.js";\n')
    with pytest.raises(ValueError, match=r"The JS file 'page\.js' references a file which could not be found"):
        site.collect()


def test_a_type_annotation_in_the_script_of_another_package_is_left_alone(site: Site) -> None:
    text = '/** @type {import("../types").Api} */\nlet api;\n'
    (site.other / "extension.js").write_text(text)
    assert site.collect()["extension.js"] == text


def test_references_in_style_sheets_of_any_package_are_hashed(site: Site) -> None:
    (site.other / "dot.svg").write_text("<svg/>")
    for folder, name in ((site.own, "own.css"), (site.other, "other.css")):
        (folder / name).write_text("p { background: url(dot.svg) }\n")
    collected = site.collect()
    assert collected["own.css"] == collected["other.css"] == f'p {{ background: url("{site.hashed("dot.svg")}") }}\n'


def test_a_large_file_has_a_compressed_copy(site: Site) -> None:
    (site.own / "page.js").write_text("let a = 1;\n" * 1000)
    site.collect()
    assert (site.root / (site.hashed("page.js") + ".gz")).is_file()
