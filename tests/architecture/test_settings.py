"""Production settings are loaded in a process of their own, as a server would."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile

from config import settings as settings_module
from program import documents, spool
from tests.factories.program import UserFactory

STRONG = secrets.token_urlsafe(30)
KNOWN = "postgres"
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
        "DATABASE_URL": f"postgres://portal:{STRONG}@localhost/portal",
        "REDIS_URL": f"redis://:{STRONG}@localhost/0",
        "TRUSTED_PROXY_COUNT": "1",
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
        ({"DATABASE_OWNER_URL": f"postgres://portal:{STRONG}@elsewhere/portal"}, "name one role"),
        ({"DATABASE_OWNER_URL": "postgres://owner@elsewhere/portal"}, "DATABASE_OWNER_URL has no password"),
        ({"DATABASE_URL": "postgres://portal@db/portal"}, "DATABASE_URL has no password"),
        ({"DATABASE_URL": "postgres:///portal"}, "DATABASE_URL has no password"),
        ({"DATABASE_URL": f"postgres://postgres:{KNOWN}@db/portal"}, "DATABASE_URL has a password that is"),
        ({"DATABASE_URL": f"postgres://portal:{'ab' * 20}@db/portal"}, "DATABASE_URL has a password that is"),
        ({"REDIS_URL": "redis://broker/0"}, "REDIS_URL has no password"),
        ({"REDIS_URL": "unix:///run/broker.sock?db=0"}, "REDIS_URL has no password"),
        ({"REDIS_URL": f"redis://:changeme-{'0123456789'}-x@broker/0"}, "REDIS_URL has a password that is"),
        ({"SECRET_KEY_FALLBACKS": "a" * 60}, "SECRET_KEY_FALLBACKS is short or well known"),
        ({"SECRET_KEY_FALLBACKS": f"{'k' + STRONG * 2},short"}, "SECRET_KEY_FALLBACKS is short"),
        ({"TRUSTED_PROXY_COUNT": None}, "TRUSTED_PROXY_COUNT is not set"),
        ({"TRUSTED_PROXY_COUNT": "-1"}, "TRUSTED_PROXY_COUNT is negative"),
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
    owner = f"postgres://portal_owner:{STRONG}@localhost/portal"
    answer = run(["-c", SAY], EMAIL_URL=url, DATABASE_OWNER_URL=owner)
    assert answer.returncode == 0, answer.stderr


def test_strong_passwords_of_sockets_and_older_keys_are_taken():
    answer = run(
        ["-c", SAY],
        DATABASE_URL=f"postgres://portal:{STRONG}@/%2Frun%2Fpostgresql/portal",
        REDIS_URL=f"unix://:{STRONG}@/run/broker.sock?db=0",
        SECRET_KEY_FALLBACKS=f"{secrets.token_urlsafe(64)},{secrets.token_urlsafe(64)}",
        TRUSTED_PROXY_COUNT="0",
    )
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
def test_demonstration_takes_any_password_and_no_proxy(name):
    address = {"DATABASE_URL": "postgres://portal@localhost/portal", "REDIS_URL": "redis://localhost/0"}[name]
    answer = run(["-c", SAY], DEMONSTRATION="1", TRUSTED_PROXY_COUNT=None, **{name: address})
    assert answer.returncode == 0, answer.stderr


def test_refused_password_is_not_quoted():
    answer = run(["-c", SAY], DATABASE_URL=f"postgres://portal:{STRONG[:12]}@db/portal")
    assert answer.returncode and STRONG[:12] not in answer.stderr


def test_refusal_is_one_line_that_says_what_to_do():
    answer = run(["-c", SAY], EMAIL_URL="dummymail://")
    last = answer.stderr.strip().splitlines()[-1]
    assert last.endswith(
        "EMAIL_URL must name a mail server outside a demonstration, for example smtp+tls://mail.example:587."
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"CLAMAV_URL": "clamav:3310"}, "CLAMAV_URL must be"),
        ({"CLAMAV_URL": "unix://"}, "CLAMAV_URL must be"),
        ({"CLAMAV_URL": "http://clamav"}, "CLAMAV_URL must be"),
        ({"DOCUMENT_STORAGE_URL": "/srv/media"}, "must be s3://bucket/prefix"),
        ({"DOCUMENT_STORAGE_URL": "s3://key:secret@bucket"}, "without keys"),
        ({"DOCUMENT_STORAGE_URL": "s3://bucket"}, "install django-storages and boto3"),
    ],
)
def test_places_of_scanner_and_files_are_checked_at_the_start(changes, words):
    if "install" in words and find_spec("storages"):
        pytest.skip("The extra s3 is installed here")
    answer = run(["-c", SAY], **changes)
    assert answer.returncode and words in answer.stderr
    assert "secret@" not in answer.stderr


def test_bucket_is_private_and_named_by_its_address(monkeypatch):
    monkeypatch.setattr(settings_module, "find_spec", lambda name: True)
    url = "s3://evidence/portal/?endpoint=https://store.example&region=us-gov-west-1"
    found = settings_module.document_storage(url)
    assert found["BACKEND"] == "storages.backends.s3.S3Storage"
    assert found["OPTIONS"] == {
        "bucket_name": "evidence",
        "location": "portal",
        "endpoint_url": "https://store.example",
        "region_name": "us-gov-west-1",
        "signature_version": "s3v4",
        "default_acl": None,
        "file_overwrite": False,
        "querystring_auth": True,
    }
    with pytest.raises(ImproperlyConfigured, match="does not know acl"):
        settings_module.document_storage("s3://evidence?acl=public-read")


@pytest.mark.skipif(
    not find_spec("storages") or not find_spec("moto"), reason="The extra s3 is not installed"
)
def test_documents_live_in_a_bucket(db, settings, monkeypatch):
    """The real libraries against a server that speaks S3 on this machine."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        import boto3

        endpoint = f"http://{host}:{port}"
        boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket="evidence")
        url = f"s3://evidence/portal?endpoint={endpoint}&region=us-east-1"
        settings.STORAGES = {**settings.STORAGES, "default": settings_module.document_storage(url)}
        person = UserFactory()
        upload = ContentFile(b"a,b\n1,2\n", name="a.csv")
        document = documents.store_document(upload, by=person, mark="public")
        with documents.stored_bytes(document) as stored:
            assert stored.read() == b"a,b\n1,2\n"
        pieces = [spool.put(piece) for piece in (b"a,b\n", b"1,2\n")]
        with spool.joined(pieces) as whole:
            assert whole.read() == b"a,b\n1,2\n"
        assert documents.remove_orphans(older_than=timedelta(seconds=-5)) == 0
        spool.drop(pieces)
        assert spool.remove_strays(set()) == 0
        document.file.storage.delete(document.file.name)
        with pytest.raises(documents.Withheld):
            documents.stored_bytes(document)
    finally:
        server.stop()
