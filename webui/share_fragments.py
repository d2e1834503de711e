"""What changes by itself about a session's shares: on its page, on that of its details, and on the picker."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.utils import timezone

from remote_service import access
from remote_service.models import Guest, Session
from webui.end_warning import end_mark
from webui.live.fragments import Fragments
from webui.people import people_of
from webui.shares import shared_cards, shares_of

SESSION = "session"
"""The parameter of a page's address that names the session."""


def viewer(user: User | Guest, parameters: Mapping[str, str]) -> Fragments:
    """Of a session's page what changes beside its screen: nothing for who may not see it (any more)."""
    try:
        wanted = uuid.UUID(parameters.get(SESSION, ""))
    except ValueError:
        return {}
    found = Session.objects.filter(pk=wanted).first()
    return {} if found is None else of_viewer(user, found)


def of_viewer(user: User | Guest, session: Session) -> Fragments:
    """The same for a session that there is."""
    policy = access.viewer_policy(user, session)
    if policy is None:
        return {}
    rights = render_to_string("webui/_viewer_rights.html", {"control": not policy.view_only})
    shown = of_shares(user, session) if isinstance(user, User) and session.owner_id == user.pk else {}
    return {"rights": rights.strip(), **end_mark(session), **shown}


def of_shares(user: User, session: Session) -> Fragments:
    """Who looks at a session, and its shares, with what the user may do about them."""
    now = timezone.now()
    people = people_of(session, now)
    watchers = [person for person in people if person.watching]
    may_share = access.may_share(user, session)
    context = {
        "session": session,
        "shares": shares_of(session, now),
        "watchers": watchers,
        "others": [person for person in people if not person.watching],
        "may_hand_over": may_share,
        # Its owner reads beside it that the type forbids it, which says enough.
        "unshareable": session.owner_id == user.pk and not may_share and not session.over,
        "may_revoke": access.may_revoke(user, session) and not session.over,
    }
    return {
        "shares": render_to_string("webui/_shares.html", context).strip(),
        "watchers": render_to_string("webui/_watchers.html", {"watchers": watchers}).strip(),
    }


def of_picker(user: User) -> Fragments:
    """What others have shared with the user."""
    return {"shared": render_to_string("webui/_shared.html", {"cards": shared_cards(user)}).strip()}
