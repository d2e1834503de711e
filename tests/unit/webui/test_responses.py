"""Tests of our own answers."""

from __future__ import annotations

from webui.responses import SeeOther


def test_see_other_is_a_redirect_with_303() -> None:
    response = SeeOther("/elsewhere")
    assert (response.status_code, response["Location"]) == (303, "/elsewhere")
