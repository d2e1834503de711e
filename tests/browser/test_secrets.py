"""What is secret stands in no page, no address and no log that a user can fetch."""

from __future__ import annotations

import json
from urllib.parse import quote

from playwright.sync_api import Page

from tests.browser.guard import REFUSED_PAGE, REFUSED_SOCKET, Guard
from tests.browser.served import ALICE, DESKTOP_WITH_PASSWORD, FAILING, NOBODY, ROOT, BrowserSite
from tests.browser.visitor import Visitor, session_path, wait_for_end, wait_for_screen
from tests.browser.visits import Visits
from tests.integration.pages import PASSWORD

_UNSEAL = """
import json
from remote_service.models import Session
from remote_service.sealing import unseal
sealed = Session.objects.live().values_list("sealed_token", "sealed_password")
print(json.dumps([unseal(text) for row in sealed for text in row if text]))
"""


def test_no_page_and_no_address_holds_a_secret(site: BrowserSite, visit: Visits, guard: Guard) -> None:
    alice, root = visit(ALICE), visit(ROOT)
    seen = [shown(visit(NOBODY).open("/login/"))]
    guard.announce(REFUSED_SOCKET)
    alice.start(FAILING)
    wait_for_end(alice.page, "It could not be started.")
    seen.append(shown(alice.page))
    session = alice.connect(DESKTOP_WITH_PASSWORD)
    seen.append(shown(alice.page))
    secrets = known_secrets(site, alice, root)
    guard.announce(REFUSED_PAGE)
    for path in ("/", "/password/", "/nowhere/", "/sessions/"):
        seen.append(shown(alice.new_tab(path)))
    for path in ("status", "log"):
        seen.append(alice.context.request.get(f"{session_path(session)}{path}").text())
    for path in ("/", session_path(session), f"/admin/remote_service/session/{session}/change/"):
        seen.append(shown(root.new_tab(path)))
    wait_for_screen(alice.page)

    for text in [*seen, *guard.asked]:
        assert not [kind for kind, secret in secrets.items() if secret in text or quote(secret) in text], text[:500]


def shown(page: Page) -> str:
    """A page's address and markup."""
    return page.url + page.content()


def known_secrets(site: BrowserSite, *visitors: Visitor) -> dict[str, str]:
    """What must be seen by nobody: what it is, and its text."""
    printed = site.manage("shell", "--no-imports", "--command", _UNSEAL)
    assert printed.returncode == 0, printed.stderr
    secrets = {f"session secret {n}": text for n, text in enumerate(json.loads(printed.stdout))}
    assert len(secrets) == 2  # the session's token, and its VNC server's password
    secrets["REST token"] = site.secret
    secrets["users' password"] = PASSWORD
    secrets["SECRET_KEY"] = (site.state / "secret_key").read_text().strip()
    for visitor in visitors:
        for cookie in visitor.context.cookies():
            secrets[f"{cookie['name']} of {visitor.name}"] = cookie["value"]
    assert all(len(secret) >= 8 for secret in secrets.values())
    return secrets
