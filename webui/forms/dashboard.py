"""What the dashboard's forms take. Reasons and texts are read by users, so none of them may be left out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from remote_service.models import Announcement, Drain, Session, SessionType
from remote_service.states import State
from remote_service.texts import in_one_line
from webui.words import STATE_WORDS

MOST_TEXT = 1000
"""Characters of a text that is shown to everybody."""
MOST_REASON = 300
"""Characters of a reason that stands on a session's page."""

KINDS = ((Drain.Kind.TYPE.value, gettext_lazy("session type")), (Drain.Kind.HOST.value, gettext_lazy("host")))
LEVELS = (
    (Announcement.Level.INFO.value, gettext_lazy("information")),
    (Announcement.Level.WARNING.value, gettext_lazy("warning")),
)
"""The models' own labels are English, since events are."""

LIVE, ANY, UNKNOWN, QUARANTINED, UNPROTECTED = "live", "any", "unknown", "quarantined", "unprotected"
_MOMENT = "%Y-%m-%dT%H:%M"


class SessionFilter(forms.Form):
    """Which sessions are listed. Whatever an address says, something is: what cannot be meant counts as not said."""

    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    type = forms.ChoiceField(label=gettext_lazy("Type"), required=False)
    owner = forms.CharField(label=gettext_lazy("Owner"), required=False, max_length=150)
    host = forms.CharField(label=gettext_lazy("Host"), required=False, max_length=255)
    text = forms.CharField(label=gettext_lazy("Text"), required=False, max_length=200)

    use_required_attribute = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offers the types of the sessions file, those of which sessions are left, and the one that is asked for."""
        super().__init__(*args, **kwargs)
        state, kind = self.fields["state"], self.fields["type"]
        assert isinstance(state, forms.ChoiceField) and isinstance(kind, forms.ChoiceField)
        state.choices = [
            (LIVE, pgettext_lazy("sessions", "Live")),
            (ANY, pgettext_lazy("sessions", "Live and ended")),
            (UNKNOWN, pgettext_lazy("sessions", "Unknown")),
            (QUARANTINED, pgettext_lazy("sessions", "In quarantine")),
            (UNPROTECTED, pgettext_lazy("sessions", "Without a password")),
            *((one.value, words) for one, words in STATE_WORDS.items()),
        ]
        names = list(SessionType.objects.values_list("name", flat=True))
        asked = str(self.data.get("type", ""))[:200]
        gone = {asked, *_types_in_use()} - {"", *names}
        kind.choices = [("", _("All types")), *((name, name) for name in [*names, *sorted(gone)])]

    @property
    def wanted(self) -> dict[str, str]:
        """What is asked for, by field; the state is one of its choices."""
        self.is_valid()
        found = {name: str(self.cleaned_data.get(name, "")) for name in self.fields}
        return {**found, "state": found["state"] or LIVE}


def _types_in_use() -> list[str]:
    """The types of sessions that have a slot, whether the sessions file still has them or not."""
    return list(Session.objects.holding_slots().order_by().values_list("type_name", flat=True).distinct())


class ReasonForm(forms.Form):
    """Why a session is ended."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=MOST_REASON,
        help_text=gettext_lazy("A sentence. The owner of the session reads it, and it stands in the history."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_reason(self) -> str:
        """One line, as the field shows it."""
        reason = in_one_line(str(self.cleaned_data["reason"]))
        if not reason:
            raise forms.ValidationError(self.fields["reason"].error_messages["required"])
        return reason


class BlockForm(ReasonForm):
    """Why a user is blocked, who may have no session that would tell them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Says who reads it."""
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = _(
            "A sentence. It stands in the history, and with the sessions that are ended."
        )


class TextForm(forms.Form):
    """A text that users see instead of something."""

    text = forms.CharField(
        label=gettext_lazy("What users read"), max_length=MOST_TEXT, widget=forms.Textarea(attrs={"rows": 3})
    )


def hosts_of_types() -> list[str]:
    """The hosts that session types name in their options."""
    options = (row.definition.options for row in SessionType.objects.all())
    return sorted({str(found["host"]) for found in options if found.get("host")})


class DrainForm(TextForm):
    """Which type or host takes no new sessions."""

    kind = forms.ChoiceField(label=gettext_lazy("What"), choices=KINDS)
    name = forms.CharField(label=gettext_lazy("Its name"), max_length=255)

    field_order = ("kind", "name", "text")

    def clean(self) -> dict[str, Any]:
        """A type has to be there, and a host in the options of one: a drain of another would keep nobody away."""
        cleaned = super().clean() or {}
        name = cleaned.get("name", "")
        if cleaned.get("kind") == Drain.Kind.TYPE and name and not SessionType.objects.filter(name=name).exists():
            self.add_error("name", _("There is no session type “%(name)s”.") % {"name": name})
        if cleaned.get("kind") == Drain.Kind.HOST and name and name not in (known := hosts_of_types()):
            none = _("No session type names the host “%(name)s”; drain the types that run there instead.")
            others = _("Hosts that types name: %(hosts)s.") % {"hosts": ", ".join(known)} if known else ""
            self.add_error("name", f"{none % {'name': name}} {others}".strip())
        return cleaned


class AnnouncementForm(forms.Form):
    """A text for every page, and its time."""

    text = forms.CharField(label=gettext_lazy("Text"), max_length=MOST_TEXT, widget=forms.Textarea(attrs={"rows": 3}))
    level = forms.ChoiceField(label=gettext_lazy("Looks like"), choices=LEVELS)
    shown_from = forms.DateTimeField(
        label=gettext_lazy("From (UTC)"),
        required=False,
        help_text=gettext_lazy("In UTC, the server's time. Empty: from now on."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=_MOMENT),
    )
    shown_until = forms.DateTimeField(
        label=gettext_lazy("Until (UTC)"),
        required=False,
        help_text=gettext_lazy("In UTC, the server's time. Empty: until somebody ends it."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=_MOMENT),
    )

    def clean(self) -> dict[str, Any]:
        """It has to be shown at some time."""
        cleaned = super().clean() or {}
        begins = cleaned["shown_from"] = cleaned.get("shown_from") or timezone.now()
        until = cleaned.get("shown_until")
        if until is not None and until <= max(begins, timezone.now()):
            self.add_error("shown_until", _("It would never be shown: this is over before it begins."))
        return cleaned


def is_state(text: str) -> bool:
    """Whether a filter's state is one of a session's own."""
    return text in {state.value for state in State}
