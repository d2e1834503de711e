"""Django's view of the pages."""

from __future__ import annotations

from django.apps import AppConfig


class WebUiConfig(AppConfig):
    """The pages: no models, and nothing in `remote_service` knows of them."""

    name = "webui"
    verbose_name = "Pages"
