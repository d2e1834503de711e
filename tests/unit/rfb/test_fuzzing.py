"""What `make fuzz` looks for holds of all that it begins with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.properties import PROPERTIES, check
from tests.fuzz.seeds import seeds, streams

STREAMS = list(streams())


@pytest.mark.parametrize("what", range(len(PROPERTIES)), ids=[found.__name__ for found in PROPERTIES])
def test_every_seed_keeps_the_promises(what: int) -> None:
    for seed in seeds():
        if seed[0] == what:
            check(seed)


@given(st.integers(0, 5), st.integers(0, 31), st.integers(0, 255), st.lists(st.sampled_from(STREAMS), max_size=4))
def test_seeds_behind_each_other_keep_them_too(what: int, policy: int, size: int, parts: list[bytes]) -> None:
    check(bytes([what, policy, size]) + b"".join(parts)[:4096])
