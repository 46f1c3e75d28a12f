"""How a person is mailed: at once, once a day, not at all; what is official comes at once in any case."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Thread

import pytest
from django.core import mail as outbox
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from program import audit, clock, notices
from program.enums import DeliveryState, MailChoice, OfficeRole
from program.models import AuditEvent, Delivery, Digest, MailPreference, Notice, Office
from program.notice_kinds import CALL_AMENDED, CALL_ISSUED, CALL_TO_APPROVE, QUESTION_ASKED, NoticeKind
from program.schedule import make_digests
from program.services import preferences
from program.services.preferences import choice_of, choose_mail
from program.tasks import sweep_deliveries
from tests.factories import evaluation as make
from tests.factories.program import AgencyFactory, UserFactory, issued_call, officer
from tests.factories.proposals import ProposalFactory
from tests.processes import mail_server

pytestmark = pytest.mark.django_db
PATIENT = NoticeKind(
    "tests.patient", "News {number}", "It may wait.", when="A test", who="All", sample={"number": 1}
)
URGENT, OFFICIAL = CALL_TO_APPROVE, CALL_AMENDED
FACTS = {"number": "1", "title": "A call", "amendment": 1, "summary": "More.", "effective": "today"}
NOON = datetime(2026, 7, 1, 12, tzinfo=clock.WASHINGTON)
MORNING = NOON.replace(day=2, hour=7)


@pytest.fixture(autouse=True)
def commerce():
    AgencyFactory(code="COMMERCE")


def tell(person, kind=PATIENT, at=NOON, **facts):
    with clock.moved_to(at):
        event = audit.record(person, "tests.act", by=person)
        notices.owe(event, kind, [person], url="/tasks/", **(FACTS | facts))
        return Delivery.objects.get(notice__event=event)


def reader(choice=MailChoice.DAILY, **facts):
    person = UserFactory(**facts)
    choose_mail(choice, by=person)
    return person


def arrive(person, proposal, count):
    """So many notices about a proposal, each of an event of its own, that wait for the digest."""
    events = AuditEvent.objects.bulk_create(
        AuditEvent(
            subject_type="proposals.proposal", subject_id=str(proposal.pk), sequence=1000 + number, at=NOON,
            act="tests.act", actor=person, body="{}", digest=f"{number:064}",
        )
        for number in range(count)
    )  # fmt: skip
    told = Notice.objects.bulk_create(
        Notice(
            event=event, recipient=person, kind=PATIENT.code, title=f"Arrived {number} of {proposal.pk}",
            text="It may wait.", url="/desk/arrived/", created_at=NOON,
        )
        for number, event in enumerate(events)
    )  # fmt: skip
    Delivery.objects.bulk_create(Delivery(notice=notice, state=DeliveryState.WAITING) for notice in told)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE program_auditevent, program_notice, program_delivery")


def states(person):
    rows = Delivery.objects.filter(notice__recipient=person).order_by("notice_id")
    return [row.state for row in rows]


def digest_at(at):
    with clock.moved_to(at):
        return make_digests()


def send(at=MORNING + timedelta(minutes=1)):
    outbox.outbox.clear()
    with clock.moved_to(at):
        sweep_deliveries()
    return outbox.outbox


@pytest.mark.parametrize(
    ("choice", "patient", "urgent", "official"),
    [
        (None, "owed", "owed", "owed"),
        ("at_once", "owed", "owed", "owed"),
        ("daily", "waiting", "owed", "owed"),
        ("off", "dropped", "dropped", "owed"),
    ],
)
def test_choice_decides_what_is_mailed_and_nothing_what_stands_in_the_portal(
    choice, patient, urgent, official, client
):
    person = officer()
    if choice:
        MailPreference.objects.create(user=person, choice=choice)
    found = [tell(person, kind).state for kind in (PATIENT, URGENT, OFFICIAL)]
    assert found == [patient, urgent, official]
    assert Notice.objects.visible_to(person).unread().count() == 3


class TestDigest:
    def test_holds_each_notice_once_with_title_and_link(self):
        person, other = reader(), reader()
        told = [tell(person, number=number).notice for number in (1, 2)]
        tell(other, number=3)
        assert digest_at(MORNING) == 2
        sent = {message.to[0]: message for message in send()}
        assert set(sent) == {person.email, other.email}
        message = sent[person.email]
        assert message.subject == "Your notices until July 2, 2026"
        ((html, _),) = message.alternatives
        for notice in told:
            assert message.body.count(notice.title) == html.count(notice.title) == 1
        assert (
            message.body.count("https://portal.test/tasks/") == html.count("https://portal.test/tasks/") == 2
        )
        assert "News 3" not in message.body + html
        assert message.body.index("News 1") < message.body.index("News 2")
        assert states(person) == ["gathered", "gathered", "sent"]

    def test_is_made_at_seven_in_washington_once_a_day_in_summer_and_winter(self):
        person = reader()
        for noon in (NOON, NOON.replace(month=12)):
            tell(person, at=noon)
            due = (noon + timedelta(days=1)).replace(hour=7)
            assert digest_at(due - timedelta(seconds=1)) == 0
            assert [digest_at(due + timedelta(minutes=minutes)) for minutes in (0, 5, 10)] == [1, 0, 0]
        assert Digest.objects.count() == 2

    def test_later_news_wait_for_the_next_day_and_a_day_without_news_has_none(self):
        person = reader()
        tell(person)
        digest_at(MORNING)
        tell(person, at=MORNING + timedelta(hours=2))
        assert digest_at(MORNING + timedelta(hours=3)) == 0
        assert digest_at(MORNING + timedelta(days=1)) == 1
        assert digest_at(MORNING + timedelta(days=2)) == 0
        assert Notice.objects.filter(kind="daily-digest").count() == Digest.objects.count() == 2

    def test_clock_that_stood_still_in_the_morning_makes_it_later_that_day(self):
        tell(reader())
        assert digest_at(MORNING + timedelta(hours=9)) == 1

    def test_does_not_stand_in_the_inbox_and_is_not_unread(self, client):
        person = reader()
        tell(person)
        digest_at(MORNING)
        assert Notice.objects.visible_to(person).count() == 1
        client.force_login(person)
        assert [notice.kind for notice in client.get(reverse("program:notices")).context["notices"]] == [
            "tests.patient"
        ]
        assert person.notices.filter(read_at=None).count() == 1

    def test_what_may_not_be_told_any_more_is_left_out_until_it_is_sent(self):
        person = officer()
        choose_mail(MailChoice.DAILY, by=person)
        gone, kept = tell(person, number=1), tell(person, number=2)
        held = tell(person, QUESTION_ASKED)
        Notice.objects.filter(pk=gone.notice_id).update(closed_at=NOON)
        assert digest_at(MORNING) == 1
        Office.objects.filter(user=person).update(effective_to=NOON.date())
        (message,) = send()
        assert "News 2" in message.body
        assert "News 1" not in message.body and held.notice.title not in message.body
        gone.refresh_from_db(), kept.refresh_from_db()
        assert (gone.state, gone.digest) == (DeliveryState.DROPPED, None)
        assert kept.state == DeliveryState.GATHERED

    def test_digest_of_which_nothing_may_be_told_is_not_sent(self):
        person = reader()
        delivery = tell(person)
        digest_at(MORNING)
        Notice.objects.filter(pk=delivery.notice_id).update(closed_at=NOON)
        assert send() == []
        assert Delivery.objects.get(notice__kind="daily-digest").state == DeliveryState.DROPPED

    def test_closed_account_gets_none(self):
        person = reader()
        tell(person)
        type(person).objects.filter(pk=person.pk).update(is_active=False)
        assert digest_at(MORNING) == 0
        assert states(person) == ["dropped"]

    def test_many_digests_are_a_mass_mailing_though_the_next_tick_finds_few(self, monkeypatch):
        people = [reader() for _ in range(notices.MANY + 1)]
        for person in people:
            tell(person)
        with monkeypatch.context() as patch:
            patch.setattr(preferences, "timely", lambda keys: keys[:40])
            assert digest_at(MORNING) == 40
        assert digest_at(MORNING) == notices.MANY + 1 - 40
        assert Delivery.objects.filter(notice__kind="daily-digest", mailing=None).count() == 0

    def test_mail_server_away_loses_nothing_and_sends_it_once(self, settings):
        person = reader()
        tell(person)
        digest_at(MORNING)
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
        send()
        with mail_server() as server:
            settings.EMAIL_HOST, settings.EMAIL_PORT = server.hostname, server.port
            for hour in (1, 2, 3):
                send(MORNING + timedelta(hours=hour))
                digest_at(MORNING + timedelta(hours=hour))
            (message,) = server.messages
        assert b"Your notices until" in message.content

    def test_one_that_fails_is_undone_whole_and_keeps_nobody_elses_back(self, monkeypatch, caplog):
        people = [reader() for _ in range(3)]
        for person in people:
            tell(person, number=1), tell(person, number=2)
        first, failing, last = people

        def fails(person, told):
            if person == failing and told[0].title == "News 2":
                raise RuntimeError
            return {}

        with monkeypatch.context() as patch:
            patch.setattr(notices, "WITHHELD", [fails])
            patch.setattr(notices, "ASKED_AT_ONCE", 1)
            assert digest_at(MORNING) == 2
        assert [states(each) for each in (first, last)] == [["gathered", "gathered", "owed"]] * 2
        assert states(failing) == ["waiting", "waiting"]
        assert "A digest could not be made." in caplog.messages
        assert not Notice.objects.filter(kind="daily-digest", recipient=failing).exists()
        assert {message.to[0] for message in send()} == {first.email, last.email}
        assert digest_at(MORNING + timedelta(minutes=5)) == 1
        assert {message.to[0] for message in send(MORNING + timedelta(minutes=6))} == {failing.email}

    def test_thousands_of_one_person_cost_a_few_statements_and_a_hundred_are_listed(self):
        person = officer()
        choose_mail(MailChoice.DAILY, by=person)
        seen, hidden = make.at_intake(), ProposalFactory()
        for proposal, count in ((seen, 2400), (hidden, 100)):
            arrive(person, proposal, count)
        with CaptureQueriesContext(connection) as made:
            assert digest_at(MORNING) == 1
        assert len(made) <= 45
        told = Delivery.objects.filter(notice__recipient=person)
        assert told.filter(state="gathered", notice__event__subject_id=str(seen.pk)).count() == 2400
        assert told.filter(state="dropped", notice__event__subject_id=str(hidden.pk)).count() == 100
        early = told.filter(state="gathered").order_by("pk").values("notice")[:1000]
        Notice.objects.filter(pk__in=list(early.values_list("notice", flat=True))).update(closed_at=NOON)
        digest = Delivery.objects.get(notice__kind="daily-digest")
        outbox.outbox.clear()
        with CaptureQueriesContext(connection) as sent, clock.moved_to(MORNING + timedelta(minutes=1)):
            assert notices.deliver(digest.pk)
        assert len(sent) <= 20
        (message,) = outbox.outbox
        ((html, _),) = message.alternatives
        for text in (message.body, html):
            assert text.count("https://portal.test/desk/arrived/") == notices.MOST_LISTED
            assert "Arrived 1000 of" in text and "Arrived 1099 of" in text
            assert "Arrived 999 of" not in text and "Arrived 1100 of" not in text
            assert "and 1,300 more among your notices" in text
        assert "https://portal.test/notices/" in message.body


def test_unread_are_those_that_the_list_shows(client):
    person = reader()
    client.force_login(person)

    def shown():
        return client.get(reverse("program:notices")).context["portal"].unread_notices

    assert shown() == 0
    tell(person), tell(person)
    assert digest_at(MORNING) == 1
    assert shown() == 2
    client.post(reverse("program:notices-read"))
    assert shown() == 0


@pytest.mark.django_db(transaction=True)
def test_two_beats_make_one_digest():
    person = reader()
    tell(person)
    made = []

    def beat():
        try:
            made.append(digest_at(MORNING))
        finally:
            connection.close()

    beats = [Thread(target=beat) for _ in range(4)]
    for thread in beats:
        thread.start()
    for thread in beats:
        thread.join()
    assert sum(made) == Digest.objects.count() == 1
    assert states(person) == ["gathered", "owed"]


class TestChoosing:
    @pytest.mark.parametrize(("choice", "state"), [("at_once", "owed"), ("off", "dropped")])
    def test_what_waits_goes_the_new_way(self, choice, state):
        person, other = reader(), reader()
        tell(person), tell(other)
        choose_mail(MailChoice(choice), by=person)
        assert (states(person), states(other)) == ([state], ["waiting"])

    def test_page_saves_it_on_the_record_once(self, client):
        person = UserFactory()
        client.force_login(person)
        address = reverse("program:mail-preference")
        assert address in client.get(reverse("program:notices")).text
        for _ in range(2):
            assert client.post(address, {"choice": "daily"}).url == address
        assert choice_of(person) == MailChoice.DAILY
        assert AuditEvent.objects.of(person).filter(act="user.choose_mail").count() == 1
        assert client.post(address, {"choice": "never"}).status_code == 422
        assert client.post(address, {}).status_code == 422
        assert choice_of(person) == MailChoice.DAILY

    def test_page_says_what_is_always_mailed_and_why(self, client, settings):
        settings.DEMONSTRATION = True  # no second factor
        client.force_login(UserFactory())
        page = client.get(reverse("program:mail-preference"))
        assert CALL_AMENDED in page.context["always"] and CALL_ISSUED not in page.context["always"]
        assert CALL_AMENDED.when in page.text and "cannot be turned off" in page.text
        assert CALL_TO_APPROVE not in page.context["at_once"]
        client.force_login(officer())
        assert CALL_TO_APPROVE in client.get(reverse("program:mail-preference")).context["at_once"]

    @pytest.mark.parametrize("role", ["", "program_officer", "edag_chair"])
    def test_page_lists_no_line_twice_and_shows_outsiders_nothing_of_the_governments(
        self, client, settings, role
    ):
        settings.DEMONSTRATION = True  # no second factor
        client.force_login(officer(role) if role else UserFactory())
        page = client.get(reverse("program:mail-preference"))
        shown = page.context["always"], page.context["at_once"]
        for kinds in shown:
            assert len({kind.when for kind in kinds}) == len(kinds) > 3
        found = {kind.code for kinds in shown for kind in kinds}
        assert ("evaluation.to_sign" in found, "financing.referred" in found) == (bool(role), bool(role))
        assert "evaluation.announced" in found

    def test_mail_of_a_notice_leads_there(self):
        tell(UserFactory())
        (message,) = send()
        assert f"https://portal.test{reverse('program:mail-preference')}" in message.body

    def test_log_says_what_became_of_it(self, client, settings):
        settings.DEMONSTRATION = True
        call = issued_call()
        for choice in ("daily", "off"):
            person = reader(choice)
            event = audit.record(call, "tests.act", by=person)
            notices.owe(event, PATIENT, [person], url="/", number=1)
        client.force_login(officer(OfficeRole.AUDITOR))
        page = client.get(reverse("program:deliveries"), {"kind": "tests.patient"}).text
        assert "Waits for the daily digest" in page and notices.TURNED_OFF in page


def test_what_is_gathered_stands_in_a_digest():
    delivery = tell(reader())
    with pytest.raises(IntegrityError), transaction.atomic():
        Delivery.objects.filter(pk=delivery.pk).update(state="gathered")
    with pytest.raises(IntegrityError), transaction.atomic():
        Delivery.objects.filter(pk=delivery.pk).update(digest=delivery.notice)


def test_mail_program_turns_off_what_the_digest_gathers_with_one_post_and_no_sign_in():
    person = reader()
    tell(person)
    assert digest_at(MORNING) == 1
    (message,) = send()
    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = message.extra_headers["List-Unsubscribe"].removeprefix("<https://portal.test").removesuffix(">")
    strict = Client(enforce_csrf_checks=True)
    assert "Turn off your mail?" in strict.get(path).text
    assert choice_of(person) == MailChoice.DAILY
    for _ in range(2):
        answer = strict.post(path, {"List-Unsubscribe": "One-Click"})
        assert (answer.status_code, "Your mail is turned off" in answer.text) == (200, True)
    assert choice_of(person) == MailChoice.OFF
    assert AuditEvent.objects.filter(act="user.choose_mail").count() == 2  # the daily digest, and its end
    assert strict.post(f"{path[:-2]}x/").status_code == 410
    person.is_active = False
    person.save()
    assert strict.get(path).status_code == 404
