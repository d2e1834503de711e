"""The addresses of the pages."""

from __future__ import annotations

from django.urls import path

from webui.views import (
    account,
    announcements,
    details,
    favicon,
    live,
    picker,
    session,
    share_link,
    shares,
    theme,
    viewer,
)
from webui.views.dashboard import announcements as staff_announcements
from webui.views.dashboard import catalogue, overview, sessions, site, slots, users

picker_urls = [
    path("", picker.picker, name="picker"),
    path("launch/", picker.launch, name="launch"),
    path("launch/<path:type_name>", picker.launch_page, name="launch-page"),
    path("sessions/<uuid:session_id>/again", picker.again, name="session-again"),
    path("live/", live.poll, name="live"),  # its websocket is webui.live.routing's
]

session_urls = [  # /sessions/<id>/; the websocket is at .../websockify, see remote_service.relay.routing
    path("sessions/<uuid:session_id>/", viewer.session, name="session"),
    path("sessions/<uuid:session_id>/status", session.status, name="session-status"),
    path("sessions/<uuid:session_id>/keep", session.keep, name="session-keep"),
    path("sessions/<uuid:session_id>/stop", session.stop, name="session-stop"),
    path("sessions/<uuid:session_id>/log", session.log, name="session-log"),
    path("sessions/<uuid:session_id>/log/part", details.log_part, name="session-log-part"),
    path("sessions/<uuid:session_id>/details/", details.page, name="session-details"),
]

share_urls = [
    path("share/", share_link.page, name="share"),
    path("share/ask", share_link.ask, name="share-ask"),
    path("share/accept", share_link.accept, name="share-accept"),
    path("sessions/<uuid:session_id>/watch", viewer.watch, name="session-watch"),
    path("sessions/<uuid:session_id>/shares/", shares.make, name="session-share"),
    path("sessions/<uuid:session_id>/shares/<uuid:share_id>/rights", shares.rights, name="share-rights"),
    path("sessions/<uuid:session_id>/shares/<uuid:share_id>/revoke", shares.revoke, name="share-revoke"),
    path("sessions/<uuid:session_id>/holders/<int:holder_id>/rights", shares.holder_rights, name="holder-rights"),
    path(
        "sessions/<uuid:session_id>/holders/<int:holder_id>/admission",
        shares.holder_admission,
        name="holder-admission",
    ),
]

account_urls = [
    path("login/", account.login, name="login"),
    path("logout/", account.logout, name="logout"),
    path("password/", account.password_change, name="password"),
]

dashboard_urls = [
    path("dashboard/", overview.overview, name="dashboard"),
    path("dashboard/sessions/", sessions.sessions, name="dashboard-sessions"),
    path("dashboard/sessions/<uuid:session_id>/stop", sessions.stop, name="dashboard-stop"),
    path("dashboard/sessions/<uuid:session_id>/release", sessions.release, name="dashboard-release"),
    path("dashboard/slots/", slots.slots, name="dashboard-slots"),
    path("dashboard/drains/", slots.drain, name="dashboard-drain"),
    path("dashboard/drains/<int:drain_id>/end", slots.end_drain, name="dashboard-drain-end"),
    path("dashboard/catalogue/", catalogue.catalogue, name="dashboard-catalogue"),
    path("dashboard/catalogue/reload", catalogue.reload, name="dashboard-reload"),
    path("dashboard/announcements/", staff_announcements.announcements, name="dashboard-announcements"),
    path(
        "dashboard/announcements/<int:announcement_id>/end",
        staff_announcements.end_announcement,
        name="dashboard-announcement-end",
    ),
    path("dashboard/site/", site.site, name="dashboard-site"),
    path("dashboard/site/switch", site.switch, name="dashboard-switch"),
    path("dashboard/site/open", site.end_maintenance, name="dashboard-maintenance-end"),
    path("dashboard/users/", users.users, name="dashboard-users"),
    path("dashboard/users/<int:user_id>/block", users.block, name="dashboard-block"),
    path("dashboard/users/<int:user_id>/unblock", users.unblock, name="dashboard-unblock"),
]

urlpatterns = [
    *picker_urls,
    *session_urls,
    *share_urls,
    *account_urls,
    *dashboard_urls,
    path("theme/", theme.theme, name="theme"),
    path("announcements/<int:announcement_id>/seen", announcements.seen, name="announcement-seen"),
    path("favicon.ico", favicon.favicon, name="favicon"),
]
