"""How many files a process of ours may have open."""

from __future__ import annotations

import resource

MOST_FILES = 65536


def take_more_files() -> None:
    """Opens as many files as the system lets it: each viewer takes two, and so does each client under TLS.

    Shells and systems mostly begin with 1024 and allow more to whoever asks (getrlimit(2)); what is started from here
    may as well.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, MOST_FILES)), hard))
