"""What the tests of the documentation share: a site, and a checkout to type its commands in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.docs.checkout import Checkout
from tests.integration.server.conftest import prepared_state, site
from tests.integration.server.marked_site import MarkedSite, marked_site

__all__ = ["checkout", "own_checkout", "prepared_state", "site"]


@pytest.fixture
def own_checkout(site: MarkedSite) -> Checkout:
    """A checkout of a site of the test's own, whose server is not started."""
    return Checkout(site)


@pytest.fixture(scope="module")
def checkout(prepared_state: Path) -> Iterator[Checkout]:
    """A checkout of a site whose server runs, for all tests of a module."""
    with marked_site(prepared_state) as made:
        shared = Checkout(made)
        shared.write_sessions()
        made.start()
        yield shared
