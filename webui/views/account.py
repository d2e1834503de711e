"""Logging in and out, and changing one's password: Django's own views with our templates."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import views
from django.contrib.messages.views import SuccessMessageMixin
from django.http import HttpResponse
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from webui.forms.login import LoginForm
from webui.forms.password import PasswordForm


class Login(views.LoginView):
    """The login page; django-axes counts what fails."""

    template_name = "webui/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> HttpResponse:
        """Who has been a guest before is logged in for as long as everybody else."""
        self.request.session.set_expiry(None)
        return super().form_valid(form)


class PasswordChange(SuccessMessageMixin, views.PasswordChangeView):  # type: ignore[type-arg]
    """One's own password; leads back to the first page."""

    form_class = PasswordForm
    template_name = "webui/password.html"
    success_url = reverse_lazy("picker")
    success_message = gettext_lazy("Your password was changed.")

    def get_form_kwargs(self) -> dict[str, Any]:
        """What the form is made of."""
        return {"request": self.request, **super().get_form_kwargs()}


login = Login.as_view()
logout = views.LogoutView.as_view()
password_change = never_cache(PasswordChange.as_view())
