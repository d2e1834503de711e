"""The pages hang together: links lead somewhere, samples are what they say, nothing of this machine is in them."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from remote_service.config.entries import check_entry
from remote_service.config.schema import SessionType
from tests.unit.docs.pages import (
    ADMINS,
    CHANGELOG,
    PAGES,
    README,
    ROOT,
    SCRIPTS,
    Block,
    all_blocks,
    anchors,
    links,
    prose,
)

FILES = (*PAGES, ROOT / "docs" / "nginx.conf", *sorted((ROOT / "docs").glob("*.service")))
LANGUAGES = {"console", "json", "python", "text", "ini"}


def sessions_of(block: Block) -> dict[str, object] | None:
    """The block's data when it is a sessions file: every member is an object with a script."""
    data = json.loads(block.text)
    entries = list(data.values())
    return data if entries and all(isinstance(entry, dict) and "script" in entry for entry in entries) else None


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_every_link_leads_somewhere(file: Path) -> None:
    for link in links(file):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = (file.parent / name).resolve() if name else file
        assert target.is_file(), f"{file.name} links to {link}"
        assert not anchor or anchor in anchors(target), f"{file.name} links to {link}"


def test_the_readme_leads_to_every_page_of_the_documentation() -> None:
    pages = {"docs/scripts.md", "docs/admins.md", "docs/reliability.md"}
    assert pages | {"docs/nginx.conf", "CHANGELOG.md", "LICENSE"} <= set(links(README))


@pytest.mark.parametrize("file", [ADMINS, SCRIPTS], ids=lambda file: file.name)
def test_its_contents_list_its_chapters_and_each_has_a_name(file: Path) -> None:
    headings = [line.strip() for line in prose(file).splitlines() if re.match("#+( |$)", line)]
    listed = set(re.findall(r"\]\(#([\w-]+)\)", file.read_text().partition("\n## ")[0]))
    chapters = [line.removeprefix("## ") for line in headings if line.startswith("## ")]
    lost = [name for name in chapters if re.sub(r"[^\w -]", "", name.lower()).replace(" ", "-") not in listed]
    assert (lost, [line for line in headings if not line.strip("#")]) == ([], [])


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_its_text_fits_into_the_line(file: Path) -> None:
    # Rows of a table cannot be broken; what programs print and read stands in blocks.
    assert [line for line in prose(file).splitlines() if len(line) > 120 and not line.startswith("|")] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_nothing_of_the_machine_that_it_was_written_on_is_in_it(file: Path) -> None:
    assert not [word for word in ("/home/", "/mnt/", "pythonhosted", "registry") if word in file.read_text()]


def test_every_block_says_its_language() -> None:
    assert {block.language for page in PAGES for block in all_blocks_of(page)} == LANGUAGES


def all_blocks_of(page: Path) -> list[Block]:
    return [block for language in ("", *LANGUAGES) for block in all_blocks(language) if block.page == page]


@pytest.mark.parametrize("block", all_blocks("json"), ids=str)
def test_a_json_sample_that_is_a_sessions_file_is_a_sound_one(block: Block) -> None:
    for name, entry in (sessions_of(block) or {}).items():
        loaded, findings = check_entry(name, entry)
        assert findings == []
        assert isinstance(loaded, SessionType)


def test_the_pages_have_sessions_files() -> None:
    found = [block.page for block in all_blocks("json") if sessions_of(block)]
    assert [found.count(page) for page in (README, SCRIPTS, ADMINS)] == [2, 2, 3]


@pytest.mark.parametrize("block", all_blocks("python"), ids=str)
def test_a_python_sample_names_its_file_and_is_a_whole_script(block: Block) -> None:
    tree = ast.parse(block.text)
    assert block.text.startswith("# ") and block.text.splitlines()[0].endswith(".py")
    assert "realize_service" in [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert max(map(len, block.text.splitlines())) <= 120


def test_the_sample_of_the_readme_is_that_of_the_contract() -> None:
    (sample,) = [block for block in all_blocks("python") if block.page == README]
    contract = ast.get_docstring(ast.parse((ROOT / "remote_service" / "script.py").read_text())) or ""
    in_contract = contract[contract.index("from remote_service import") : contract.index("When what is called")]
    assert ast.dump(ast.parse(sample.text)) == ast.dump(ast.parse(_dedented(in_contract)))


def _dedented(text: str) -> str:
    return "\n".join(line.removeprefix("    ") for line in text.splitlines())


def test_the_newest_change_is_that_of_this_version() -> None:
    version = next(
        line.split('"')[1] for line in (ROOT / "pyproject.toml").read_text().splitlines() if line.startswith("version")
    )
    headings = [line for line in CHANGELOG.read_text().splitlines() if line.startswith("## ")]
    assert headings[0] == f"## {version}"
