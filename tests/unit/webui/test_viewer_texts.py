"""Tests of what the viewer's script says: it and the page agree on the names, and on the close codes."""

from __future__ import annotations

import re

from remote_service.relay import closing
from remote_service.states import ENDINGS
from webui.storage import OWN_STATIC
from webui.viewer_texts import viewer_texts

SCRIPTS = [OWN_STATIC / "webui" / "viewer.js", *(OWN_STATIC / "webui" / "viewer").glob("*.js")]


def test_every_text_is_there_that_the_script_uses_and_no_other() -> None:
    used = {name for path in SCRIPTS for name in re.findall(r"\btexts\.(\w+)", path.read_text())}
    assert used == set(viewer_texts())


def test_the_viewer_knows_every_close_code_of_the_relay() -> None:
    source = (OWN_STATIC / "webui" / "viewer" / "closing.js").read_text()
    known = {int(code) for code in re.findall(r"\b(1\d{3}|40\d{2})\b(?!0)", source)}
    sent = {ending.close_code for ending in ENDINGS.values()}
    sent |= {getattr(closing, name) for name in dir(closing) if isinstance(getattr(closing, name), int)}
    assert {code for code in sent if code >= 1000} <= known


def test_who_finds_it_gone_reads_what_is_true_of_an_end_and_of_a_right_withdrawn() -> None:
    texts = viewer_texts()
    assert texts["goneTitle"] == "This session is not there for you any more"
    assert texts["goneText"] == "It is over, or your right to see it was withdrawn."


def test_a_guest_who_is_shut_out_is_not_sent_to_a_login() -> None:
    texts, told = viewer_texts(), viewer_texts(guest=True)
    assert {name for name in texts if texts[name] != told[name]} == {"loginTitle", "loginText"}
    assert set(texts) == set(told)
    assert "Log in" not in told["loginText"]
