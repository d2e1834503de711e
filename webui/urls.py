"""The addresses of the pages."""

from __future__ import annotations

from django.urls import path

from webui.views import account, details, favicon, picker, session, viewer

picker_urls = [
    path("", picker.picker, name="picker"),
    path("launch/", picker.launch, name="launch"),
    path("sessions/", picker.sessions_fragment, name="sessions-fragment"),
]

session_urls = [  # /sessions/<id>/; the websocket is at .../websockify, see remote_service.relay.routing
    path("sessions/<uuid:session_id>/", viewer.session, name="session"),
    path("sessions/<uuid:session_id>/status", session.status, name="session-status"),
    path("sessions/<uuid:session_id>/stop", session.stop, name="session-stop"),
    path("sessions/<uuid:session_id>/log", session.log, name="session-log"),
    path("sessions/<uuid:session_id>/log/part", details.log_part, name="session-log-part"),
    path("sessions/<uuid:session_id>/details/", details.page, name="session-details"),
    path("sessions/<uuid:session_id>/details/changes", details.changes, name="session-details-changes"),
]

account_urls = [
    path("login/", account.login, name="login"),
    path("logout/", account.logout, name="logout"),
    path("password/", account.password_change, name="password"),
]

urlpatterns = [
    *picker_urls,
    *session_urls,
    *account_urls,
    path("favicon.ico", favicon.favicon, name="favicon"),
]
