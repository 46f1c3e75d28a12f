"""Production settings are loaded in a process of their own, as a server would."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAY = (
    "import json; from django.conf import settings as s;"
    "print(json.dumps([s.DEBUG, 'demonstration' in s.INSTALLED_APPS, s.SESSION_COOKIE_SECURE,"
    " s.SESSION_COOKIE_NAME, s.MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN, s.CLOCK_MAY_BE_MOVED,"
    " s.SECURE_HSTS_SECONDS]))"
)


def production(**changes):
    """The environment of a production server, with ``changes``; None takes a value away."""
    values = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "SITE_URL": "https://portal.example",
        "DATABASE_URL": "postgres://portal@localhost/portal",
        "REDIS_URL": "redis://localhost/0",
        "RECORD_ROOTS_FILE": "/srv/record/roots.jsonl",
        **changes,
    }
    return {name: value for name, value in values.items() if value is not None}


def run(command, **changes):
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=production(**changes), capture_output=True, text=True
    )


def test_production_has_no_back_door():
    answer = run(["-c", SAY])
    assert json.loads(answer.stdout) == [False, False, True, "__Host-session", False, False, 31_536_000]


def test_production_passes_the_deployment_checks():
    answer = run(["manage.py", "check", "--deploy", "--fail-level", "WARNING"])
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"SECRET_KEY": None}, "SECRET_KEY is not set"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is short"),
        ({"SECRET_KEY": "django-insecure-" + "x1y2z3w4v5" * 6}, "well known"),
        ({"SECRET_KEY": "a" * 60}, "short or well known"),
        ({"DEBUG": "1"}, "DEBUG is allowed only with DEMONSTRATION"),
        ({"INSECURE_HTTP": "1"}, "INSECURE_HTTP is allowed only with DEMONSTRATION"),
        ({"DEMONSTRATION": "1", "OFFICIAL_SITE": "1"}, "official banner"),
        ({"DATABASE_URL": "sqlite:///portal.db"}, "PostgreSQL"),
        ({"ALLOWED_HOSTS": "*"}, "must name hosts"),
        ({"SITE_URL": None}, "SITE_URL"),
        ({"SITE_URL": "http://portal.example"}, "https://"),
        ({"SECRET_KEY_FALLBACKS": "short"}, "SECRET_KEY_FALLBACKS"),
        ({"REDIS_URL": None}, "REDIS_URL"),
        ({"DATABASE_URL": None}, "DATABASE_URL"),
        ({"EMAIL_URL": "filemail:///var/mail"}, "EMAIL_URL must name a mail server"),
        ({"EMAIL_URL": "consolemail://"}, "EMAIL_URL must name a mail server"),
        ({"EMAIL_URL": "dummymail://"}, "EMAIL_URL must name a mail server"),
        ({"EMAIL_URL": "memorymail://"}, "EMAIL_URL must name a mail server"),
        ({"DATABASE_OWNER_URL": "postgres://portal:other@elsewhere/portal"}, "name one role"),
        ({"RECORD_ROOTS_FILE": None}, "RECORD_ROOTS_FILE is not set"),
    ],
)
def test_weak_settings_stop_the_start(changes, words):
    answer = run(["-c", SAY], **changes)
    assert answer.returncode == 1
    assert words in answer.stderr


@pytest.mark.parametrize(
    "url", ["smtp://mail.example:25", "smtp+tls://mail.example:587", "smtp+ssl://mail.example:465"]
)
def test_mail_servers_and_a_second_role_are_taken(url):
    owner = "postgres://portal_owner@localhost/portal"
    answer = run(["-c", SAY], EMAIL_URL=url, DATABASE_OWNER_URL=owner)
    assert answer.returncode == 0, answer.stderr


def test_refusal_is_one_line_that_says_what_to_do():
    answer = run(["-c", SAY], EMAIL_URL="dummymail://")
    last = answer.stderr.strip().splitlines()[-1]
    assert last.endswith(
        "EMAIL_URL must name a mail server outside a demonstration, for example smtp+tls://mail.example:587."
    )
