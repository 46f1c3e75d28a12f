"""The test settings for a process that a test starts: mail goes where ``EMAIL_URL`` says."""

from __future__ import annotations

from config.settings_test import *  # noqa: F403
from config.settings_test import env

vars().update(env.email_url("EMAIL_URL"))
EMAIL_TIMEOUT = 5
