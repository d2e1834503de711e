"""What a viewer's page makes of rights that are limited, and of rights that change while it shows a screen."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from tests.browser.served import ALICE, PATTERN, BrowserSite
from tests.browser.visitor import viewer, wait_for_screen, wait_for_state
from tests.browser.visits import Visits

STUB = Path(__file__).parents[1] / "integration" / "relay_scripts" / "stub_vnc.py"


def entry(script: str, **options: Any) -> dict[str, Any]:
    return {"script": script, "count": 1, "options": {"sizes": ["640x480"], **options}, "limits": {"linger": 2}}


def test_rights_that_change_bring_the_screen_back_by_themselves(own_site: BrowserSite, visit: Visits) -> None:
    own_site.write_sessions({PATTERN: entry("test_pattern.py")})
    own_site.start()
    alice = visit(ALICE, at=own_site)
    alice.connect(PATTERN)

    own_site.write_sessions({PATTERN: {**entry("test_pattern.py"), "viewer_policy": {"view_only": True}}})
    own_site.manage("reload_sessions")

    # Whichever comes first, the line that is closed or the page's other tools: it is the same screen, to be looked at.
    expect(alice.page.locator("#viewer-state")).to_have_text("Connected, view only")
    wait_for_screen(alice.page)


def test_who_cannot_be_let_in_reads_why_and_does_not_try_again(own_site: BrowserSite, visit: Visits) -> None:
    shutil.copy(STUB, own_site.scripts)
    encrypting = entry("stub_vnc.py", version="003.008", demand=19)
    own_site.write_sessions({"Encrypting": {**encrypting, "viewer_policy": {"no_clipboard_out": True}}})
    own_site.start()
    alice = visit(ALICE, at=own_site)
    alice.start("Encrypting")

    wait_for_state(alice.page, "failed")
    notice = alice.page.get_by_role("region", name="The session's screen cannot be reached")
    expect(notice).to_contain_text(
        "You cannot be let in: Your rights are limited here, and this screen cannot be filtered. The VNC server offers"
    )
    assert viewer(alice.page, "lastClose.code") == 4003
