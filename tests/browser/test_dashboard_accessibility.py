"""The dashboard against WCAG 2.2, levels A and AA, with something on each page: axe finds nothing."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.guard import REFUSED_PAGE, Guard
from tests.browser.served import ALICE, NOBODY, BrowserSite
from tests.browser.test_accessibility import check
from tests.browser.test_dashboard import MANAGER
from tests.browser.visits import Visits

_FILL = """
from datetime import timedelta
from django.contrib.auth.models import User
from django.utils import timezone
from remote_service import staff
from remote_service.config.problems import Problem, Severity
from remote_service.actors import Actor
from remote_service.lifecycle import note
from remote_service.models import Announcement, Drain, Session, Site
now, by = timezone.now(), Actor("root", "192.0.2.7", "dashboard")
alice = User.objects.get(username="alice")
for number in range(60):
    Session.objects.create(type_name="Pattern", index=number, owner=alice, username="alice", door="web", state="ended",
        end_reason="last_viewer", ended_at=now, token_hash=f"hash {number}", quarantined=number == 1)
# Nothing was asked of it, so the supervisor leaves it alone.
Session.objects.create(type_name="Pattern", index=0, owner=alice, username="alice", door="web", token_hash="unknown",
    host="n8.cluster.example.org", title="A rather long name of a session", unknown_since=now,
    unknown_reason="The node n8 does not answer: ssh: connect to host n8 port 22: No route to host")
staff.drain(Drain.Kind.HOST, "n8.cluster.example.org", "A fan is broken.", by)
staff.drain(Drain.Kind.TYPE, "Pattern", "New licences come at noon.", by)
staff.announce("Cake at four.", Announcement.Level.INFO, now, None, by)
staff.announce("The cluster is switched off on Friday.", Announcement.Level.WARNING, now, now + timedelta(days=1), by)
staff.block_user(User.objects.get(username="charlie"), "A stolen account.", by)
problem = Problem("sessions.json", "Desk", ("count",), "0", "a number", "write 1", "E023", line=4, detail="A trace")
other = Problem("sessions.json", None, (), "a group", "one", "add it", "W004", severity=Severity.WARNING)
Site.objects.update(problems=[problem.as_dict(), other.as_dict()])
"""

PATHS = (
    "",
    "sessions/?state=any&page=2",  # the page with few rows: what axe costs grows with them
    "sessions/?state=unknown",
    "sessions/?owner=nobody",
    "slots/",
    "drains/?kind=type&name=Pattern",
    "catalogue/",
    "announcements/",
    "users/",
    "site/",
)


@pytest.fixture
def filled(own_site: BrowserSite) -> BrowserSite:
    """A site on which something is wrong everywhere."""
    own_site.start()
    done = own_site.manage("shell", "--no-imports", "--command", _FILL)
    assert done.returncode == 0, done.stderr
    return own_site


def test_axe_finds_no_violation_on_the_dashboard(filled: BrowserSite, visit: Visits, guard: Guard) -> None:
    guard.announce(REFUSED_PAGE)
    staff = visit(MANAGER, at=filled)
    for path in PATHS:
        check(staff.open(f"/dashboard/{path}"))
    page = staff.open("/dashboard/catalogue/")
    page.locator("summary", has_text="Traceback").click()
    page.locator("summary", has_text=MANAGER).click()
    check(page)
    page = staff.open("/dashboard/sessions/?state=unknown")
    page.get_by_role("link", name="Declare ended").click()
    check(page)
    page.locator("form").last.evaluate("(form) => { form.noValidate = true; }")
    page.get_by_role("button", name="Declare it ended").click()
    expect(page.get_by_label("Reason")).to_be_focused()
    check(page)
    page = staff.open("/dashboard/users/")
    page.get_by_role("link", name="Block").first.click()
    check(page)


def test_axe_finds_no_violation_during_maintenance(own_site: BrowserSite, visit: Visits, guard: Guard) -> None:
    guard.announce(r"status of 503")
    own_site.start()
    staff = visit(MANAGER, at=own_site).open("/dashboard/site/")
    staff.get_by_label("What users read").fill("New disks.")
    staff.get_by_role("button", name="Close the pages").click()
    check(staff)
    check(visit(NOBODY, at=own_site).open("/"))


@pytest.mark.parametrize("theme", ["Dark", "Light"])
def test_axe_finds_no_violation_in_a_theme_that_the_system_does_not_have(
    visit: Visits, site: BrowserSite, theme: str
) -> None:
    page = visit(ALICE).open("/password/")
    page.locator("summary", has_text=ALICE).click()
    page.get_by_role("button", name=theme).click()
    expect(page.locator("html")).to_have_attribute("data-theme", theme.lower())
    check(page)
    with page.expect_response("**/theme/"):
        page.get_by_role("button", name="As the system").click()
