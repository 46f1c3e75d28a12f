"""Public pages are kept as they were written: never beyond a change, with nothing of a reader."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from program import clock
from program.deadlines import next_business_day
from program.kept import MOMENT, PAGES, TOKEN, Kept
from program.models import Agency, Call, Closure
from program.services import calls
from program.services.outages import log_outage
from program.services.questions import answer_question, ask_question
from tests.factories import evaluation as make
from tests.factories.program import UserFactory, issued_call, officer
from tests.processes import broker
from tests.statements import statements

pytestmark = pytest.mark.django_db
TABLES = re.compile(r'(?:FROM|JOIN) "(\w+)"')
OPENED = re.compile(r'data-now="([^"]+)"')
SECRET = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


def text(client, call, **asked):
    response = client.get(reverse("program:call-detail", args=[call.number]), asked)
    assert response.status_code == 200
    return response.content.decode()


def tables(sent):
    return {table for sql in sent for table in TABLES.findall(sql)}


def test_a_text_is_written_once_for_all_that_it_is_made_from():
    kept, written = Kept(2), []

    def write(name):
        return lambda: written.append(name) or name

    said = [kept.text(name, write(name)) for name in ("a", "b", "a", "c", "a", "b")]
    assert (said, written) == (["a", "b", "a", "c", "a", "b"], ["a", "b", "c", "b"])


def test_call_costs_one_statement_until_something_of_it_is_written(client):
    call = issued_call()
    costs = []
    for change in (None, None, "Text 1", None):
        if change:
            calls.amend_call(call, by=officer(), text=change, summary="Change", reason="Questions")
        with statements() as sent:
            text(client, call)
        costs.append(len(sent))
    assert costs == [2, 1, 2, 1]


def test_whatever_the_page_of_a_call_reads_is_asked_of_for_writes(client):
    call = issued_call()
    with statements() as sent:
        text(client, call)
    asked, read = sent
    assert tables([read]) == tables([asked])


def test_whatever_the_catalog_reads_is_asked_of_for_writes(client):
    make.published(make.designated())
    with statements() as sent:
        client.get(reverse("evaluation:catalog"), {"q": "no such words", "layer": "hardware"})
    asked, *read = sent
    assert (len(read), tables(read)) == (3, tables([asked]))


def amended(call, by):
    calls.amend_call(call, by=by, text="Other words.", summary="Amended anew", reason="Questions")


def answered(call, by):
    asked = ask_question(call, by=UserFactory(), text="Amended anew?")
    answer_question(asked, by=by, answer="Yes.")


def agency_renamed(call, by):
    Agency.objects.filter(code="COMMERCE").update(display_name="Amended anew")


def extended(call, by):
    facts = {"summary": "Extension", "reason": "Amended anew", "legal_basis": "A basis"}
    calls.extend_call(call, by=by, due_on=next_business_day(call.due_on + timedelta(days=10)), **facts)


def outage_logged(call, by):
    began_at = call.issued_at - timedelta(hours=1)
    values = {"began_at": began_at, "ended_at": None, "affected": "Amended anew", "source": "officer"}
    log_outage(by=by, values=values | {"evidence": "Ticket 17"})


def row_changed_by_hand(call, by):
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE program_requirement SET guidance = 'Amended anew' WHERE call_id = %s", [call.pk]
        )


CHANGES = [amended, answered, agency_renamed, extended, outage_logged, row_changed_by_hand]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_change_is_read_at_once_by_everybody(client, change):
    call, by, reader = issued_call(), officer(), UserFactory()
    call.criteria.first().agencies.add(Agency.objects.get(code="COMMERCE"))
    shown = [text(client, call)]
    client.force_login(reader)
    shown.append(text(client, call))
    change(call, by)
    shown.append(text(client, call))
    client.logout()
    shown.append(text(client, call))
    assert ["Amended anew" in page for page in shown] == [False, False, True, True]


def test_a_closure_that_moves_the_90th_day_is_read_at_once(client):
    with clock.moved_to(datetime(2026, 4, 1, 13, tzinfo=UTC)):
        call = issued_call()
        words = {"summary": "s", "reason": "r", "legal_basis": "b"}
        calls.extend_call(call, by=officer(), due_on=date(2026, 7, 1), **words)
        before = [text(client, call), text(client, call)]
        Closure.objects.create(day=date(2026, 6, 30), authority="An order", counts_as_holiday=True)
        after = text(client, call)
    assert ["Later than the order gives" in page for page in (*before, after)] == [True, True, False]


def test_what_is_taken_back_again_is_gone(client):
    call = issued_call()
    with transaction.atomic():
        row_changed_by_hand(call, None)
        during = text(client, call)
        transaction.set_rollback(True)
    assert ["Amended anew" in page for page in (during, text(client, call))] == [True, False]


def test_the_deadline_is_right_at_the_second(client):
    call = issued_call()
    told = []
    for before in (timedelta(hours=3), timedelta(hours=2, seconds=1), timedelta(seconds=1), timedelta()):
        with clock.moved_to(call.closes_at - before):
            page = text(client, call)
        left = re.search(r"data-countdown[^>]*>([^<]+)<", page)
        told.append((left and left[1], "Start a proposal" in page))
    assert told == [
        ("3 hours", True), ("2 hours", True), ("less than a minute", True), (None, False),
    ]  # fmt: skip


def test_no_reader_is_given_what_belongs_to_another(client):
    call, person = issued_call(), UserFactory(name="Adela Quistgaard")
    client.force_login(person)
    own = text(client, call)
    client.logout()
    first, second = text(client, call), text(client, call)
    client.force_login(person)
    again = text(client, call)
    assert ["Adela Quistgaard" in page for page in (own, first, second, again)] == [True, False, False, True]
    assert ["Sign in to ask" in page for page in (own, first, second, again)] == [False, True, True, False]
    tokens = [SECRET.search(page)[1] for page in (first, second)]
    assert len(set(tokens)) == 2
    assert not any(mark in page for mark in (MOMENT, TOKEN) for page in (own, first, second, again))


def test_the_form_of_a_kept_page_is_taken_from_its_reader_alone():
    call = issued_call()
    text(Client(), call)
    reader = Client(enforce_csrf_checks=True)
    page = text(reader, call)
    form = {"csrfmiddlewaretoken": SECRET.search(page)[1], "call": call.number, "email": "a@firm.example"}
    other = form | {"csrfmiddlewaretoken": SECRET.search(text(Client(), call))[1]}
    answers = [reader.post(reverse("program:subscribe"), each).status_code for each in (form, other)]
    assert answers == [302, 403]


def test_a_page_says_its_own_moment(client, monkeypatch):
    call = issued_call()
    said = []
    for stamp in ("2026-11-01T01:30:00-04:00", "2026-11-01T01:30:00-05:00"):
        monkeypatch.setattr("program.context_processors.Portal.stamp", stamp)
        said.append(OPENED.search(text(client, call))[1])
    assert said == ["2026-11-01T01:30:00-04:00", "2026-11-01T01:30:00-05:00"]


def test_a_message_is_told_to_whom_it_is_for_alone(client):
    call = issued_call()
    text(client, call)
    client.post(reverse("program:notices-read"))  # without a session: "Your session had ended"
    told, again, others = text(client, call), text(client, call), text(Client(), call)
    assert ["Your session had ended" in page for page in (told, again, others)] == [True, False, False]


def test_two_hosts_keep_their_pages_apart(client, settings):
    settings.ALLOWED_HOSTS = ["one.example", "two.example"]
    call = issued_call()
    path = reverse("program:call-detail", args=[call.number])
    costs = []
    for host in ("one.example", "two.example", "one.example"):
        with statements() as sent:
            assert client.get(path, HTTP_HOST=host).status_code == 200
        costs.append(len(sent))
    assert costs == [2, 1, 1]
    assert [key[2:4] for key in PAGES._texts][-2:] == [("two.example", path), ("one.example", path)]


def test_pages_are_kept_while_redis_is_away(client, settings):
    with broker() as started:
        settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": started.url}}
        call = issued_call()
        make.published(make.designated())
        started.stop()
        costs = []
        for path in (reverse("program:call-detail", args=[call.number]), reverse("evaluation:catalog")):
            for _ in range(2):
                with statements() as sent:
                    assert client.get(path).status_code == 200
                costs.append(len(sent))
    assert costs == [2, 1, 3, 1]


def test_a_call_that_is_no_longer_public_has_no_page(client):
    call = issued_call()
    text(client, call)
    Call.objects.filter(pk=call.pk).update(status="cancelled", issued_at=None)
    assert client.get(reverse("program:call-detail", args=[call.number])).status_code == 404
