"""The order of the steps, what each command becomes, and how a Python is chosen."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tools import session_account, setup, system_packages, virtualenv
from tools.setup import main, prepare, successor
from tools.shell import Finished, SetupError


class Steps:
    """Stands for the modules behind `prepare`: notes what is asked of them, in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, root: bool, obstacle: str | None = None) -> None:
        self.taken: list[str] = []
        self.status = 0
        monkeypatch.setattr(setup, "is_root", lambda: root)
        monkeypatch.setattr(system_packages, "ensure", self.packages)
        monkeypatch.setattr(session_account, "ensure", lambda name: self.taken.append(f"account {name}"))
        monkeypatch.setattr(session_account, "obstacle", lambda name, path, python: obstacle)
        monkeypatch.setattr(virtualenv, "ensure_venv", lambda venv, **kw: self.taken.append(venv.name))
        monkeypatch.setattr(virtualenv, "ensure_requirements", self.requirements)
        monkeypatch.setattr(setup, "run", self.run)

    def packages(self, needs: Sequence[object], *, allowed: bool, is_root: bool) -> bool:
        kind = "test" if len(needs) > len(system_packages.RUN_NEEDS) else "run"
        self.taken.append(f"{kind} packages, allowed {allowed}, root {is_root}")
        return True

    def requirements(self, venv: Path, files: Sequence[Path], *, is_root: bool) -> None:
        self.taken.extend(str(file.relative_to(setup.ROOT)) for file in files)

    def run(self, argv: Sequence[str], *, quiet: bool, cwd: Path) -> Finished:
        assert not quiet
        self.taken.append(" ".join(argv[1:]))
        return Finished(self.status)


@pytest.fixture
def quiet_signals() -> Iterator[None]:
    """`main` takes SIGTERM; give it back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_run_as_root_takes_every_step_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Steps(monkeypatch, root=True)
    assert prepare("run", {}) is None
    assert steps.taken == [
        "run packages, allowed True, root True",
        "account remote-session",
        ".venv",
        "requirements.txt",
        "manage.py prepare",
    ]


def test_an_ordinary_user_gets_no_session_account(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Steps(monkeypatch, root=False)
    assert prepare("run", {"REMOTE_SERVICE_SESSION_USER": "Not A Name"}) is None
    assert steps.taken == [
        "run packages, allowed True, root False",
        ".venv",
        "requirements.txt",
        "manage.py prepare",
    ]


def test_sessions_as_root_need_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Steps(monkeypatch, root=True, obstacle="/root has mode 0700")
    assert prepare("run", {"REMOTE_SERVICE_SESSION_USER": "root", "SYSTEM_PACKAGES": "0"}) is None
    assert steps.taken[:2] == ["run packages, allowed False, root True", ".venv"]


def test_setup_stops_after_preparing(monkeypatch: pytest.MonkeyPatch) -> None:
    Steps(monkeypatch, root=False)
    assert prepare("setup", {}) == 0


@pytest.mark.parametrize("command", ["run", "setup"])
def test_a_failure_of_prepare_is_the_end(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Steps(monkeypatch, root=False).status = 3
    assert prepare(command, {}) == 3


def test_the_tests_get_their_own_packages_and_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Steps(monkeypatch, root=True)
    assert prepare("test", {}) is None
    assert steps.taken == [
        "test packages, allowed True, root True",
        "account remote-session",
        ".venv",
        "requirements.txt",
        "tests/requirements.txt",
    ]


def test_lint_changes_nothing_outside_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Steps(monkeypatch, root=True)
    assert prepare("lint", {}) is None
    assert steps.taken == [".venv", "requirements.txt", "tests/requirements.txt"]


def test_fuzzing_changes_nothing_outside_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Steps(monkeypatch, root=True)
    assert prepare("fuzz", {}) is None
    assert steps.taken == [".venv", "requirements.txt", "tests/fuzz/requirements.txt"]


def test_it_warns_when_the_session_account_cannot_read_the_checkout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Steps(monkeypatch, root=True, obstacle="/root has mode 0700")
    assert prepare("run", {}) is None
    assert capsys.readouterr().out == (
        f"The account remote-session cannot read {setup.ROOT} (/root has mode 0700), so copies of the scripts will "
        "serve. Move the checkout to where others may enter, such as /srv, to serve the scripts themselves.\n"
    )


def test_a_checkout_that_the_session_account_cannot_read_is_tested_in_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout = tmp_path / "checkout"
    (checkout / ".venv").mkdir(parents=True)
    (checkout / "tools").mkdir(mode=0o700)
    for name, mode in (("tools/setup.sh", 0o600), ("program", 0o700)):
        (checkout / name).touch(mode=mode)
    (checkout / "dangling").symlink_to("nowhere")
    Steps(monkeypatch, root=True, obstacle="/root has mode 0700")
    monkeypatch.setattr(setup, "ROOT", checkout)
    seen: dict[str, str] = {}

    def look(argv: Sequence[str], *, quiet: bool, cwd: Path) -> Finished:
        assert argv == ["/bin/sh", "tools/setup.sh", "test"]
        for path in (cwd.parent, cwd, *cwd.rglob("*")):
            seen[str(path.relative_to(cwd.parent))] = stat.filemode(path.lstat().st_mode)
        return Finished(5)

    monkeypatch.setattr(setup, "run", look)
    assert prepare("test", {}) == 5
    assert seen == {
        ".": "drwxr-xr-x",
        "checkout": "drwxr-xr-x",
        "checkout/tools": "drwxr-xr-x",
        "checkout/tools/setup.sh": "-rw-r--r--",
        "checkout/program": "-rwxr-xr-x",
        "checkout/dangling": "lrwxrwxrwx",
    }
    line = capsys.readouterr().out
    place = Path(line.split(":")[0].removeprefix("Testing a copy in "))
    assert line == (
        f"Testing a copy in {place}: the account remote-session cannot read {checkout} (/root has mode 0700)\n"
    )
    assert not place.exists()


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        ({}, ["--host", "127.0.0.1", "--port", "8000"]),
        ({"HOST": "", "PORT": ""}, ["--host", "127.0.0.1", "--port", "8000"]),
        ({"HOST": "::1", "PORT": "9000"}, ["--host", "::1", "--port", "9000"]),
    ],
)
def test_run_becomes_the_server(environ: dict[str, str], address: list[str]) -> None:
    assert successor("run", environ) == [str(setup.PYTHON), "manage.py", "serve", *address]


def test_test_and_lint_become_the_gate() -> None:
    assert successor("test", {}) == ["/bin/bash", "tools/run_tests.sh"]
    assert successor("lint", {}) == ["/bin/bash", "tools/run_tests.sh", "--lint"]


def test_fuzz_becomes_the_fuzzer_for_a_minute_or_as_long_as_it_is_told() -> None:
    assert successor("fuzz", {"FUZZ_SECONDS": ""}) == [str(setup.PYTHON), "-m", "tests.fuzz", "60"]
    assert successor("fuzz", {"FUZZ_SECONDS": "600"})[-1] == "600"


def test_crash_test_becomes_a_run_of_two_hundred_kills_or_what_it_is_told() -> None:
    program = [str(setup.PYTHON), "-m", "tests.crash"]
    assert successor("crash-test", {"KILLS": ""}) == [*program, "--kills", "200", "--users", "30", "--seed", "1"]
    told = successor("crash-test", {"KILLS": "50", "USERS": "8", "SEED": "b"})
    assert told == [*program, "--kills", "50", "--users", "8", "--seed", "b"]


@pytest.mark.parametrize(("arguments", "got"), [([], "nothing"), (["start"], "start"), (["run", "-x"], "run -x")])
def test_it_refuses_other_commands(arguments: list[str], got: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments, {}) == 2
    assert (
        capsys.readouterr().err == f"tools/setup.sh takes one of setup, run, test, lint, fuzz, crash-test; got {got}\n"
    )


@pytest.mark.usefixtures("quiet_signals")
def test_the_process_itself_becomes_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    class Replaced(Exception):
        pass

    def replace(program: str, argv: list[str]) -> None:
        assert program == argv[0]
        raise Replaced(*argv)

    monkeypatch.setattr(setup, "prepare", lambda command, environ: None)
    monkeypatch.setattr(os, "execv", replace)
    with pytest.raises(Replaced) as replaced:
        main(["run"], {"PORT": "9000"})
    assert list(replaced.value.args) == successor("run", {"PORT": "9000"})


@pytest.mark.usefixtures("quiet_signals")
def test_a_failed_step_is_one_message_and_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(command: str, environ: object) -> None:
        raise SetupError("What is missing, and what to type.")

    monkeypatch.setattr(setup, "prepare", fail)
    assert main(["setup"], {}) == 1
    assert capsys.readouterr().err == "What is missing, and what to type.\n"


@pytest.mark.usefixtures("quiet_signals")
def test_ctrl_c_and_sigterm_leave_with_the_usual_status(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(command: str, environ: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(setup, "prepare", interrupt)
    assert main(["setup"], {}) == 130

    def terminate(command: str, environ: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(setup, "prepare", terminate)
    with pytest.raises(SystemExit) as leaving:
        main(["setup"], {})
    assert leaving.value.code == 143


@pytest.fixture
def bare_checkout(tmp_path: Path) -> Path:
    """A folder with nothing but tools/setup.sh, and `bin/` to put Pythons in."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "bin").mkdir()
    shutil.copy(setup.ROOT / "tools/setup.sh", tmp_path / "tools")
    for name in ("id", "dirname"):
        program = shutil.which(name)
        assert program is not None
        (tmp_path / "bin" / name).symlink_to(program)
    return tmp_path


def put_python(path: Path, *, new: bool) -> None:
    """A Python that is new enough or not, and prints what it is asked to run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    old = "" if new else "exit 1"
    path.write_text(f'#!/bin/sh\nif [ "$1" = -c ]; then {old or ":"}; exit; fi\necho "$0 $*"\n')
    path.chmod(0o755)


def start(checkout: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(checkout / "tools/setup.sh"), "run"],
        env={"PATH": str(checkout / "bin"), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_environments_own_python_comes_first(bare_checkout: Path) -> None:
    put_python(bare_checkout / ".venv/bin/python", new=True)
    put_python(bare_checkout / "other", new=True)
    finished = start(bare_checkout, PYTHON=str(bare_checkout / "other"))
    assert finished.stdout == ".venv/bin/python -m tools.setup run\n"


def test_a_named_python_makes_the_environment(bare_checkout: Path) -> None:
    put_python(bare_checkout / ".venv/bin/python", new=False)
    put_python(bare_checkout / "other", new=True)
    finished = start(bare_checkout, PYTHON=str(bare_checkout / "other"))
    assert finished.stdout == f"{bare_checkout / 'other'} -m tools.setup run\n"


def test_a_named_python_that_is_too_old_is_refused(bare_checkout: Path) -> None:
    put_python(bare_checkout / "old", new=False)
    finished = start(bare_checkout, PYTHON=str(bare_checkout / "old"))
    assert finished.returncode == 1
    assert finished.stderr == (
        f"PYTHON is '{bare_checkout / 'old'}', which is not a Python 3.11 or newer. "
        "Name one that is, or leave PYTHON unset.\n"
    )


@pytest.mark.parametrize(("uid", "sudo"), [("0", ""), ("1000", "sudo ")])
def test_without_any_python_it_says_what_to_type(uid: str, sudo: str, bare_checkout: Path) -> None:
    script = bare_checkout / "tools/setup.sh"
    # This machine has a Python in /usr/bin; the script is to see a machine without.
    script.write_text(script.read_text().replace("/usr/", "/nowhere/"))
    (bare_checkout / "bin/id").unlink()
    (bare_checkout / "bin/id").write_text(f"#!/bin/sh\necho {uid}\n")
    (bare_checkout / "bin/id").chmod(0o755)
    finished = start(bare_checkout)
    assert finished.returncode == 1
    assert finished.stderr == (
        f"No Python 3.11 or newer was found. On Debian 12 type: {sudo}apt-get install python3 python3-venv "
        "(elsewhere install one and name it: PYTHON=/path/to/python3 make run)\n"
    )


def test_root_prefers_a_python_that_the_session_account_can_read(bare_checkout: Path) -> None:
    script = bare_checkout / "tools/setup.sh"
    script.write_text(script.read_text().replace("/usr/", f"{bare_checkout}/usr/"))
    (bare_checkout / "bin/id").unlink()
    (bare_checkout / "bin/id").write_text("#!/bin/sh\necho 0\n")
    (bare_checkout / "bin/id").chmod(0o755)
    put_python(bare_checkout / "usr/bin/python3", new=True)
    put_python(bare_checkout / "bin/python3", new=True)
    assert start(bare_checkout).stdout == f"{bare_checkout}/usr/bin/python3 -m tools.setup run\n"
