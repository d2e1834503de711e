"""What a script finds in its process: an allow-list of variables, no descriptors of ours, a private umask."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from remote_service.hosting import processes
from remote_service.hosting.readable import readable_script
from remote_service.hosting.status import StartFault, StopOutcome
from tests.integration.hosting.accounts import as_root, throw_away_account
from tests.integration.hosting.stage import Stage, alive, eventually_async

__all__ = ["throw_away_account"]

PROJECT = Path(__file__).resolve().parents[3]

ALLOWED = {"HOME", "PATH", "LANG", "TZ", "USER", "SHELL", "TERM", "TMPDIR", "REMOTE_SERVICE_SESSION"}


def dumped(stage: Stage, name: str) -> list[str]:
    """The lines that a script wrote into a file."""
    return (stage.scripts / name).read_text().splitlines()


async def test_a_script_sees_the_allowed_variables_and_the_marker_and_nothing_else(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SECRET_KEY", "DATABASE_URL", "REMOTE_SERVICE_STATE_DIR", "WEBSOCKETSERVER_SECURITY_TOKEN"):
        monkeypatch.setenv(name, "a secret of ours")
    monkeypatch.setenv("LC_TIME", "C.UTF-8")
    stage.extra_environment["LICENSE_FILE"] = "27000@licenses"
    play = await stage.only(
        """
        class Service(Good):
            def start(self, token, timestamp=None, options=None):
                with open(CALLS.with_name("env"), "w") as output:
                    subprocess.run(["env"], stdout=output, check=True)
                return super().start(token)
        """
    )
    await play.ready()
    variables = dict(line.split("=", 1) for line in dumped(stage, "env"))
    assert variables["REMOTE_SERVICE_SESSION"] == play.session
    assert variables["LICENSE_FILE"] == "27000@licenses"
    assert variables["LC_TIME"] == "C.UTF-8"
    for_coverage = set(os.environ.get("REMOTE_SERVICE_SCRIPT_ENV", "").split())
    extra = {name for name in variables if not name.startswith("LC_")} - ALLOWED - for_coverage
    assert extra == {"LICENSE_FILE"}
    assert "a secret of ours" not in "".join(variables.values())
    await play.stop()


async def test_plain_forks_carry_the_marker_even_when_the_script_emptied_its_environment(stage: Stage) -> None:
    play = await stage.only(
        """
        os.environ.clear()
        class Service(Good):
            def start(self, token, timestamp=None, options=None):
                child = os.fork()
                if child == 0:
                    time.sleep(1000)
                note(child)
                return super().start(token)
        """
    )
    await play.ready()
    child = int(stage.calls()[0])
    assert processes.carries_marker(child, play.session)
    await play.stop()
    assert not alive(child)
    await play.dismiss()


async def test_files_are_private_and_no_descriptor_is_inherited(stage: Stage) -> None:
    play = await stage.only(
        """
        import stat
        os.umask(0)
        KEPT_OPEN = open(__file__)
        class Service(Good):
            def start(self, token, timestamp=None, options=None):
                made = self.scratch / "made"
                made.touch()
                note(oct(made.stat().st_mode & 0o777))
                for number in sorted(int(name) for name in os.listdir("/proc/self/fd")):
                    try:
                        kind = stat.S_IFMT(os.fstat(number).st_mode)
                    except OSError:
                        continue
                    names = {stat.S_IFSOCK: "socket", stat.S_IFIFO: "pipe", stat.S_IFCHR: "device"}
                    note(f"{number} {names.get(kind, os.readlink(f'/proc/self/fd/{number}'))}")
                subprocess.run(["sh", "-c", "ls /proc/self/fd | tr '\\\\n' ' '; umask"], check=True)
                return super().start(token)
        """
    )
    await play.ready()
    noted = stage.calls()
    assert noted[0] == "0o600"
    kinds = [line.split()[1] for line in noted[1:-1]]
    assert noted[1:4] == ["0 device", "1 pipe", "2 pipe"]
    # The line to the runner, and what coverage keeps open when it runs.
    assert kinds[3:].count("socket") == 1 and not [k for k in kinds[3:] if k.endswith((".log", "script.py"))]
    assert "0 1 2 3 0077\n" in play.log, "the 3 is the directory that ls reads"
    await play.stop()


async def test_a_script_starts_in_the_home_of_its_account(stage: Stage, tmp_path: Path) -> None:
    stage.extra_environment["HOME"] = str(tmp_path)
    play = await stage.only(
        """
        class Service(Good):
            def start(self, token, timestamp=None, options=None):
                note(os.getcwd())
                return super().start(token)
        """
    )
    await play.ready()
    assert stage.calls()[0] == str(tmp_path)
    await play.stop()


async def test_what_is_printed_goes_into_the_session_s_log_and_at_load_into_the_type_s(stage: Stage) -> None:
    play = await stage.only(
        """
        print("at import", end="")
        class Service(Good):
            def start(self, token, timestamp=None, options=None):
                print("by print \\udc80 \\u20ac")
                os.write(1, b"by write to 1\\n")
                os.write(2, b"by write to 2\\n")
                self.log.info("by the logger")
                self.run(["sh", "-c", "echo by run >&2; exit 3"])
                self.spawn(["sh", "-c", "echo by spawn; exec sleep 1000"])
                return super().start(token)
        """
    )
    await play.ready()
    await eventually_async(lambda: "by spawn\n" in play.log)
    await play.stop()
    lines = play.log.splitlines()
    for text in ("by print \\udc80 €", "by write to 1", "by write to 2", "by run", "by spawn"):
        assert text in lines
    assert any(line.endswith("INFO by the logger") for line in lines)
    assert any("DEBUG sh: exit status 3 after " in line for line in lines)
    assert stage.type_log.read_text() == "at import"


# ---- accounts -------------------------------------------------------------------------------------------


@as_root
async def test_started_as_root_a_script_runs_as_its_account(throw_away_account: str, stage: Stage) -> None:
    stage.account = throw_away_account
    stage.scripts.chmod(0o777)
    secret = stage.write("secret.txt", "for root only", mode=0o600)
    play = await stage.only(
        """
        import pwd
        IMPORTED_AS = pwd.getpwuid(os.getuid()).pw_name
        class Service(Good):
            def start(self, token, timestamp=None, options=None):
                names = [IMPORTED_AS, os.environ["USER"], os.environ["HOME"]]
                note([*names, os.getresuid(), os.getresgid(), os.getgroups()])
                for attempt in (lambda: open(CALLS.with_name("secret.txt")), lambda: os.setuid(0)):
                    try:
                        attempt()
                    except PermissionError as error:
                        note(error.strerror)
                self.spawn(["sleep", "1000"])
                return super().start(token)
        """
    )
    await play.ready()
    entry = pwd.getpwnam(throw_away_account)
    uid, gid = entry.pw_uid, entry.pw_gid
    assert stage.calls()[:3] == [
        str([throw_away_account, throw_away_account, entry.pw_dir, (uid,) * 3, (gid,) * 3, [gid]]),
        "Permission denied",
        "Operation not permitted",
    ]
    assert secret.read_text() == "for root only"
    assert Path(f"/proc/{play.runner}").stat().st_uid in (0, uid)
    status = Path(f"/proc/{play.runner}/status").read_text()
    assert f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}\n" in status
    over = await play.stop()
    assert (over.stop, over.survivors) == (StopOutcome.DONE, ())
    await play.dismiss()


@as_root
async def test_a_script_below_a_directory_of_root_is_served_from_a_copy(throw_away_account: str, stage: Stage) -> None:
    stage.account = throw_away_account
    stage.write("site_lib.py", "NAME = 'beside'", mode=0o600)
    script = stage.script(
        """
        import site_lib
        from pathlib import Path
        class Service(RemoteServiceScript):
            def start(self, token, timestamp=None, options=None):
                print(site_lib.NAME, Path(__file__).with_name("good.py").exists())
                raise RuntimeError("as planned")
            def stop(self):
                return True
        """
    )
    home_of_root = stage.root / "private"
    stage.scripts.rename(home_of_root)
    home_of_root.chmod(0o700)
    hidden = home_of_root / script.name
    host, loaded = await stage.load(hidden)
    assert host is None and loaded.report.names == (throw_away_account,)
    copy = readable_script(hidden, throw_away_account, stage.root / "lib" / "copies")
    assert copy != hidden
    play = await stage.play(await stage.host(copy))
    over = await play.fails()
    assert (over.fault, over.detail) == (StartFault.RAISED, "start() raised RuntimeError: as planned.")
    assert "beside True\n" in play.log


@as_root
async def test_the_whole_checkout_may_lie_below_a_directory_of_root(throw_away_account: str, stage: Stage) -> None:
    """Only root can read our own code then; what a script imports of it must have been read before."""
    private = stage.root / "root-only"
    private.mkdir(mode=0o700)
    shutil.copytree(
        PROJECT / "remote_service", private / "remote_service", ignore=shutil.ignore_patterns("__pycache__")
    )
    script = stage.write(
        "nexus.py",
        """
        import os, sys
        from nexus_remote_service import RemoteServiceScript
        class Service(RemoteServiceScript):
            def start(self, token, timestamp=None, options=None):
                return False
            def stop(self):
                return True
        def realize_service(name="", count=1, index=0, common_options=None):
            print(sys.modules["remote_service"].__file__, os.getuid() != 0)
            return Service(name, count, index, common_options)
        """,
    )
    asks = """
        import asyncio, sys
        from pathlib import Path
        from remote_service.hosting.account import script_environment
        from remote_service.hosting.client import HostOrder, ScriptHost
        async def main(script, account, log):
            environment = script_environment({}, account, ())
            host, loaded = await ScriptHost.start(HostOrder("T", Path(script), 1, {}, account, environment, Path(log)))
            assert host is not None, loaded
            await host.close()
        asyncio.run(main(*sys.argv[1:]))
    """
    asker = stage.write("asks.py", asks)
    subprocess.run(
        [sys.executable, asker, script, throw_away_account, stage.type_log],
        env={"PYTHONPATH": str(private), "PATH": os.environ["PATH"]}, check=True, timeout=30,
    )  # fmt: skip
    assert stage.type_log.read_text() == f"{private / 'remote_service' / '__init__.py'} True\n"
