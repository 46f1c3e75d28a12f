"""The portal's settings, read from the environment; a missing or weak secret stops the start.

``DEMONSTRATION=1`` is what ``make run`` uses: sign-in without a second factor, demonstration people and
companies, plain HTTP if ``INSECURE_HTTP=1``. Without it those switches are refused.
"""

from __future__ import annotations

from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config import strength
from config.strength import is_weak

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()


def strong_secret(name: str) -> str:
    """The secret called ``name``; raises ImproperlyConfigured when it is missing, short or well known."""
    value = env.str(name, default="")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. Give a random text of at least 50 characters.")
    if is_weak(value, least=strength.KEY_LENGTH):
        raise ImproperlyConfigured(
            f"{name} is short or well known. Give a random text of at least 50 characters."
        )
    return value


def refuse_weak_password(name: str, password: str | None) -> None:
    """Stop the start of production when the address called ``name`` has no strong password."""
    if not DEMONSTRATION and is_weak(password or "", least=strength.PASSWORD_LENGTH):
        found = "has a password that is short or well known" if password else "has no password"
        raise ImproperlyConfigured(
            f"{name} {found}. Set a random one of at least 20 characters there, and write it in the address."
        )


def count_of_proxies() -> int:
    """How many proxies stand in front of the portal; production states it, if only as 0."""
    if not DEMONSTRATION and not env.str("TRUSTED_PROXY_COUNT", default=""):
        raise ImproperlyConfigured(
            "TRUSTED_PROXY_COUNT is not set. Count the proxies in front of the portal; 0 when there is none."
        )
    if (count := env.int("TRUSTED_PROXY_COUNT", default=0)) < 0:
        raise ImproperlyConfigured("TRUSTED_PROXY_COUNT is negative. Count the proxies in front.")
    return count


def only_in_demonstration(name: str) -> bool:
    """The switch called ``name``; production refuses it."""
    value = env.bool(name, default=False)
    if value and not DEMONSTRATION:
        raise ImproperlyConfigured(f"{name} is allowed only with DEMONSTRATION=1.")
    return value


def broker_url(url: str) -> str:
    """The address of the broker as Celery spells it: a socket's differs from what redis and Django take."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    number = parse_qs(parts.query).get("db", ["0"])[0]
    return parts._replace(scheme="redis+socket", query=f"virtual_host={number}").geturl()


def document_storage(url: str) -> dict[str, Any]:
    """Where documents are kept: in MEDIA_ROOT, or in a private bucket that speaks S3.

    ``s3://bucket/prefix?endpoint=https://host&region=us-gov-west-1``; keys come from the environment or the
    machine's role, never from the address. The libraries are the extra ``s3`` and are read only then.
    """
    if not url:
        return {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.hostname or parts.password:
        raise ImproperlyConfigured("DOCUMENT_STORAGE_URL must be s3://bucket/prefix, without keys.")
    if find_spec("storages") is None or find_spec("boto3") is None:
        raise ImproperlyConfigured(
            "DOCUMENT_STORAGE_URL needs the extra s3: install django-storages and boto3."
        )
    query = parse_qs(parts.query)
    if unknown := query.keys() - {"endpoint", "region"}:
        raise ImproperlyConfigured(f"DOCUMENT_STORAGE_URL does not know {', '.join(sorted(unknown))}.")
    options = {
        "bucket_name": parts.hostname,
        "location": parts.path.strip("/"),
        "endpoint_url": query.get("endpoint", [None])[0],
        "region_name": query.get("region", [None])[0],
        "signature_version": "s3v4",
        "default_acl": None,
        "file_overwrite": False,
        "querystring_auth": True,
    }
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}


# What this copy of the portal is
DEMONSTRATION = env.bool("DEMONSTRATION", default=False)
DEBUG = only_in_demonstration("DEBUG")
INSECURE_HTTP = only_in_demonstration("INSECURE_HTTP")
OFFICIAL_SITE = env.bool("OFFICIAL_SITE", default=False)
if OFFICIAL_SITE and DEMONSTRATION:
    raise ImproperlyConfigured(
        "A demonstration must not show the official banner: OFFICIAL_SITE and DEMONSTRATION."
    )
SITE_NAME = "American AI Exports Program"
SITE_URL = env.str("SITE_URL").rstrip("/")
if urlsplit(SITE_URL).scheme != "https" and not INSECURE_HTTP:
    raise ImproperlyConfigured("SITE_URL must begin with https:// outside a demonstration.")
SITE_ID = None
SUPPORT_EMAIL = env.str("SUPPORT_EMAIL", default="program-office@portal.example")
SECURITY_CONTACT = env.str("SECURITY_CONTACT", default="security@portal.example")
SECRET_KEY = strong_secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
if any(is_weak(key, least=strength.KEY_LENGTH) for key in SECRET_KEY_FALLBACKS):
    raise ImproperlyConfigured(
        "A key of SECRET_KEY_FALLBACKS is short or well known. Keep only keys that were strong, or none."
    )
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[urlsplit(SITE_URL).hostname or ""])
if "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS must name hosts, not '*'.")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[SITE_URL])

INSTALLED_APPS = [
    "config",
    *(["demonstration"] if DEMONSTRATION else []),
    "financing",
    "evaluation",
    "proposals",
    "program",
    "rules.apps.AutodiscoverRulesConfig",
    "guardian",
    "rest_framework",
    "drf_spectacular",
    "django_filters",
    "django_htmx",
    "csp",
    "axes",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "django.forms",
    "django.contrib.humanize",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "program.middleware.record_request",
    "program.middleware.moment_of_page",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "program.middleware.private_pages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "program.middleware.session_life",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "program.middleware.SignInFirst",
    "program.middleware.same_person",
    "config.second_factor.second_factor",
    "program.middleware.RecordRefusals",
    "program.middleware.LeadFirst",
    "program.limits.SayWhenAgain",
    "program.middleware.WellFormed",
    "program.middleware.worded_refusal_of_method",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = True

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "program.context_processors.portal",
            ],
        },
    }
]
FORM_RENDERER = "program.fields.FormRenderer"

# PostgreSQL; the role of DATABASE_URL owns nothing, DATABASE_OWNER_URL migrates
DATABASES = {"default": env.db_url("DATABASE_URL")}
if DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
    raise ImproperlyConfigured(
        "DATABASE_URL must name a PostgreSQL database: the portal stands on its locks."
    )
DATABASE_OWNER = env.db_url("DATABASE_OWNER_URL", default=env.str("DATABASE_URL"))
if (
    not DEMONSTRATION
    and env.str("DATABASE_OWNER_URL", default="")
    and DATABASE_OWNER["USER"] == DATABASES["default"]["USER"]
):
    raise ImproperlyConfigured(
        "DATABASE_OWNER_URL and DATABASE_URL name one role: the portal must not own the tables of its record."
    )
refuse_weak_password("DATABASE_URL", DATABASES["default"]["PASSWORD"])
refuse_weak_password("DATABASE_OWNER_URL", DATABASE_OWNER["PASSWORD"])
DATABASES["default"] |= {
    "CONN_MAX_AGE": env.int("CONN_MAX_AGE", default=600),
    "CONN_HEALTH_CHECKS": True,
    "ATOMIC_REQUESTS": False,
}
# Long questions are planned once for each connection; not behind a pooler that lends one for a transaction
PLAN_ONCE = env.bool("PLAN_ONCE", default=True)
STATEMENT_TIMEOUT_MS = env.int("STATEMENT_TIMEOUT_MS", default=5000)
DATABASES["default"]["OPTIONS"] = {
    **DATABASES["default"].get("OPTIONS", {}),
    "options": (
        f"-c statement_timeout={STATEMENT_TIMEOUT_MS}"
        f" -c lock_timeout={env.int('LOCK_TIMEOUT_MS', default=3000)}"
        f" -c idle_in_transaction_session_timeout={env.int('IDLE_TRANSACTION_TIMEOUT_MS', default=15000)}"
        " -c timezone=UTC -c plan_cache_mode=force_generic_plan"
    ),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Redis or Valkey: the broker of tasks, and the cache that rate limits share between processes
REDIS_URL = env.str("REDIS_URL")
refuse_weak_password("REDIS_URL", unquote(urlsplit(REDIS_URL).password or ""))
CACHES = {
    "default": {
        "BACKEND": "program.cache.SteadyRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "portal",
        "OPTIONS": {"socket_timeout": 3, "socket_connect_timeout": 2},
    }
}
SESSION_ENGINE = "program.sessions"
# What a page says once may name people and addresses: it stays on the server, in no cookie
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# Celery; engineering notes stand in docs/operations.md
CELERY_BROKER_URL = broker_url(REDIS_URL)
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 120
CELERY_TASK_SOFT_TIME_LIMIT = 100
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 10
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # Celery itself gives up after 46 minutes
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1}
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 180,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "unacked_mutex_expire": 30,
    "socket_timeout": 5,
    "socket_connect_timeout": 3,
    "health_check_interval": 25,
    "max_retries": 1,  # of one publication: a request never waits for the broker
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.1,
}
CELERY_TASK_DEFAULT_QUEUE = "clock"
CELERY_TASK_ROUTES = {
    "program.tasks.deliver_notices": {"queue": "notices"},
    "program.tasks.sweep_deliveries": {"queue": "notices"},
    "proposals.tasks.mail_invitation": {"queue": "notices"},
    "proposals.tasks.sweep_invitations": {"queue": "notices"},
    "proposals.schedule.recheck_drafts": {"queue": "documents"},
    "proposals.schedule.note_lost_certifications": {"queue": "documents"},
    "*.tasks.render_*": {"queue": "documents"},
    "*.tasks.sweep_documents": {"queue": "documents"},
    "evaluation.schedule.screen_parties": {"queue": "documents"},
    "evaluation.schedule.sweep_screenings": {"queue": "documents"},
    "evaluation.schedule.*import*": {"queue": "documents"},
    "program.schedule.*scan*": {"queue": "documents"},
}
CELERY_TIMEZONE = "UTC"
# Longer than a transaction may run: idle limit and statement limit above
LAPSE_GRACE_SECONDS = env.int("LAPSE_GRACE_SECONDS", default=60)
CELERY_BEAT_SCHEDULE_FILENAME = env.str("BEAT_SCHEDULE", default=str(BASE_DIR / ".local" / "beat-schedule"))

# Conflicts of interest
# How long an employer counts as a former one, 5 CFR 2635.502(b)(1)(iv): within the last year
FORMER_EMPLOYER_DAYS = env.int("FORMER_EMPLOYER_DAYS", default=365)
# How long a statement of interests holds before its person is asked to confirm it: no rule names it; a year,
# as financial disclosure in the executive branch is yearly
INTERESTS_HOLD_DAYS = env.int("INTERESTS_HOLD_DAYS", default=365)
# Within how many calendar days an ethics official is asked to decide
ETHICS_DECISION_DAYS = env.int("ETHICS_DECISION_DAYS", default=7)

# People and sign-in
AUTH_USER_MODEL = "program.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "rules.permissions.ObjectPermissionBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
ANONYMOUS_USER_NAME = None
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]  # its backend stays out, so that no grant overrules a recusal
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "program:start"
LOGOUT_REDIRECT_URL = "program:home"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 15}},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "program.passwords.ProgramWordValidator"},
    {"NAME": "program.passwords.MaximumLengthValidator", "OPTIONS": {"max_length": 128}},
]
ACCOUNT_ADAPTER = "program.sign_in.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "program.sign_in.SocialAccountAdapter"
MFA_ADAPTER = "program.sign_in.MFAAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_SIGNUP_FORM_CLASS = "program.sign_in.NameForm"
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
# "key" is the person for one-time codes, whose password is known by then, and the person and the address
# together for passwords (`AccountAdapter`): so nobody locks others out. Passwords are counted by axes, too.
ACCOUNT_RATE_LIMITS = {
    "login_failed": "20/m/ip,20/5m/key,50/d/key",
    "subscribe": "30/h/ip",
    "subscribe_address": "5/d/key",
}
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "http" if INSECURE_HTTP else "https"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = INSECURE_HTTP
MFA_TOTP_ISSUER = SITE_NAME
USERSESSIONS_TRACK_ACTIVITY = False
SOCIALACCOUNT_AUTO_SIGNUP = True
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_ONLY = False
SOCIALACCOUNT_PROVIDERS: dict[str, Any] = {}
if LOGIN_GOV_CLIENT_ID := env.str("LOGIN_GOV_CLIENT_ID", default=""):
    SOCIALACCOUNT_PROVIDERS["openid_connect"] = {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "login-gov",
                "name": "Login.gov",
                "client_id": LOGIN_GOV_CLIENT_ID,
                "secret": env.str("LOGIN_GOV_CLIENT_SECRET", default=""),
                "settings": {
                    "server_url": env.str("LOGIN_GOV_SERVER_URL"),
                    "fetch_userinfo": True,
                    "uid_field": "sub",
                },
            }
        ],
    }
LOGIN_GOV_ACR = env.str("LOGIN_GOV_ACR", default="http://idmanagement.gov/ns/assurance/aal/2")

# How much more than ``program.limits`` says one person may do; below 1 less
RATE_LIMIT_FACTOR = env.float("RATE_LIMIT_FACTOR", default=1.0)
if RATE_LIMIT_FACTOR <= 0:
    raise ImproperlyConfigured("RATE_LIMIT_FACTOR must be above 0, or nobody could ask for anything.")

# Lockout by person and address together: nobody can lock another out from elsewhere
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "program.sign_in.name_for_lockout"
AXES_LOCKOUT_TEMPLATE = "429.html"
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_CLIENT_STR_CALLABLE = "program.sign_in.client_for_log"
AXES_SENSITIVE_PARAMETERS = ["password", "code", "next"]  # the page to go on to may be an invitation
TRUSTED_PROXY_COUNT = count_of_proxies()
AXES_CLIENT_IP_CALLABLE = "program.requests.client_address"
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXY_COUNT

# Sessions, cookies, transport
SESSION_COOKIE_AGE = 30 * 60
SESSION_RENEWAL_SECONDS = 60
SESSION_ABSOLUTE_SECONDS = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "program.views.errors.csrf_failure"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not INSECURE_HTTP
SESSION_COOKIE_NAME = "portal_session" if INSECURE_HTTP else "__Host-session"
CSRF_COOKIE_NAME = "portal_csrf" if INSECURE_HTTP else "__Host-csrf"
SECURE_SSL_REDIRECT = not INSECURE_HTTP and env.bool("SECURE_SSL_REDIRECT", default=True)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 0 if INSECURE_HTTP else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not INSECURE_HTTP
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

# Files
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = env.str("STATIC_ROOT", default=str(BASE_DIR / ".local" / "static"))
MEDIA_ROOT = env.str("MEDIA_ROOT", default=str(BASE_DIR / ".local" / "media"))
STORAGES = {
    "default": document_storage(env.str("DOCUMENT_STORAGE_URL", default="")),
    "staticfiles": {"BACKEND": "program.static_files.StaticFiles"},
}
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "program.receiving.SteadyFileHandler",
]
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
DATA_UPLOAD_MAX_NUMBER_FILES = 10
DOCUMENT_MAX_BYTES = env.int("DOCUMENT_MAX_BYTES", default=100 * 1024 * 1024)
# What the portal keeps for one proposal, earlier and removed files too
PROPOSAL_MAX_BYTES = env.int("PROPOSAL_MAX_BYTES", default=2 * 1024 * 1024 * 1024)
PROPOSAL_MAX_FILES = env.int("PROPOSAL_MAX_FILES", default=500)
# Where ClamAV listens; without it uploaded files are marked as not scanned
CLAMAV_URL = env.str("CLAMAV_URL", default="")
if CLAMAV_URL and not (
    (urlsplit(CLAMAV_URL).scheme == "unix" and urlsplit(CLAMAV_URL).path)
    or (urlsplit(CLAMAV_URL).scheme == "tcp" and urlsplit(CLAMAV_URL).hostname)
):
    raise ImproperlyConfigured("CLAMAV_URL must be unix:///path/of/socket or tcp://host:port.")

# The dated rules of the compliance checks, which somebody keeps up without a new release
COMPLIANCE_RULES_FILE = env.str(
    "COMPLIANCE_RULES_FILE", default=str(BASE_DIR / "evaluation" / "data" / "compliance_rules.json")
)
if not Path(COMPLIANCE_RULES_FILE).is_file():
    raise ImproperlyConfigured("COMPLIANCE_RULES_FILE names no file. Leave it out to use ours.")
# What holds where nobody has said otherwise: open reviews of one person at once, and reviewers that each
# agency gives a proposal
REVIEWER_CAPACITY = env.int("REVIEWER_CAPACITY", default=6)
REVIEWERS_NEEDED = env.int("REVIEWERS_NEEDED", default=1)
if REVIEWER_CAPACITY < 0 or REVIEWERS_NEEDED < 0:
    raise ImproperlyConfigured("REVIEWER_CAPACITY and REVIEWERS_NEEDED are numbers from 0 on.")

# The record: where the roots of its seals are kept outside the database, one line of JSON each
RECORD_ROOTS_FILE = env.str("RECORD_ROOTS_FILE", default="")
if not RECORD_ROOTS_FILE and not DEMONSTRATION:
    raise ImproperlyConfigured("RECORD_ROOTS_FILE is not set. Name a file that the database cannot reach.")

# Mail
vars().update(env.email_url("EMAIL_URL", default="smtp://localhost:25"))
if not DEMONSTRATION and not vars()["EMAIL_BACKEND"].endswith(".smtp.EmailBackend"):
    raise ImproperlyConfigured(
        "EMAIL_URL must name a mail server outside a demonstration, for example smtp+tls://mail.example:587."
    )
EMAIL_FILE_PATH = env.str("EMAIL_FILE_PATH", default=str(BASE_DIR / ".local" / "mail"))
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="notices@portal.example")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# Words, time, API, log
LANGUAGE_CODE = "en-us"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "America/New_York"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "config.api.problem_response",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "American AI Exports Program portal",
    "DESCRIPTION": "Calls, proposals and designations of the Program of E.O. 14320.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "CallStatus": "program.enums.CallStatus",
        "ProposalStatus": "proposals.enums.ProposalStatus",
        "DesignationStatus": "evaluation.enums.DesignationStatus",
    },
}
CLOCK_MAY_BE_MOVED = DEMONSTRATION  # demonstration data plays its story on earlier days
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "program.logs.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {"django.server": {"handlers": ["stderr"], "level": "WARNING", "propagate": False}},
}

if DEMONSTRATION:
    TEMPLATES[0]["OPTIONS"]["context_processors"].append("demonstration.context_processors.demonstration")
