from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.db import OperationalError, transaction
from django.db.models import Count, Max

from program import audit, clock, notices
from program.enums import DeliveryState
from program.models import AuditEvent, Delivery, Notice, Spread, Suppression
from program.notice_kinds import NoticeKind
from program.notices import LEASE, Audience, in_full
from program.tasks import sweep_deliveries
from tests.factories.program import AgencyFactory, UserFactory
from tests.processes import mail_server

KIND = NoticeKind(
    "tests.told",
    "Proposal {number} was received",
    "It came in on time.",
    "E.O. 14320 s.3(c)",
    when="A test tells something",
    who="Whoever it names",
    sample={"number": "1"},
)


def owe(*people, number="AIX-2026-0001"):
    """One event and the notices it owes; returns the deliveries."""
    event = audit.record(people[0], "tests.act", by=people[0])
    notices.owe(event, KIND, people, url="/proposals/1/", number=number)
    return list(Delivery.objects.filter(notice__event=event).order_by("pk"))


@pytest.fixture
def smtp(settings):
    with mail_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = server.hostname, server.port, 2
        yield server


@pytest.mark.django_db
class TestOwe:
    def test_everybody_is_told_once_however_often_named(self):
        person, other = UserFactory(), UserFactory()
        assert len(owe(person, other, person)) == 2
        assert sorted(Notice.objects.values_list("recipient", "title")) == sorted(
            (user.pk, "Proposal AIX-2026-0001 was received") for user in (person, other)
        )

    def test_more_than_a_slice_is_one_row_that_workers_write_out_once(self, monkeypatch):
        monkeypatch.setattr(notices, "MOST_AT_ONCE", 60)
        people = UserFactory.create_batch(150)
        told_before, gone = people[0], people[1]
        by = UserFactory()
        event = audit.record(by, "tests.act", by=by)
        notices.owe(event, KIND, [told_before], url="/proposals/1/", number="1")
        assert notices.owe(event, KIND, [*people, people[0]], url="/proposals/1/", number="1") == 150
        row = Spread.objects.get()
        assert (row.total, row.told, len(row.recipients), Notice.objects.count()) == (150, 0, 150, 1)

        notices.write_out(notices.spreads_of(event.pk), seconds=0)
        row.refresh_from_db()
        assert (row.told, Notice.objects.count()) == (60, 60)
        gone.is_active = False
        gone.save()
        assert sweep_deliveries() == 60 - 1
        row.refresh_from_db()
        assert (row.told, row.recipients, Notice.objects.count()) == (150, [], 150)
        assert notices.write_out([row.pk]) == 0
        while sweep_deliveries():
            pass
        assert sorted(Delivery.objects.values_list("state").annotate(n=Count("pk"))) == [
            ("dropped", 1),
            ("sent", 149),
        ]
        assert set(Delivery.objects.exclude(mailing=None).values_list("mailing", flat=True)) == {
            row.mailing_id
        }

    def test_row_that_cannot_be_written_keeps_no_other_back(self, monkeypatch):
        monkeypatch.setattr(notices, "MOST_AT_ONCE", 60)
        people = UserFactory.create_batch(61)
        for _ in range(2):
            by = UserFactory()
            notices.owe(audit.record(by, "tests.act", by=by), KIND, people, url="/", number="1")
        broken = Spread.objects.order_by("pk").first()
        Spread.objects.filter(pk=broken.pk).update(recipients=["unreadable"] * 61)
        assert notices.write_out(notices.spreads_of()) == 61
        assert [row.told for row in Spread.objects.order_by("pk")] == [0, 61]

    def test_two_audiences_of_one_kind_are_merged_by_person(self):
        person, other = UserFactory(), UserFactory()
        event = audit.record(person, "tests.act", by=person)
        first, second = Audience(KIND, [person], "/a/"), Audience(KIND, [person, other], "/b/")
        assert notices.owe_each(event, first, second, number="1") == 2
        assert dict(Notice.objects.values_list("recipient", "url")) == {person.pk: "/a/", other.pk: "/b/"}

    def test_second_telling_of_one_kind_reaches_only_who_was_not_told(self):
        person, other = UserFactory(), UserFactory()
        event = audit.record(person, "tests.act", by=person)
        told = [notices.owe(event, KIND, who, url="/", number="1") for who in ([person], [person, other])]
        assert (told, Delivery.objects.filter(notice__event=event).count()) == ([1, 1], 2)

    def test_closed_accounts_and_machines_are_told_nothing(self):
        closed, machine = UserFactory(is_active=False), UserFactory(is_service=True)
        assert len(owe(UserFactory(), closed, machine)) == 1

    def test_missing_fact_is_an_error_of_the_act(self):
        person = UserFactory()
        event = audit.record(person, "tests.act", by=person)
        with pytest.raises(KeyError):
            notices.owe(event, KIND, [person], url="/")

    def test_act_that_fails_owes_nothing(self):
        person = UserFactory()
        with pytest.raises(RuntimeError), transaction.atomic():
            owe(person)
            raise RuntimeError
        assert not Notice.objects.exists()
        assert not AuditEvent.objects.exists()


@pytest.mark.django_db
class TestDeliver:
    def test_mail_says_it_in_text_and_html_with_a_link_of_our_own(self, settings):
        person = UserFactory()
        (delivery,) = owe(person, number="<b>&1")
        assert notices.deliver(delivery.pk)
        (message,) = mail.outbox
        assert message.to == [person.email]
        assert message.subject == "Proposal <b>&1 was received"
        assert f"{settings.SITE_URL}/proposals/1/" in message.body
        html = message.alternatives[0].content
        assert "&lt;b&gt;&amp;1" in html
        assert "<b>" not in html

    def test_running_it_again_sends_nothing_twice(self):
        (delivery,) = owe(UserFactory())
        assert [notices.deliver(delivery.pk) for _ in range(3)] == [True, False, False]
        assert len(mail.outbox) == 1

    def test_account_closed_meanwhile_gets_no_mail(self):
        person = UserFactory()
        (delivery,) = owe(person)
        type(person).objects.filter(pk=person.pk).update(is_active=False)
        assert not notices.deliver(delivery.pk)
        delivery.refresh_from_db()
        assert (delivery.state, len(mail.outbox)) == (DeliveryState.DROPPED, 0)

    def test_real_mail_server_gets_one_message_whole(self, smtp):
        (delivery,) = owe(UserFactory())
        notices.deliver(delivery.pk)
        notices.deliver(delivery.pk)
        delivery.refresh_from_db()
        assert delivery.state == DeliveryState.SENT
        (envelope,) = smtp.messages
        assert b"Subject: Proposal AIX-2026-0001 was received" in envelope.content
        assert envelope.rcpt_tos == [delivery.notice.recipient.email]

    def test_address_refused_for_good_is_tried_once_and_mailed_no_more(self, smtp):
        AgencyFactory()
        person, other = UserFactory(), UserFactory()
        smtp.refuses.add(person.email)
        first, beside = owe(person, other)
        assert [notices.deliver(row.pk) for row in (first, beside)] == [False, True]
        first.refresh_from_db()
        assert (first.state, first.attempts) == (DeliveryState.FAILED, 1)
        assert first.reason == "Address refused by the mail server: 550 No such person"
        row = Suppression.objects.get()
        assert (row.email, row.cause, row.note) == (person.email, "bounced", "550 No such person")
        assert AuditEvent.objects.of(row).get().act == "suppression.add"
        smtp.refuses.clear()
        (later,) = owe(person)
        assert not notices.deliver(later.pk)
        later.refresh_from_db()
        assert (later.state, later.attempts) == (DeliveryState.DROPPED, 1)
        assert "suppression list" in later.reason
        assert len(smtp.messages) == 1

    @pytest.mark.parametrize(
        ("code", "said", "is_gone"),
        [
            (550, "550 No such person", True),
            (550, "550 5.1.1 No such person", True),
            (550, "550 5.7.1 Relaying denied", False),
            (554, "554 Transaction failed", False),
            (554, "554 5.7.1 Relay access denied", False),
            (450, "450 4.1.1 Try later", False),
        ],
    )
    def test_only_what_is_about_the_address_ends_it(self, code, said, is_gone):
        assert notices.is_gone(code, said) is is_gone

    def test_relay_that_refuses_everybody_puts_nobody_on_the_list(self, smtp):
        person = UserFactory()
        smtp.refuses.add(person.email)
        smtp.refusal = "554 5.7.1 Relay access denied"
        (delivery,) = owe(person)
        assert not notices.deliver(delivery.pk)
        delivery.refresh_from_db()
        assert delivery.state == DeliveryState.OWED and not Suppression.objects.exists()

    def test_address_refused_for_now_is_put_off_and_not_suppressed(self, smtp):
        person = UserFactory()
        (delivery,) = owe(person)
        smtp.refuses_for_now.add(person.email)
        assert not notices.deliver(delivery.pk)
        delivery.refresh_from_db()
        assert (delivery.state, Suppression.objects.count()) == (DeliveryState.OWED, 0)
        smtp.refuses_for_now.clear()
        with clock.moved_to(delivery.not_before):
            assert notices.deliver(delivery.pk)

    @pytest.mark.parametrize("away", [timedelta(hours=1), timedelta(days=1), timedelta(days=3)], ids=str)
    def test_mail_server_away_loses_nothing_and_sends_each_once(self, smtp, settings, away):
        deliveries = owe(UserFactory(), UserFactory(), UserFactory())
        port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
        at = start = clock.instant()
        while at < start + away:
            with clock.moved_to(at):
                sweep_deliveries()
            at += timedelta(minutes=10)
        assert Delivery.objects.aggregate(most=Max("attempts"))["most"] > 1
        assert set(Delivery.objects.values_list("state", flat=True)) == {"owed"}
        settings.EMAIL_PORT = port
        with clock.moved_to(at + timedelta(hours=1)):
            assert sweep_deliveries() == len(deliveries)
            assert sweep_deliveries() == 0
        assert len(smtp.messages) == len(deliveries)

    def test_mail_server_that_never_comes_back_ends_in_a_failure_that_the_log_names(self, settings, caplog):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
        (delivery,) = owe(UserFactory())
        at = clock.instant()
        for attempt in range(notices.MOST_ATTEMPTS):
            with clock.moved_to(at + timedelta(hours=2 * attempt)):
                assert not notices.deliver(delivery.pk)
        delivery.refresh_from_db()
        assert (delivery.state, delivery.attempts) == (DeliveryState.FAILED, notices.MOST_ATTEMPTS)
        assert delivery.reason == "Mail server not reached: ServerAway"
        assert "A notice was given up." in caplog.messages

    def test_server_that_is_away_is_asked_once_for_many(self, settings):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
        owe(*UserFactory.create_batch(4))
        assert sweep_deliveries() == 0
        assert sorted(Delivery.objects.values_list("attempts", flat=True)) == [0, 0, 0, 1]

    def test_line_dropped_after_the_text_is_unknown_and_not_sent_again(self, smtp):
        (delivery,) = owe(UserFactory())
        smtp.drops_after_data = True
        notices.deliver(delivery.pk)
        smtp.drops_after_data = False
        delivery.refresh_from_db()
        assert delivery.state == DeliveryState.UNKNOWN
        with clock.moved_to(clock.instant() + notices.timedelta(days=1)):
            assert notices.sweep() == ([], [])
        assert len(smtp.messages) == 1


@pytest.mark.django_db
class TestGivingBack:
    @pytest.mark.parametrize("found_by", ["the sweep", "the message delivered again"])
    @pytest.mark.parametrize(
        ("state", "becomes"),
        [(DeliveryState.CLAIMED, DeliveryState.OWED), (DeliveryState.SENDING, DeliveryState.UNKNOWN)],
    )
    def test_what_a_dead_worker_held_is_settled_when_its_lease_ends(self, state, becomes, found_by):
        (delivery,) = owe(UserFactory())
        at = clock.instant()
        Delivery.objects.filter(pk=delivery.pk).update(state=state, claimed_at=at, attempts=1)

        def find():
            return notices.sweep()[0] if found_by == "the sweep" else notices.owed(delivery.notice.event_id)

        with clock.moved_to(at + LEASE):
            assert find() == []
        delivery.refresh_from_db()
        assert delivery.state == state
        with clock.moved_to(at + 3 * LEASE):
            due = find()
        delivery.refresh_from_db()
        assert delivery.state == becomes
        assert due == ([delivery.pk] if becomes == DeliveryState.OWED else [])

    def test_message_of_one_event_gives_back_nothing_of_another(self):
        (delivery,), (other,) = owe(UserFactory()), owe(UserFactory())
        claimed_at = clock.instant() - 3 * LEASE
        Delivery.objects.update(state=DeliveryState.CLAIMED, claimed_at=claimed_at, attempts=1)
        assert notices.owed(delivery.notice.event_id) == [delivery.pk]
        other.refresh_from_db()
        assert other.state == DeliveryState.CLAIMED


@pytest.mark.django_db
def test_address_with_a_domain_beyond_ascii_is_told_to_the_mail_server_in_ascii(smtp):
    deliveries = owe(UserFactory(email="x@bücher.example"), UserFactory())
    assert [notices.deliver(row.pk) for row in deliveries] == [True, True]
    assert smtp.messages[0].rcpt_tos == ["x@xn--bcher-kva.example"]


@pytest.mark.django_db
def test_what_fails_at_one_notice_keeps_no_other_from_being_sent(monkeypatch, caplog):
    deliveries, message = owe(UserFactory(), UserFactory(), UserFactory()), notices._message

    def fails_at_first(notice, *gathered):
        if notice.pk == deliveries[0].notice_id:
            raise RuntimeError("of the first")
        return message(notice, *gathered)

    monkeypatch.setattr(notices, "_message", fails_at_first)
    assert sweep_deliveries() == 2
    state = list(Delivery.objects.order_by("pk").values_list("state", "attempts"))
    assert state == [("owed", 1), ("sent", 1), ("sent", 1)]
    assert "A notice could not be sent." in caplog.messages
    for _ in range(notices.MOST_FAULTS):
        Delivery.objects.update(not_before=None)
        sweep_deliveries()
    deliveries[0].refresh_from_db()
    assert (deliveries[0].state, deliveries[0].attempts) == (DeliveryState.FAILED, notices.MOST_FAULTS)
    assert "A notice was given up." in caplog.messages


@pytest.mark.django_db
def test_what_fails_when_it_is_asked_who_may_be_told_keeps_no_other_back(monkeypatch):
    deliveries = owe(UserFactory(), UserFactory(), UserFactory())

    def fails_at_first(person, told):
        if person == deliveries[0].notice.recipient:
            raise ValueError("of the first")
        return {}

    monkeypatch.setattr(notices, "WITHHELD", [fails_at_first])
    assert sweep_deliveries() == 2
    rows = list(Delivery.objects.order_by("pk").values_list("state", "faults"))
    assert rows == [("owed", 1), ("sent", 0), ("sent", 0)]
    assert (
        Delivery.objects.get(pk=deliveries[0].pk).reason == "The mail could not be made or sent: ValueError"
    )


@pytest.mark.django_db
def test_what_fails_after_the_server_has_refused_keeps_no_other_back(smtp, monkeypatch):
    def away():
        raise OperationalError("canceling statement due to lock timeout")

    monkeypatch.setattr(notices, "clock_account", away)
    refused, _ = owe(UserFactory(), UserFactory())
    smtp.refuses.add(refused.notice.recipient.email)
    assert sweep_deliveries() == 1
    rows = list(Delivery.objects.order_by("pk").values_list("state", "faults"))
    assert rows == [("owed", 1), ("sent", 0)]
    assert (Suppression.objects.count(), len(smtp.messages)) == (0, 1)


@pytest.mark.django_db
class TestClaim:
    def test_answer_to_a_worker_that_lost_its_claim_changes_nothing(self, smtp, monkeypatch):
        AgencyFactory()
        (delivery,) = owe(UserFactory())
        message, stalled = notices._message, []

        def stalls_once(notice, *gathered):
            if not stalled:
                stalled.append(notice)
                Delivery.objects.update(claimed_at=clock.instant() - 2 * LEASE)
                assert notices.sweep()[0] == [delivery.pk]
                assert notices.deliver(delivery.pk)
                smtp.refuses.add(notice.recipient.email)
            return message(notice, *gathered)

        monkeypatch.setattr(notices, "_message", stalls_once)
        assert not notices.deliver(delivery.pk)
        delivery.refresh_from_db()
        assert (delivery.state, delivery.reason) == (DeliveryState.SENT, "")
        assert (Suppression.objects.count(), len(smtp.messages)) == (0, 1)

    def test_text_that_is_taken_after_all_is_sent_and_not_unknown(self, monkeypatch):
        (delivery,) = owe(UserFactory())
        hand_over = notices.hand_over

        def slowly(*args, **facts):
            hand_over(*args, **facts)
            with clock.moved_to(clock.instant() + 2 * notices.HANDING_OVER):
                notices.sweep()
            assert Delivery.objects.get().state == DeliveryState.UNKNOWN

        monkeypatch.setattr(notices, "hand_over", slowly)
        assert notices.deliver(delivery.pk)
        assert Delivery.objects.get().state == DeliveryState.SENT

    def test_what_the_server_said_is_kept_on_one_line(self, smtp):
        AgencyFactory()
        (delivery,) = owe(UserFactory())
        smtp.refuses.add(delivery.notice.recipient.email)
        smtp.refusal = "550-No such\r\n550 person\x07"
        assert not notices.deliver(delivery.pk)
        delivery.refresh_from_db()
        assert delivery.reason == "Address refused by the mail server: 550 No such person"


@pytest.mark.django_db
def test_notice_is_dated_by_the_clock_of_the_database(monkeypatch):
    fast = clock.now() + timedelta(minutes=10)
    monkeypatch.setattr("django.utils.timezone.now", lambda: fast)
    (delivery,) = owe(UserFactory())
    assert delivery.notice.created_at == clock.now()
    with clock.moved_to(fast + timedelta(days=1)):
        (delivery,) = owe(UserFactory())
    assert delivery.notice.created_at == fast + timedelta(days=1)


@pytest.mark.django_db
def test_sweep_gives_up_what_stopped_its_worker_three_times():
    (delivery,) = owe(UserFactory())
    states = []
    for _ in range(notices.MOST_STOPS):
        Delivery.objects.update(state="claimed", claimed_at=clock.instant() - LEASE * 2)
        notices.sweep()
        delivery.refresh_from_db()
        states.append(str(delivery.state))
    assert states == ["owed", "owed", "failed"]


@pytest.mark.django_db
def test_notice_cites_a_bare_clause_as_one_of_the_order():
    assert (in_full("s.3(b)"), in_full("18 U.S.C. 1001"), in_full("")) == (
        "E.O. 14320 s.3(b)", "18 U.S.C. 1001", "",
    )  # fmt: skip
