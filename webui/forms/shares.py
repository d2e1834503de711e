"""What an owner enters to let others in, and staff to look at a session."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth.models import Group, User
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from remote_service import access
from remote_service.models import Session
from remote_service.share_rules import GUESTS_WITHOUT_A_NUMBER, MOST_USES, Audience, Reach, admits
from remote_service.sharing import WITH_ONESELF, Offer
from webui.forms.dashboard import ReasonForm
from webui.words import translated

LASTS: dict[str, timedelta | None] = {
    "hour": timedelta(hours=1),
    "workday": timedelta(hours=8),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "session": None,
}
"""How long a share can be made to last; None is as long as its session."""
VIEW, CONTROL = "view", "control"


class ShareForm(forms.Form):
    """A link to a session."""

    control = forms.ChoiceField(
        label=gettext_lazy("They may"),
        choices=((VIEW, gettext_lazy("look only")), (CONTROL, gettext_lazy("look, type and click"))),
    )
    audience = forms.ChoiceField(label=gettext_lazy("For"))
    user = forms.CharField(
        label=gettext_lazy("User name"),
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    group = forms.ModelChoiceField(
        label=gettext_lazy("Group"), queryset=Group.objects.none(), required=False, empty_label=None
    )
    lasts = forms.ChoiceField(
        label=gettext_lazy("It counts"),
        choices=(
            ("hour", gettext_lazy("for an hour")),
            ("workday", gettext_lazy("for 8 hours")),
            ("day", gettext_lazy("for a day")),
            ("week", gettext_lazy("for a week")),
            ("session", gettext_lazy("until the session ends")),
        ),
        initial="workday",
    )
    most_uses = forms.IntegerField(
        label=gettext_lazy("People who may accept it"),
        min_value=1,
        max_value=MOST_USES,
        required=False,
        help_text=gettext_lazy("Empty: any number."),
    )

    use_required_attribute = False

    def __init__(self, data: Any = None, *, session: Session, owner: User) -> None:
        """Offers what the session's type lets the owner offer."""
        super().__init__(data, auto_id="share-%s")
        self._owner = owner
        self._reach, self._groups = access.reach_of(session)
        groups = Group.objects.filter(user=owner).order_by("name")
        if self._within_group:
            groups = groups.filter(name__in=self._groups or ())
        self.offers_guests = access.may_share_with_guests(owner, session)
        if self.offers_guests:
            self.fields["most_uses"].help_text = ngettext(
                "Empty: any number, but %(count)d guest.",
                "Empty: any number, but %(count)d guests.",
                GUESTS_WITHOUT_A_NUMBER,
            ) % {"count": GUESTS_WITHOUT_A_NUMBER}
        group, audience = self.fields["group"], self.fields["audience"]
        assert isinstance(group, forms.ModelChoiceField) and isinstance(audience, forms.ChoiceField)
        group.queryset = groups
        audience.choices = [
            (Audience.USER.value, _("one user")),
            *([(Audience.GROUP.value, _("a group of yours"))] if groups.exists() else []),
            (Audience.ANYONE.value, _("all who may use this type") if self._within_group else _("all who log in")),
            *([(Audience.GUESTS.value, _("guests without an account"))] if self.offers_guests else []),
        ]

    @property
    def _within_group(self) -> bool:
        return self._reach is not Reach.OUTSIDE and self._groups is not None

    def clean(self) -> dict[str, Any]:
        """Whom it is for has to be there, and to be somebody who may come."""
        cleaned = super().clean() or {}
        audience = cleaned.get("audience")
        if audience == Audience.USER:
            cleaned["user"] = self._find(str(cleaned.get("user") or "").strip())
        if audience == Audience.GROUP and not cleaned.get("group") and "group" not in self.errors:
            self.add_error("group", _("Choose a group."))
        return cleaned

    def _find(self, name: str) -> User | None:
        if not name:
            self.add_error("user", _("Enter the name that they log in with."))
            return None
        found = User.objects.filter(username=name, is_active=True).first()
        if found is None:
            self.add_error("user", _("There is no user “%(name)s”.") % {"name": name})
        elif found == self._owner:
            self.add_error("user", translated(WITH_ONESELF))
        elif not admits(access.person(found), self._reach, self._groups):
            self.add_error("user", _("“%(name)s” may not see sessions of this type.") % {"name": name})
        else:
            return found
        return None

    def offer(self, now: datetime) -> Offer:
        """What was entered, once it is valid."""
        cleaned = self.cleaned_data
        lasts = LASTS[cleaned["lasts"]]
        audience = cleaned["audience"]
        return Offer(
            control=cleaned["control"] == CONTROL,
            user=cleaned["user"] if audience == Audience.USER else None,
            group=cleaned["group"] if audience == Audience.GROUP else None,
            expires_at=None if lasts is None else now + lasts,
            most_uses=None if audience == Audience.USER else cleaned["most_uses"],
            guests=audience == Audience.GUESTS,
        )


class WatchForm(ReasonForm):
    """Why one of the staff looks at somebody's session."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Says who reads it."""
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = _(
            "A sentence. The owner of the session reads it at once, and it stands in the history."
        )
