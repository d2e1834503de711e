"""The lock of a holder that was killed is free."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from remote_service.pid_file import AlreadyRunningError, hold

HOLD = """
import sys
from pathlib import Path
from remote_service.pid_file import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_it_is_free_after_its_holder_was_killed(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(AlreadyRunningError) as caught, hold(tmp_path):
            pass
        assert str(caught.value) == (
            f"a server (process {holder.pid}) already runs with the state directory {tmp_path}; expected none. "
            "Stop it, or set REMOTE_SERVICE_STATE_DIR to another directory to run a second one"
        )
        holder.kill()
        holder.wait()
        assert (tmp_path / "server.pid").read_text() == f"{holder.pid}\n"
        with hold(tmp_path):
            pass
