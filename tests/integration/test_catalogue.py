"""Loading a sessions file with real script hosts: what is served, what is wrong, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from remote_service import catalogue
from remote_service.catalogue import Catalogue, load_catalogue
from remote_service.conf import GatewaySettings
from remote_service.config.problems import Code
from remote_service.hosting import processes
from remote_service.hosting.client import ScriptHost
from remote_service.hosting.readable import CopyError
from remote_service.tasks import spawn
from tests.integration.probe_site import SCRIPT, SLOW_IMPORT, ProbeSite, probe_site
from tests.waiting import eventually_async


@pytest.fixture
async def site(session_account: GatewaySettings, settings: Any, tmp_path: Path) -> AsyncIterator[ProbeSite]:
    async with probe_site(settings, tmp_path) as made:
        yield made


@pytest.fixture
async def load(site: ProbeSite) -> AsyncIterator[Any]:
    """Loads the site's sessions file; what was loaded is closed afterwards."""
    loaded: list[Catalogue] = []

    async def run() -> Catalogue:
        loaded.append(await load_catalogue(site.settings))
        return loaded[-1]

    yield run
    await asyncio.gather(*(each.close() for each in loaded))


def children() -> set[int]:
    """The living children of this process."""
    return {process.pid for process in processes.descendants(os.getpid()) if process.parent == os.getpid()}


async def test_every_type_has_a_script_host_of_its_own(site: ProbeSite, load: Any) -> None:
    site.write(Zebra={"count": 3}, Ant={"on_last_disconnect": "keep"})
    before = children()
    loaded = await load()
    assert list(loaded.entries) == ["Zebra", "Ant"]
    assert (loaded.problems, loaded.readable) == ((), True)
    hosts = {entry.host.pid for entry in loaded.entries.values()}
    assert len(hosts) == 2 and hosts <= children() - before
    zebra, ant = loaded.entries.values()
    assert (zebra.order.count, zebra.order.account, zebra.on_last_disconnect) == (3, None, "stop")
    assert ant.on_last_disconnect == "keep"
    await loaded.close()
    assert hosts.isdisjoint(children())


async def test_what_the_script_says_of_its_last_viewer_counts_unless_the_entry_says_more(
    site: ProbeSite, load: Any
) -> None:
    keeping = SCRIPT.replace("class Probe(RemoteServiceScript):", "class Probe(RemoteServiceScript):\n    "
                             'on_last_disconnect = "keep"\n')  # fmt: skip
    (site.directory / "keep.py").write_text(keeping)
    site.write(Script={"script": "keep.py"}, Entry={"script": "keep.py", "on_last_disconnect": "stop"})
    loaded = await load()
    assert [entry.on_last_disconnect for entry in loaded.entries.values()] == ["keep", "stop"]


async def test_what_a_script_prints_while_it_is_loaded_is_in_the_types_log(site: ProbeSite, load: Any) -> None:
    (site.directory / "loud.py").write_text("print('licence found')\n" + SCRIPT)
    site.write(**{"Loud & clear": {"script": "loud.py"}})
    await load()
    assert (site.settings.type_logs / "Loud & clear.log").read_text() == "licence found\n"


async def test_a_script_that_is_wrong_disables_its_entry_alone(site: ProbeSite, load: Any) -> None:
    (site.directory / "broken.py").write_text("def realize(): pass\n")
    (site.directory / "threads.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n" + SCRIPT
    )
    site.write(Broken={"script": "broken.py"}, Good={}, Threads={"script": "threads.py"}, Missing={"script": "no.py"})
    loaded = await load()
    assert list(loaded.entries) == ["Good", "Threads"]
    assert [(problem.entry, problem.code, problem.is_error) for problem in loaded.problems] == [
        ("Missing", Code.SCRIPT_MISSING, True),
        ("Broken", Code.NO_REALIZE_SERVICE, True),
        ("Threads", Code.SCRIPT_THREADS, False),
    ]


async def test_a_script_host_that_is_killed_while_it_loads_is_started_once_more(site: ProbeSite, load: Any) -> None:
    killed = "import os, pathlib, signal\ntried = pathlib.Path(__file__).with_name('tried')\n"
    killed += "if not tried.exists():\n    tried.touch()\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    (site.directory / "killed.py").write_text(killed + SCRIPT)
    site.write(Killed={"script": "killed.py"})

    loaded = await load()

    assert list(loaded.entries) == ["Killed"]
    assert loaded.problems == ()


async def test_a_file_that_cannot_be_read_gives_no_types(site: ProbeSite, load: Any) -> None:
    site.settings.sessions_file.write_text("{")
    loaded = await load()
    assert (loaded.entries, loaded.readable) == ({}, False)
    assert [problem.code for problem in loaded.problems] == [Code.JSON_TRUNCATED]


async def test_scripts_see_the_variables_that_the_site_names_and_no_others(
    site: ProbeSite, load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LICENCE_FILE", "/srv/licence")
    monkeypatch.setenv("OUR_SECRET", "hush")
    (site.directory / "env.py").write_text("import os\nprint(sorted(os.environ))\n" + SCRIPT)
    site.write(Env={"script": "env.py"})
    site.settings = replace(site.settings, script_env=("LICENCE_FILE",))
    loaded = await load()
    assert list(loaded.entries) == ["Env"]
    seen = (site.settings.type_logs / "Env.log").read_text()
    assert "'LICENCE_FILE'" in seen and "'REMOTE_SERVICE_SESSION'" in seen
    assert "OUR_SECRET" not in seen and "REMOTE_SERVICE_STATE_DIR" not in seen


async def test_a_load_that_is_cut_short_leaves_no_process(site: ProbeSite) -> None:
    (site.directory / "slow.py").write_text(SLOW_IMPORT)
    site.write(Probe={}, Slow={"script": "slow.py"}, Slower={"script": "slow.py"})
    before = children()
    loading = spawn(load_catalogue(site.settings), name="load")
    await eventually_async((site.directory / "importing").exists)
    loading.cancel()
    await asyncio.wait({loading})
    assert loading.cancelled()
    assert children() == before


async def test_a_host_that_cannot_be_started_ends_the_others(site: ProbeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    site.write(Probe={}, Second={})
    before, start = children(), ScriptHost.start

    async def without_descriptors(order: Any) -> Any:
        if order.name == "Second":
            raise OSError(24, "Too many open files")
        return await start(order)

    monkeypatch.setattr(ScriptHost, "start", without_descriptors)
    with pytest.raises(OSError, match=r"^\[Errno 24\] Too many open files$"):
        await load_catalogue(site.settings)
    assert children() == before


async def test_a_script_that_the_account_cannot_read_is_served_from_a_copy(
    site: ProbeSite, load: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "probe.py").write_text(SCRIPT)
    monkeypatch.setattr(catalogue, "session_account", lambda _wanted: None)
    monkeypatch.setattr(catalogue, "readable_script", lambda script, _account: copy / script.name)
    loaded = await load()
    assert loaded.entries["Probe"].order.script == copy / "probe.py"
    assert loaded.entries["Probe"].loaded.script_path == site.directory / "probe.py"
    assert caplog.messages == [
        f"{site.directory / 'probe.py'}: the account None cannot read it, so a copy serves ({copy / 'probe.py'}); "
        "reload after a change"
    ]


async def test_a_script_that_can_be_neither_read_nor_copied_disables_its_entry(
    site: ProbeSite, load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_script: Path, _account: str | None) -> Path:
        raise CopyError("its directory is too large")

    monkeypatch.setattr(catalogue, "readable_script", refuse)
    loaded = await load()
    assert loaded.entries == {}
    (problem,) = loaded.problems
    assert (problem.entry, problem.code) == ("Probe", Code.ACCOUNT_CANNOT_READ)
    assert "its directory is too large" in str(problem)


async def test_an_empty_sessions_file_is_no_problem(site: ProbeSite, load: Any) -> None:
    site.settings.sessions_file.write_text(json.dumps({}))
    loaded = await load()
    assert (loaded.entries, loaded.problems, loaded.readable) == ({}, (), True)
