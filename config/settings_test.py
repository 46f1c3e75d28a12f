"""The same settings with a quick hasher, mail in memory and files in a folder of the test run."""

from __future__ import annotations

import os
import tempfile
from urllib.parse import urlsplit, urlunsplit

os.environ.setdefault("SECRET_KEY", "only-for-the-test-run-0123456789-abcdefghijklmnopqrstuvwxyz")
os.environ["SITE_URL"] = "https://portal.test"
os.environ["RECORD_ROOTS_FILE"] = os.devnull
os.environ.setdefault("TRUSTED_PROXY_COUNT", "0")
os.environ.setdefault("RATE_LIMIT_FACTOR", "1000")  # a test run is one person who asks for everything
os.environ["ALLOWED_HOSTS"] = "portal.test,testserver,localhost,127.0.0.1"

if "PYTEST_XDIST_WORKER" in os.environ:  # each worker of a parallel run has a broker of its own
    number = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw")) + 1
    parts = urlsplit(os.environ["REDIS_URL"])
    if parts.scheme == "unix":
        parts = parts._replace(query=f"db={number}")
    else:
        parts = parts._replace(path=f"/{number}")
    os.environ["REDIS_URL"] = urlunsplit(parts)

thrown_away = os.environ.pop("EMAIL_URL", None)  # production refuses what a test process may do with its mail

from config import strength  # noqa: E402

strength.PASSWORD_LENGTH = 0  # the servers of a test run may have no passwords

from config.settings import *  # noqa: E402, F403

del os.environ["RECORD_ROOTS_FILE"]  # a portal that a test starts has a file of its own
if thrown_away is not None:
    os.environ["EMAIL_URL"] = thrown_away
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
MEDIA_ROOT = os.environ.get("TEST_MEDIA_ROOT") or tempfile.mkdtemp(prefix="portal-test-media-")
SECURE_SSL_REDIRECT = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
RECORD_ROOTS_FILE = ""
CLOCK_MAY_BE_MOVED = True
