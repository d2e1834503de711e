"""Tests of following imports."""

from __future__ import annotations

from pathlib import Path

import pytest

from webui.modules import import_closure


def test_it_follows_every_way_to_import(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.js").write_text(
        'import { one,\n  two } from "./deep/b.js";\nimport "./c.js";\nexport * from \'./d.js\';\n'
        'const text = "./not-imported.js";\n'
    )
    (tmp_path / "deep" / "b.js").write_text('import C from "../c.js";\n')
    (tmp_path / "c.js").write_text("export default 1;\n")
    (tmp_path / "d.js").write_text('export const x = "./neither.js";\n')
    assert import_closure("a.js", tmp_path) == ("a.js", "deep/b.js", "c.js", "d.js")


def test_it_names_a_module_that_is_missing(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text('import "./gone.js";\n')
    with pytest.raises(FileNotFoundError, match=r"gone\.js"):
        import_closure("a.js", tmp_path)


def test_the_viewer_imports_all_of_novnc() -> None:
    closure = import_closure("webui/viewer.js")
    assert closure[0] == "webui/viewer.js"
    assert "webui/viewer/connection.js" in closure
    assert "vendor/novnc/core/rfb.js" in closure
    assert "vendor/novnc/vendor/pako/lib/zlib/inflate.js" in closure
    assert len(closure) == len(set(closure)) > 55


def test_the_picker_imports_nothing_of_novnc() -> None:
    assert [name for name in import_closure("webui/picker.js") if name.startswith("vendor/novnc")] == []
