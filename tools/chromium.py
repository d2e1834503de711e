"""The browser that tests, benchmarks and screenshots drive: Debian's build of Chromium for use without a screen.

Pages, scripts, network and security rules are the full browser's; what draws windows and tabs is missing, which takes
a third off the processor time of a test.
"""

from __future__ import annotations

PROGRAM = "/usr/bin/chromium-headless-shell"
"""From the package chromium-headless-shell."""
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""It talks to nobody but the pages that it is sent to, and also runs as root."""
