"""What the log says, and what it keeps to itself (control C28)."""

from __future__ import annotations

import json
import logging
import sys

import pytest
from django.contrib.auth import authenticate
from django.db import IntegrityError, transaction
from django.test import RequestFactory

from program.logs import JsonFormatter
from program.models import User
from tests.factories.program import UserFactory

pytestmark = pytest.mark.django_db
CANARY = "canary@firm.example"


def logged():
    """As Celery says that a task failed."""
    args = ({"exc": repr(sys.exc_info()[1])},)
    record = logging.LogRecord(
        "tests", logging.ERROR, __file__, 1, "It failed: %(exc)s", args, sys.exc_info()
    )
    record.data = args
    return json.loads(JsonFormatter().format(record))


def test_trace_of_a_database_error_quotes_no_row():
    UserFactory(email=CANARY)
    other = UserFactory()
    try:
        with transaction.atomic():
            User.objects.filter(pk=other.pk).update(email=CANARY)
    except IntegrityError as error:
        quoted = str(error)
        try:
            raise RuntimeError(f"The act failed: {error}") from error
        except RuntimeError:
            entry = logged()
    assert CANARY in quoted and CANARY not in json.dumps(entry)
    assert "UniqueViolation 23505" in entry["trace"] and "RuntimeError" in entry["trace"]
    assert "test_logs.py" in entry["trace"]


def test_trace_of_another_error_says_what_it_says():
    try:
        raise ValueError("no such layer")
    except ValueError:
        assert logged()["trace"].endswith("ValueError: no such layer")


def test_failed_sign_in_is_logged_without_the_e_mail_address(caplog):
    with caplog.at_level("DEBUG"):
        authenticate(RequestFactory().post("/accounts/login/"), username=CANARY, password="wrong")
    assert "127.0.0.1" in caplog.text
    assert CANARY not in caplog.text
