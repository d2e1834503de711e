"""The environment of the tests' own site; a plugin of pytest, named in pyproject.toml.

pytest-django loads the site's settings before any conftest.py is read. They must not come upon the state directory of
a real site, nor upon that of other tests that run at the same time.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

STATE = Path(tempfile.mkdtemp(prefix="rsg-tests-"))
os.environ["REMOTE_SERVICE_STATE_DIR"] = str(STATE)
for name in ("DATABASE_URL", "CHANNEL_LAYER_URL", "WEBSOCKETSERVER_SECURITY_TOKEN", "REMOTE_SERVICE_CONFIG"):
    os.environ.pop(name, None)


def pytest_unconfigure() -> None:
    """Removes the state directory of the whole run."""
    shutil.rmtree(STATE, ignore_errors=True)
