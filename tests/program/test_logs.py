"""What the log says, and what it keeps to itself (control C28)."""

from __future__ import annotations

import json
import logging
import re
import sys
from urllib.parse import quote

import pytest
from axes.models import AccessAttempt
from django.contrib.auth import authenticate
from django.db import IntegrityError, transaction
from django.test import RequestFactory
from django.urls import reverse

from program.logs import JsonFormatter
from program.models import User
from program.paths import KEYS as KEPT
from program.paths import without_keys
from tests.architecture.routes import ROUTES
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


KEYS = [
    ("proposals:invitation", {"token": "zJq-TOKEN_9"}),
    ("program:subscription-confirm", {"token": "zJq:TOKEN_9"}),
    ("program:subscription-stop", {"token": "zJq:TOKEN_9"}),
    ("program:mail-stop", {"token": "zJq:TOKEN_9"}),
    ("program:calendar-feed", {"token": "zJq:TOKEN_9"}),
    ("account_confirm_email", {"key": "zJq:TOKEN-9"}),
    ("account_reset_password_from_key", {"uidb36": "1", "key": "zJq-TOKEN9"}),
]


@pytest.mark.parametrize(("name", "facts"), KEYS)
def test_path_that_is_a_key_is_not_logged(client, name, facts, caplog):
    path = reverse(name, kwargs=facts)
    record = logging.LogRecord("django.request", logging.WARNING, __file__, 1, "Gone: %s", (path,), None)
    record.place, record.next = path, f"/accounts/login/?next={quote(path, safe='')}"
    try:
        raise ValueError(path)
    except ValueError:
        record.exc_info = sys.exc_info()
    line = JsonFormatter().format(record)
    assert "zJq" not in line and line.count("(withheld)") == 4
    assert "test_logs.py" in json.loads(line)["trace"]


def test_every_route_with_a_key_in_it_is_withheld():
    keyed = r"<(str:)?token>|<uidb36>|^accounts/.*<key>"
    taking = [route.address for route in ROUTES if re.search(keyed, route.pattern)]
    assert len(taking) == len(KEPT)
    assert {without_keys(path).rstrip("/") for path in taking} == {f"{place}(withheld)" for place in KEPT}


def test_other_paths_are_logged_whole():
    assert without_keys("Not Found: /proposals/7/parts/") == "Not Found: /proposals/7/parts/"


def test_failed_sign_in_on_the_way_to_an_invitation_keeps_no_token(client):
    path = reverse("proposals:invitation", args=["zJq-TOKEN_9"])
    given = {"login": "nobody@firm.example", "password": "wrong wrong wrong", "next": path}
    client.post(f"{reverse('account_login')}?next={path}", given)
    attempt = AccessAttempt.objects.get()
    assert "zJq" not in attempt.get_data + attempt.post_data + attempt.path_info
