"""The addresses of the stand-alone REST (design, section 10)."""

from __future__ import annotations

from django.urls import path

from remote_service.rest import views

urlpatterns = [
    path("status", views.status, name="rest-status"),  # /v1/status
    path("status_view", views.status_view, name="rest-status-view"),  # /v1/status_view
    path("reserve/<path:type_name>", views.reserve, name="rest-reserve"),  # /v1/reserve/{type}?option=value
    path("release/<str:token>", views.release, name="rest-release"),  # /v1/release/{token}
    path("stop", views.stop, name="rest-stop"),  # /v1/stop
]
