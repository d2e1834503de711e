"""Which pages follow what happens, and what each of them consists of.

To plug a page in:

1. Write a function that takes the user and the parameters of the page's address, and returns its `Fragments`: every
   element that may change, by its id, as HTML whose outermost element has that id. It returns None when the user may
   not see the page (any more). It is called whenever any session changes, so it has to be quick; the same state must
   give the same texts, so no ages in seconds and no random ids: a moment is a `<time>` of
   `webui/static/webui/live/times.js`. It has no request: templates get all they need as context, and a form takes its
   token from the page's own script (an input without a value and with the name `csrfmiddlewaretoken`).
2. Name the function in `PAGES`.
3. In the page's view, give the template `first_look(user, name, fragments, **parameters)` as `live`: there
   `{{ live.parts.ELEMENT_ID }}` is a fragment with its parts in it (so the outermost ones have an id without hyphens),
   and `{% include "webui/_live.html" %}` tells the script where to listen.
4. In the page's script, call `follow()` of `webui/static/webui/live/follow.js`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from remote_service.models import Guest
from webui import dashboard_fragments as dashboard
from webui.details_fragments import details_page
from webui.live.fragments import Fragments, assembled, digest, stamps
from webui.live.frame import closed_for, framed
from webui.picker_fragments import launch, picker
from webui.share_fragments import viewer

Render = Callable[[User, Mapping[str, str]], Fragments | None]

PAGES: dict[str, Render] = {
    "picker": picker,
    "launch": launch,
    "details": details_page,
    "viewer": viewer,
    "dashboard": dashboard.overview,
    "dashboard-sessions": dashboard.sessions,
    "dashboard-slots": dashboard.slots,
    "dashboard-catalogue": dashboard.catalogue,
}


GOES_ON = frozenset({"viewer"})
"""Pages that stay open during maintenance."""
FOR_GUESTS = "viewer"
"""The one page that is not only for users."""
CONCERNED_BY_ALL = frozenset(name for name in PAGES if name.startswith("dashboard"))
"""Pages that show everybody's sessions."""


@dataclass(frozen=True, slots=True)
class Address:
    """What a browser asks to be told of: a page, and the parameters of it."""

    page: str
    parameters: tuple[tuple[str, str], ...] = ()


class Parts(dict[str, SafeString]):
    """Fragments with their parts in them, put together when a template asks for them."""

    def __init__(self, fragments: Fragments) -> None:
        """Nothing is put together yet."""
        super().__init__()
        self._fragments = fragments

    def __missing__(self, element_id: str) -> SafeString:
        return mark_safe(assembled(self._fragments, element_id))


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What a page's template needs of the live updates."""

    parts: Parts
    address: str
    """Where the page's script listens, and asks while it cannot listen."""
    digest: str
    """What the page shows: nothing is sent while that is what there is."""


def fragments_of(who: int | uuid.UUID, address: Address) -> Fragments | None:
    """A page as it is for a user, or a guest, now; None when there is no such page for them."""
    if isinstance(who, uuid.UUID):
        return _fragments_of_guest(who, address)
    user = User.objects.filter(pk=who, is_active=True).first()
    render = PAGES.get(address.page)
    if user is None or render is None or (address.page not in GOES_ON and closed_for(user)):
        return None
    fragments = render(user, dict(address.parameters))
    return None if fragments is None else framed(user, fragments)


def _fragments_of_guest(guest_id: uuid.UUID, address: Address) -> Fragments | None:
    guest = Guest.objects.filter(pk=guest_id).first()
    if guest is None or address.page != FOR_GUESTS:
        return None
    return framed(guest, viewer(guest, dict(address.parameters)))


def first_look(user: User | Guest, page: str, fragments: Fragments, **parameters: str) -> FirstLook:
    """The fragments as the page's template takes them."""
    fragments = framed(user, fragments)
    asked = urlencode({"page": page, **parameters})
    return FirstLook(Parts(fragments), f"{reverse('live')}?{asked}", digest(stamps(fragments)))
