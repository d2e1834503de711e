"""What the login page takes."""

from __future__ import annotations

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables


class LoginForm(AuthenticationForm):
    """Tells who is blocked so, once their name and password are right; a wrong password gives no hint of an account.

    Django's own refuses an inactive user as it refuses a wrong password, and django-axes counts both alike.
    """

    error_messages = {  # noqa: RUF012 (Django's own way to say it)
        **AuthenticationForm.error_messages,
        "inactive": gettext_lazy("This account is blocked. Ask those who run this site."),
    }

    def get_invalid_login_error(self) -> ValidationError:
        """What is said of a login that failed."""
        # For a name that is locked at this address nothing is looked at, or the lock would not stop guessing.
        if not getattr(self.request, "axes_locked_out", False) and self._is_blocked():
            return ValidationError(self.error_messages["inactive"], code="inactive")
        return super().get_invalid_login_error()

    @sensitive_variables()
    def _is_blocked(self) -> bool:
        """Whether all is right but that the account is inactive; one password is hashed, whoever is named."""
        password = self.cleaned_data["password"]
        user = User.objects.filter(username=self.cleaned_data["username"]).first()
        if user is None:
            User().set_password(password)
            return False
        return user.check_password(password) and not user.is_active
