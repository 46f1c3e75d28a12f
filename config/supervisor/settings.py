"""Settings of the starter's own process, which serves nothing and reads no table."""

from __future__ import annotations

import secrets

SECRET_KEY = secrets.token_urlsafe(64)
INSTALLED_APPS = ["config"]
USE_TZ = True
