"""Charlie, who is in no group and owns nothing here, sees and gets nothing."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.guard import REFUSED_PAGE, REFUSED_SOCKET, Guard
from tests.browser.served import ALICE, CHARLIE, MEMBERS, PATTERN, BrowserSite
from tests.browser.visitor import session_path
from tests.browser.visits import Visits

_OPEN_WEBSOCKET = """(path) => new Promise((resolve) => {
  const socket = new WebSocket(new URL(path, location.href).href.replace("http", "ws"));
  socket.onopen = () => resolve("open");
  socket.onclose = (event) => resolve(event.code);
})"""


def test_a_type_for_a_group_is_offered_to_its_members_only(site: BrowserSite, visit: Visits, guard: Guard) -> None:
    alice, charlie = visit(ALICE), visit(CHARLIE)
    alice.open()
    expect(alice.type_card(MEMBERS)).to_be_visible()
    charlie.open()
    expect(charlie.type_card(PATTERN)).to_be_visible()
    expect(charlie.type_card(MEMBERS)).to_have_count(0)
    assert MEMBERS not in charlie.page.content()

    guard.announce(REFUSED_PAGE)
    charlie.type_card(PATTERN).locator("input[name=type]").evaluate("(input, name) => { input.value = name; }", MEMBERS)
    with charlie.page.expect_response("**/launch/") as answered:
        charlie.press_start(PATTERN)
    assert answered.value.status == 404
    expect(charlie.page.get_by_role("alert")).to_contain_text("There is no session type")
    assert site.free_slots(MEMBERS) == 3


def test_somebody_elses_session_is_not_there(site: BrowserSite, visit: Visits, guard: Guard) -> None:
    session = visit(ALICE).connect(PATTERN)
    charlie = visit(CHARLIE)
    guard.announce(REFUSED_PAGE)

    for path in (session_path(session), f"{session_path(session)}status", f"{session_path(session)}log"):
        answer = charlie.page.goto(path)
        assert answer is not None
        assert answer.status == 404
        expect(charlie.page.get_by_role("heading", name="There is no such page")).to_be_visible()
    expect(charlie.open().get_by_text("Nothing of yours is running.")).to_be_visible()

    guard.announce(REFUSED_SOCKET)
    assert charlie.page.evaluate(_OPEN_WEBSOCKET, f"{session_path(session)}websockify") == 1006
    assert site.states()[session] == "running"


def test_the_websocket_of_ones_own_session_opens_so_the_refusal_above_means_something(visit: Visits) -> None:
    alice = visit(ALICE)
    session = alice.connect(PATTERN)

    assert alice.page.evaluate(_OPEN_WEBSOCKET, f"{session_path(session)}websockify") == "open"
