"""Forms in fragments, which are made for nobody in particular: the token of who asks is put in when a page is made.

In a fragment that comes later, the page's own script puts it in (`static/webui/tokens.js`).
"""

from __future__ import annotations

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

NO_TOKEN = '<input type="hidden" name="csrfmiddlewaretoken">'
"""What the templates of fragments have where a token belongs."""


def with_token(html: str, request: HttpRequest) -> SafeString:
    """The same markup with the token of who asks."""
    token = f'{NO_TOKEN[:-1]} value="{escape(get_token(request))}">'
    return mark_safe(html.replace(NO_TOKEN, token))
