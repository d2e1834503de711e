"""An account that exists for one test, for those who may make one."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator

import pytest

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make an account and switch to it")


@pytest.fixture
def throw_away_account() -> Iterator[str]:
    """An account without rights, without a home, removed afterwards."""
    name = f"rsg-test-{secrets.token_hex(4)}"
    subprocess.run(["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", name], check=True)
    yield name
    subprocess.run(["userdel", name], check=True)
