"""The addresses for who watches the server."""

from __future__ import annotations

from django.urls import path

from remote_service.monitoring import views

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", views.metrics, name="metrics"),
]
