"""What the tests of the documentation share: a site, and a checkout to type its commands in."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.docs.checkout import Checkout
from tests.integration.server.conftest import prepared_state, site, site_root
from tests.integration.server.own_site import OwnSite, site_below

__all__ = ["checkout", "own_checkout", "prepared_state", "site", "site_root"]


@pytest.fixture
def own_checkout(site: OwnSite) -> Checkout:
    """A checkout of a site of the test's own, whose server is not started."""
    return Checkout(site)


@pytest.fixture(scope="module")
def checkout(prepared_state: Path) -> Iterator[Checkout]:
    """A checkout of a site whose server runs, for all tests of a module."""
    root = Path(tempfile.mkdtemp(prefix="rsg-docs-"))
    try:
        with site_below(root, prepared_state) as made:
            shared = Checkout(made)
            shared.write_sessions()
            made.start()
            yield shared
    finally:
        shutil.rmtree(root)
