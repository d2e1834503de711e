"""What stands still in the tidying up behind a test is ended too.

pytest-timeout ends a test that stands still. But once a test has failed, by that or by itself, it rings no more (so
that a debugger may be used), and what tidies up behind it has no limit: much of Playwright waits for ever when a page
does not answer (`evaluate`, `content`, `close`, key presses). So tidying up has an alarm of its own here, which goes on
ringing: each time, what is interrupted fails with its stack, and the rest is tidied up. Should even that not help,
faulthandler ends the process (see pyproject.toml), with a stack that knows nothing of greenlets.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from types import FrameType

import pytest

_OPTION = "tidying_timeout"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Knows the option."""
    parser.addini(_OPTION, "seconds that tidying up behind a test may stand still", default="40")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Interrupts it whenever that much time has passed."""
    if item.config.getoption("usepdb") or threading.current_thread() is not threading.main_thread():
        yield
        return
    seconds = float(item.config.getini(_OPTION))

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        pytest.fail(f"Tidying up behind {item.nodeid} has stood still; {seconds:g} s are allowed.")

    signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
