"""The page on log messages quotes what the code can write, and everything from WARNING upwards that it can."""

from __future__ import annotations

import re

import pytest

from tests.unit.docs.messages import LogCall, log_calls, raised
from tests.unit.docs.pages import ADMINS, Block, blocks

_LOGGED = re.compile(r"(ERROR|WARNING) ([\w.]+): (.*)", re.DOTALL)


def examples() -> list[Block]:
    """The blocks of the chapter on log messages."""
    lines = ADMINS.read_text().splitlines()
    begins, ends = lines.index("## Log messages") + 1, lines.index("## Quarantine") + 1
    return [block for block in blocks(ADMINS) if begins < block.line < ends]


def writes(call: LogCall, example: Block) -> bool:
    logged = _LOGGED.fullmatch(example.text.rstrip("\n"))
    if logged is None or (logged[1] not in call.levels) or logged[2] != call.module:
        return False
    return call.pattern.fullmatch(logged[3]) is not None


@pytest.mark.parametrize("example", examples(), ids=str)
def test_the_code_can_write_it(example: Block) -> None:
    logged = _LOGGED.fullmatch(example.text.rstrip("\n"))
    if logged is None:
        assert any(pattern.fullmatch(example.text.rstrip("\n")) for pattern in raised())
    else:
        assert any(writes(call, example) for call in log_calls())


@pytest.mark.parametrize("call", log_calls(), ids=str)
def test_the_page_explains_it(call: LogCall) -> None:
    # docs/admins.md, "Log messages": an example, its cause, what to do.
    assert any(writes(call, example) for example in examples())


def test_there_are_both() -> None:
    assert len(examples()) > 20
    assert len(log_calls()) > 15
    assert len(raised()) > 30
