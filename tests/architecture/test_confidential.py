"""C28: what people wrote in confidence is in no mail and no message of the broker, nor does a line break end
a header of a mail or a line of the log.
"""

from __future__ import annotations

import json
import logging
import re
from ast import literal_eval
from email import message_from_bytes, policy
from string import Formatter

import pytest
import redis
from celery import current_app
from django.conf import settings
from django.core import mail

from financing.reference import load_tools
from program import audit, notices, publish
from program.logs import JsonFormatter
from program.models import Delivery
from program.notice_kinds import CATALOGUE
from program.reference import load_reference_data
from proposals.mail import mail_invitation
from proposals.models import Consortium, Invitation
from tests.architecture.two_consortia import build
from tests.factories.program import UserFactory

CANARY = "zebra"
BROKEN = f"Words\r\nBcc: {CANARY}@evil.example\r\n\r\nMore\u2028words\x85and\x0bwords"
WORDS = re.compile(r"zebra\w*")
MAILING = {"program.tasks.deliver_notices", "proposals.tasks.mail_invitation"}


@pytest.fixture
def broker():
    """The broker of the test run, empty at first; what was sent stays there, as no worker runs."""
    publish._silent_until = 0.0
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        current_app.control.purge()
        yield client
        current_app.control.purge()


def queued(client):
    """Everything that waits in a queue: task, and the arguments as they stand in the broker."""
    lists = [key for key in client.keys("*") if client.type(key) == b"list"]
    for raw in [raw for key in lists for raw in client.lrange(key, 0, -1)]:
        assert CANARY not in raw.decode().lower()
        headers = json.loads(raw)["headers"]
        yield headers["task"], literal_eval(headers["argsrepr"]), headers["kwargsrepr"]


def sent():
    """The mails that went out, read as a mail program reads them."""
    return [message_from_bytes(each.message().as_bytes(), policy=policy.default) for each in mail.outbox]


def texts_of(message):
    parts = [part for part in message.walk() if part.get_content_maintype() == "text"]
    return " ".join([message["Subject"], *(part.get_content() for part in parts)])


@pytest.mark.django_db(transaction=True)
def test_what_is_written_in_confidence_is_in_no_mail_and_no_task(broker):
    load_reference_data()
    load_tools()
    build()
    waiting = list(queued(broker))
    assert {type(key) for _, keys, _ in waiting for key in keys} == {int}
    assert {named for *_, named in waiting} == {"{}"}
    assert {task for task, *_ in waiting} >= MAILING
    current_app.loader.import_default_modules()
    for task, keys, _ in waiting:
        if task in MAILING:
            current_app.tasks[task](*keys)
    mails = sent()
    assert len(mails) >= 100
    leaks = {(each["To"], word) for each in mails for word in WORDS.findall(texts_of(each).lower())}
    invited = Invitation.objects.values_list("email", flat=True)
    assert leaks == {(email, "zebraours") for email in invited}  # to which consortium they are invited


@pytest.mark.django_db
def test_line_breaks_in_what_people_write_end_no_header_of_a_notice():
    person = UserFactory()
    for kind in CATALOGUE.values():
        fields = {name for text in (kind.title, kind.text) for _, name, *_ in Formatter().parse(text) if name}
        event = audit.record(person, "tests.act", by=person)
        notices.owe(event, kind, [person], url="/", **dict.fromkeys(fields, BROKEN))
    for key in Delivery.objects.values_list("pk", flat=True):
        notices.deliver(key)
    mails = sent()
    unsent = {kind.code for kind in CATALOGUE.values() if kind.roles} | {"daily-digest"}  # it holds nothing
    assert len(mails) == len(CATALOGUE.keys() - unsent)
    assert_headers_are_ours(mails, {person.email})


@pytest.mark.django_db
def test_line_breaks_in_the_name_of_a_consortium_end_no_header_of_an_invitation(invited):
    Consortium.objects.update(name=BROKEN)
    assert mail_invitation(invited.pk)
    assert_headers_are_ours(sent(), {invited.email})


@pytest.fixture
def invited(db):
    load_reference_data()
    load_tools()
    return Invitation.objects.get(pk=build().invitation.pk)


def assert_headers_are_ours(mails, recipients):
    assert mails
    for each in mails:
        assert (each["Bcc"], each["To"] in recipients) == (None, True)
        assert len(each["Subject"].splitlines()) == 1
    assert {address for message in mail.outbox for address in message.recipients()} == recipients


def test_line_breaks_in_what_is_logged_begin_no_line_of_the_log():
    record = logging.LogRecord("tests", logging.ERROR, __file__, 1, "It failed: %s", (BROKEN,), None)
    record.reason = BROKEN
    assert len(JsonFormatter().format(record).splitlines()) == 1
