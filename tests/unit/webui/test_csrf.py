"""Forms in fragments get the token of who asks."""

from __future__ import annotations

import re

from django.template.loader import get_template
from django.test import RequestFactory

from webui.csrf import NO_TOKEN, with_token


def test_every_form_gets_the_token_and_nothing_else_changes() -> None:
    html = with_token(f"<form>{NO_TOKEN}</form><form>{NO_TOKEN}</form><p>", RequestFactory().get("/"))
    assert re.fullmatch(
        r'(<form><input type="hidden" name="csrfmiddlewaretoken" value="\w{64}"></form>){2}<p>', html
    ), html


def test_the_templates_of_fragments_have_what_it_looks_for() -> None:
    for name in ("_type_card", "_site_notes", "dashboard/_session_row", "dashboard/_slots"):
        assert NO_TOKEN in get_template(f"webui/{name}.html").template.source
