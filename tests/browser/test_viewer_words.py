"""The viewer's script finds what the server said, in English, among the sentences that its page gives it."""

from __future__ import annotations

import pytest

from remote_service import details
from remote_service.relay.closing import HAS_GONE
from remote_service.texts import recognised
from tests.browser.served import ALICE
from tests.browser.visits import Visits

_IN_WORDS = """async ([reasons, sentences]) => {
  const { inWords } = await import("/static/webui/viewer/closing.js");
  return reasons.map((reason) => inWords(reason, sentences));
}"""

GERMAN = {
    str(HAS_GONE): "Die Sitzung ist weg.",
    details.UNREACHABLE.template: "%(error)s, also kein Weg nach %(endpoint)s.",
    details.NO_RFB.template: "Kein RFB: %(found)s",
    details.IS_TERMINAL.template: "Nichts zu sehen.",
}
SAID = {
    f"{HAS_GONE} Bye.": "Die Sitzung ist weg. Bye.",
    str(details.UNREACHABLE.filled(endpoint="tcp:h:1", error="[Errno 111] ($&) no")): (
        "[Errno 111] ($&) no, also kein Weg nach tcp:h:1."
    ),
    str(details.NO_RFB.filled(found=repr(b"SSH-2.0-Open"))): "Kein RFB: b'SSH-2.0-Open'",
    str(details.IS_TERMINAL): "Nichts zu sehen.",
    "The node cannot be reached: ask Jim.": "The node cannot be reached: ask Jim.",
    "": "",
}


@pytest.fixture
def page_says(visit: Visits) -> list[str]:
    """What the script makes of each."""
    found: list[str] = visit(ALICE).open("/password/").evaluate(_IN_WORDS, [list(SAID), GERMAN])
    return found


def test_it_says_each_in_the_words_of_its_page(page_says: list[str]) -> None:
    assert page_says == list(SAID.values())


def test_it_recognises_the_same_as_the_server() -> None:
    known = (details.UNREACHABLE, details.NO_RFB, details.IS_TERMINAL)
    assert [recognised(reason, known) is not None for reason in SAID] == [False, True, True, True, False, False]
