"""What the page to change one's password takes."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables


class PasswordForm(PasswordChangeForm):
    """Has the old password looked at as a log-in is, so that wrong ones are counted: who sits down at a page that
    somebody left open must not be able to guess for ever."""

    def __init__(self, request: HttpRequest, user: User, *args: Any, **kwargs: Any) -> None:
        """`request` is what django-axes counts by."""
        super().__init__(user, *args, **kwargs)
        self._request = request

    @sensitive_variables()
    def clean_old_password(self) -> str:
        """The old password, if it is the user's and the name is not locked at this address."""
        old: str = self.cleaned_data["old_password"]
        if authenticate(self._request, username=self.user.get_username(), password=old) is None:
            raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        return old
