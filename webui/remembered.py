"""What a user entered last into the launch forms: it stands in the options of the newest session of each type."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.auth.models import User
from django.db.models import Max

from remote_service.models import Session


def last_entered(user: User, type_names: Collection[str]) -> dict[str, dict[str, str]]:
    """Per type the options of the user's newest session of it; two queries, however many there are."""
    if not type_names:
        return {}
    own = Session.objects.filter(owner=user, door="web", tile=0).order_by()
    newest = dict(own.values_list("type_name").annotate(Max("created_at")))
    wanted = {name: newest[name] for name in type_names if name in newest}
    found = own.filter(created_at__in=wanted.values(), type_name__in=wanted)
    return {
        name: {key: str(value) for key, value in options.items()}
        for name, created_at, options in found.values_list("type_name", "created_at", "options")
        if created_at == wanted.get(name)
    }
