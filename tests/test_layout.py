"""The shape of the code base: imports run one way, modules stay small, every module has its test."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("remote_service", "sessions_config", "webui")
MOST_LINES = 310
MEDIAN_LINES = 150

PURE = (
    "states", "errors", "ages", "decisions", "answers", "endpoints", "rfb", "config.schema", "config.problems",
    "config.form", "texts", "details", "relay.closing", "relay.origin", "relay.frames", "relay.traffic",
    "admission.rate", "admission.waiting", "hosting.course", "hosting.status", "hosting.steps",
    "networks", "relay.proof", "hosting.tcp_table", "relay_process.messages", "crew.names",
)  # fmt: skip
"""Decisions without I/O: they know no socket, no Django, no clock, no event loop."""
IMPURE = {"django", "channels", "socket", "asyncio", "time", "subprocess", "selectors", "threading", "uvicorn"}

WITHOUT_DJANGO = (
    "script", "answers", "context", "endpoints", "hosting", "config", "rfb", "tasks", "states", "texts", "details",
    "compat",
)  # fmt: skip
"""What script hosts and runners import, and what is built to be used elsewhere."""

RELAY_PROCESS = "remote_service.relay_process.__main__"
"""The program that carries all screens: it is small and quick to start since it has nothing of the site."""
SITE = {"django", "channels", "asgiref", "uvicorn"}

NO_TEST_OF_ITS_OWN = {
    "sessions_config/asgi.py": "every integration test runs it",
    "sessions_config/urls.py": "the access matrix is generated from it",
    "remote_service/monitoring/urls.py": "the access matrix is generated from it",
    "remote_service/rest/urls.py": "the access matrix is generated from it",
    "remote_service/crew/names.py": "it says only how others are called",
    "remote_service/compat/nexus_remote_service.py": "tests/integration/hosting runs scripts that import it",
    "remote_service/hosting/steps.py": "it says only what the course and the runner tell each other",
    "remote_service/relay/clerk.py": "it says only what others do",
    "webui/urls.py": "the access matrix is generated from it",
}


def modules() -> list[Path]:
    """Every module of the product, migrations and package markers left out."""
    found = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return sorted(
        p for p in found if "migrations" not in p.parts and "vendor" not in p.parts and p.name != "__init__.py"
    )


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imports(path: Path) -> Iterator[str]:
    """The absolute names of what a module imports, inside functions too."""
    package = name_of(path).split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *(node.module.split(".") if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def belongs(name: str, to: tuple[str, ...]) -> bool:
    inner = name.removeprefix("remote_service.")
    return name.startswith("remote_service.") and any(inner == part or inner.startswith(f"{part}.") for part in to)


@pytest.mark.parametrize("path", [p for p in modules() if name_of(p).startswith("remote_service")], ids=name_of)
def test_the_framework_imports_neither_the_pages_nor_the_site(path: Path) -> None:
    assert not [name for name in imports(path) if name.split(".")[0] in ("webui", "sessions_config")]


@pytest.mark.parametrize("path", [p for p in modules() if belongs(name_of(p), WITHOUT_DJANGO)], ids=name_of)
def test_what_script_hosts_import_knows_no_django(path: Path) -> None:
    assert not [name for name in imports(path) if name.split(".")[0] in ("django", "channels")]


@pytest.mark.parametrize("path", [p for p in modules() if belongs(name_of(p), WITHOUT_DJANGO)], ids=name_of)
def test_what_script_hosts_import_stays_among_itself(path: Path) -> None:
    ours = [name for name in imports(path) if name.startswith("remote_service.")]
    assert not [name for name in ours if not belongs(name, WITHOUT_DJANGO)]


def reached(begin: str) -> dict[str, Path]:
    """The modules of ours that a program imports, and that those import, and so on; packages' own files are empty."""
    ours = {name_of(path): path for path in modules()}
    found: dict[str, Path] = {}
    new = {begin}
    while new:
        found |= {name: ours[name] for name in new}
        new = {name for each in new for name in imports(ours[each]) if name in ours and name not in found}
    return found


def test_the_relays_process_knows_nothing_of_the_site() -> None:
    found = reached(RELAY_PROCESS)
    assert {"remote_service.relay.viewing", "remote_service.relay_process.far_clerk"} <= set(found)
    guilty = {name: [part for part in imports(path) if part.split(".")[0] in SITE] for name, path in found.items()}
    assert {name: parts for name, parts in guilty.items() if parts} == {}


@pytest.mark.parametrize("path", [p for p in modules() if belongs(name_of(p), PURE)], ids=name_of)
def test_pure_modules_do_no_io(path: Path) -> None:
    assert not [name for name in imports(path) if name.split(".")[0] in IMPURE]


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_no_import_hides_inside_a_function(path: Path) -> None:
    functions = [
        n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    hidden = [n for f in functions for n in ast.walk(f) if isinstance(n, ast.Import | ast.ImportFrom)]
    if name_of(path).endswith("apps"):
        # Django forbids to import models before its apps are ready; `ready` is the place that it gives for it.
        hidden = []
    assert not [f"line {node.lineno}" for node in hidden]


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_no_module_is_too_long(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MOST_LINES


def test_the_median_module_is_short() -> None:
    assert statistics.median(len(path.read_text().splitlines()) for path in modules()) < MEDIAN_LINES


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_every_module_has_its_test_file(path: Path) -> None:
    relative = path.relative_to(ROOT)
    if str(relative) in NO_TEST_OF_ITS_OWN:
        return
    parts = relative.parts[1:] if relative.parts[0] == "remote_service" else relative.parts
    mirrored = [ROOT / "tests" / kind / Path(*parts[:-1]) / f"test_{parts[-1]}" for kind in ("unit", "integration")]
    assert any(file.is_file() for file in mirrored), f"none of {[str(file.relative_to(ROOT)) for file in mirrored]}"


@pytest.mark.parametrize("listed", sorted(NO_TEST_OF_ITS_OWN))
def test_the_list_of_exceptions_names_only_what_exists(listed: str) -> None:
    assert (ROOT / listed).is_file()
