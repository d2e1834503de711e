"""Django's settings of the site. What differs between sites comes from the environment, see `environment`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from remote_service.conf import GatewaySettings
from remote_service.networks import Networks
from remote_service.state_dir import StateDirError, close_to_others, open_state_dir, secret_key
from sessions_config.addresses import channel_layer, database
from sessions_config.environment import BASE_DIR, EnvironmentVariableError, read_environment
from sessions_config.languages import languages

try:
    ENVIRONMENT = read_environment()
    STATE_DIR = open_state_dir(ENVIRONMENT.state_dir)
    SECRET_KEY = secret_key(STATE_DIR)
except (EnvironmentVariableError, StateDirError) as error:
    raise ImproperlyConfigured(str(error)) from error

REMOTE_SERVICE = GatewaySettings(
    state_dir=STATE_DIR,
    sessions_file=Path(ENVIRONMENT.sessions_file).absolute(),
    script_dirs=tuple(path.absolute() for path in ENVIRONMENT.script_dirs),
    script_env=ENVIRONMENT.script_env,
    session_user=ENVIRONMENT.session_user,
    security_token=ENVIRONMENT.security_token,
    rest_stop=ENVIRONMENT.rest_stop,
    lease_time=ENVIRONMENT.lease_time,
    unknown_alarm=ENVIRONMENT.unknown_alarm,
    endpoint_networks=Networks.read(ENVIRONMENT.endpoint_networks),
    per_user_total=ENVIRONMENT.per_user_total,
    handshakes_per_minute=ENVIRONMENT.handshakes_per_minute,
    log_ins_per_minute=ENVIRONMENT.log_ins_per_minute,
    guests=ENVIRONMENT.guests,
    cgroup=ENVIRONMENT.cgroup,
    metrics_token=ENVIRONMENT.metrics_token,
    history_days=ENVIRONMENT.history_days,
    log_days=ENVIRONMENT.log_days,
)

DEBUG = ENVIRONMENT.debug
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", *ENVIRONMENT.allowed_hosts]
ROOT_URLCONF = "sessions_config.urls"
ASGI_APPLICATION = "sessions_config.asgi.application"
FORCE_SCRIPT_NAME = ENVIRONMENT.path_prefix or None
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "remote_service",
    "webui",
    "channels",
    "django_htmx",
    "csp",
    "axes",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "webui.static_serving.StaticFilesMiddleware",
    "webui.log_in_limits.limit_log_ins",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
    "webui.maintenance.maintenance",
    "webui.one_thread.one_thread",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "webui.page_context.page",
            ]
        },
    }
]

# ---- data -------------------------------------------------------------------------------------------------

SQLITE_OPTIONS = {
    "timeout": 20,
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
}
if ENVIRONMENT.database_url:
    DATABASES: dict[str, Any] = {"default": database(ENVIRONMENT.database_url)}
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": close_to_others(STATE_DIR / "gateway.sqlite3"),
            "OPTIONS": SQLITE_OPTIONS,
            "TEST": {"NAME": STATE_DIR / "test.sqlite3"},
        }
    }
if ENVIRONMENT.channel_layer_url:
    CHANNEL_LAYERS: dict[str, Any] = {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {
                "hosts": [channel_layer(ENVIRONMENT.channel_layer_url)],
                "symmetric_encryption_keys": [SECRET_KEY],
                # Seconds. Whoever was killed stays a member for so long; who lives joins again after half of it, see
                # `nudges.RENEWAL`.
                "group_expiry": 7200,
            },
        }
    }
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

# ---- who logs in ------------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "picker"
LOGOUT_REDIRECT_URL = "login"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=5)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
# In the log of failed logins: the address helps, and what was typed as a name may be a password.
AXES_SENSITIVE_PARAMETERS = ["username"]

# ---- what browsers are told -------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        # noVNC draws JPEG rectangles by data: images, and freezes without.
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
SECURE_REFERRER_POLICY = "no-referrer"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = ENVIRONMENT.tls
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "gateway_session"
CSRF_COOKIE_HTTPONLY = True
# Other sites of the same host do not get them.
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = LANGUAGE_COOKIE_PATH = ENVIRONMENT.path_prefix or "/"

# ---- pages ------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGES = languages(LOCALE_PATHS[0])
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = f"{ENVIRONMENT.path_prefix}/static/"
STATIC_ROOT = STATE_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "webui.storage.ModuleStorage"},
}
SERVESTATIC_USE_MANIFEST = not DEBUG
SERVESTATIC_AUTOREFRESH = DEBUG
SERVESTATIC_USE_FINDERS = DEBUG
SERVESTATIC_ALLOW_ALL_ORIGINS = False
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"no_queries": {"()": "remote_service.logs.WithoutQueries"}},
    "formatters": {"line": {"format": "%(asctime)s %(levelname)-7s %(name)s: %(message)s"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["no_queries"]},
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "remote_service.audit": {"handlers": [], "level": "CRITICAL", "propagate": False},
        "django": {"handlers": [], "level": "INFO"},
        # A request that was refused stands in an event row; its path may hold a token.
        "django.request": {"level": "ERROR"},
        # Anybody can send what these are about.
        **{
            f"django.security.{name}": {"level": "CRITICAL"}
            for name in ("DisallowedHost", "TooManyFieldsSent", "TooManyFilesSent", "RequestDataTooBig")
        },
        "django.server": {"handlers": [], "propagate": True},
        "axes": {"level": "WARNING"},
        # What it says by INFO, with each nudge, is that members were killed and take no more.
        "channels_redis": {"level": "WARNING"},
        # Its warnings are of clients that speak no HTTP, a line each; /metrics counts them.
        "uvicorn": {"level": "ERROR"},
    },
}
if ENVIRONMENT.audit:
    LOGGING["handlers"]["audit"] = {"()": "remote_service.audit_handlers.audit_handler", "where": ENVIRONMENT.audit}
    LOGGING["loggers"]["remote_service.audit"] |= {"handlers": ["audit"], "level": "INFO"}
