"""The log of mail at the desk, sending again, and the list of addresses that mail does not reach."""

from __future__ import annotations

import io
import re
from contextlib import contextmanager
from datetime import timedelta
from threading import Thread

import pytest
from django.core import mail as outbox
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.urls import reverse

from program import audit, clock, notice_kinds, notices
from program.enums import DeliveryState, OfficeRole
from program.models import AuditEvent, Delivery, Mailing, Notice, Suppression
from program.services import mail
from program.services.calls import amend_call
from program.services.subscriptions import subscribe
from program.tasks import sweep_deliveries
from program.transitions import NotReady
from proposals.notice_kinds import CONSENTED, LAPSED
from proposals.notices import team_of
from tests.factories.program import AgencyFactory, UserFactory, issued_call, officer
from tests.factories.proposals import ProposalFactory, representative_of
from tests.processes import wait_until
from tests.program.test_notices import KIND

pytestmark = pytest.mark.django_db
LOG, LIST = "program:deliveries", "program:suppressions"
WORDS = {"summary": "Forty pages.", "reason": "Asked for.", "legal_basis": "A statute."}


@pytest.fixture(autouse=True)
def demonstration(settings):
    settings.DEMONSTRATION = True  # no second factor; what it leaves out is tested in test_sign_in.py


def owe(*people, kind=KIND, about=None, **facts):
    event = audit.record(about or people[0], "tests.act", by=people[0])
    notices.owe(event, kind, people, url="/", **({"number": "1"} | facts))
    return list(Delivery.objects.filter(notice__event=event).order_by("pk"))


def settled(delivery, state, reason="The line broke."):
    Delivery.objects.filter(pk=delivery.pk).update(state=state, reason=reason, attempts=3)
    return delivery


def get(client, person, name, **query):
    client.force_login(person)
    return client.get(reverse(name), query)


def post(client, person, name, *keys, **data):
    client.force_login(person)
    return client.post(reverse(name, args=keys), data)


def addresses(answer):
    return [row.notice.recipient.email for row in answer.context["deliveries"]]


class TestLog:
    def test_shows_each_message_with_state_attempts_and_reason(self, client):
        failed, waiting = owe(UserFactory(), UserFactory())
        settled(failed, "failed", "Address refused by the mail server: 550")
        page = get(client, officer(), LOG).text
        for said in (failed.notice.recipient.email, "Failed", "550", waiting.notice.recipient.email, "Owed"):
            assert said in page

    def test_filters_by_state_and_kind_and_ignores_words_that_it_does_not_know(self, client):
        failed, unknown = owe(UserFactory(), UserFactory())
        settled(failed, "failed")
        settled(unknown, "unknown")
        call = issued_call()
        (other,) = owe(
            UserFactory(), kind=notice_kinds.CALL_CANCELLED, about=call, reason="It was issued twice."
        )
        desk = officer()
        assert addresses(get(client, desk, LOG, state="failed")) == [failed.notice.recipient.email]
        assert other.notice.recipient.email in addresses(get(client, desk, LOG, kind="call-cancelled"))
        assert failed.notice.recipient.email not in addresses(get(client, desk, LOG, kind="call-cancelled"))
        assert len(addresses(get(client, desk, LOG, state="'--", kind="none"))) == Delivery.objects.count()

    def test_status_leads_its_readers_to_what_did_not_go(self, client):
        late, failed, unknown, _ = owe(*UserFactory.create_batch(4))
        Notice.objects.filter(pk=late.notice_id).update(created_at=clock.now() - timedelta(minutes=6))
        settled(failed, "failed")
        settled(unknown, "unknown")
        for person in (UserFactory(), officer("reviewer")):
            assert "log of mail" not in get(client, person, "program:status").text
        desk = officer()
        page = get(client, desk, "program:status")
        assert [count for *_, count in page.context["log"]] == [1, 1, 1]
        links = re.findall(rf'href="({reverse(LOG)}[^"]*)"', page.text)
        found = [addresses(client.get(link)) for link in links if "state" in link]
        assert found == [[row.notice.recipient.email] for row in (late, failed, unknown)]

    def test_names_each_kind_in_words_once_in_its_area(self, client):
        owe(
            UserFactory(),
            kind=notice_kinds.CALL_CANCELLED,
            about=issued_call(),
            reason="It was issued twice.",
        )
        page = get(client, officer(), LOG)
        areas = re.findall(r'<optgroup label="([^"]*)">(.*?)</optgroup>', page.text)
        shown = [(area, words) for area, kinds in areas for words in re.findall(r">([^<]+)</option>", kinds)]
        assert len(shown) == len(set(shown)) == len(notices.CATALOGUE)
        assert ("Evaluation, decision and designation", "Referred to an agency") in shown
        table = page.text.partition('id="deliveries"')[2]
        assert "Call cancelled</span>" in table
        assert "call-cancelled" not in table

    def test_goes_on_where_the_page_ended_and_keeps_the_filters(self, client):
        rows = owe(*UserFactory.create_batch(52))
        Delivery.objects.update(state="sent")
        first = get(client, officer(), LOG, state="sent")
        rest = client.get(reverse(LOG) + first.context["older"])
        keys = [row.pk for answer in (first, rest) for row in answer.context["deliveries"]]
        assert keys == sorted((row.pk for row in rows), reverse=True)

    @pytest.mark.parametrize("role", [None, OfficeRole.LEAD, OfficeRole.DECISION_OFFICIAL, "team"])
    def test_is_nobody_elses(self, client, role):
        person = officer(role) if role in OfficeRole.values else UserFactory()
        for name in (LOG, LIST):
            assert get(client, person, name).status_code == 404
        assert post(client, person, "program:delivery-send-again").status_code == 404
        assert post(client, person, "program:suppression-import").status_code == 404
        assert post(client, person, "program:suppression-remove", 1).status_code == 404

    def test_drafts_and_the_inner_affairs_of_consortia_are_not_told_to_the_program_office(self, client):
        draft = ProposalFactory()
        owe(UserFactory(), kind=LAPSED, about=draft, over="", moves="")
        owe(UserFactory(), kind=CONSENTED, about=draft.consortium.anchor, organization="Fictional")
        (public,) = owe(UserFactory(), about=issued_call())
        shown = addresses(get(client, officer(), LOG))
        assert public.notice.recipient.email in shown
        own = Delivery.objects.filter(notice__kind__startswith="proposals.")
        assert own.count() == 2
        assert not set(own.values_list("notice__recipient__email", flat=True)) & set(shown)

    @pytest.mark.parametrize("role", [OfficeRole.PROGRAM_OFFICER, OfficeRole.AUDITOR])
    def test_who_is_told_of_a_call_only_for_a_draft_stands_in_no_log(self, client, role):
        call, reader = issued_call(), officer(role)
        draft, submitted = ProposalFactory(call=call), ProposalFactory(call=call, status="submitted")
        follower = representative_of(ProposalFactory(call=call))
        subscribe(call, by=follower)
        hidden = representative_of(draft)
        Notice.objects.all().delete()
        amend_call(call, by=call.created_by, text="New.", **WORDS)
        rows = Delivery.objects.filter(notice__kind="call-amended")
        assert rows.filter(notice__recipient=hidden).count() == 1
        shown = addresses(get(client, reader, LOG, kind="call-amended"))
        assert representative_of(submitted).email in shown and follower.email in shown
        drafting = team_of(draft.consortium_id).values_list("email", flat=True)
        assert not set(drafting) & set(shown)
        (row,) = rows.filter(notice__recipient=hidden)
        settled(row, "failed")
        assert [count for *_, count in get(client, reader, "program:status").context["log"]] == [0, 0, 0]
        assert not addresses(get(client, reader, LOG, state="failed"))
        if role == OfficeRole.PROGRAM_OFFICER:
            assert post(client, reader, "program:delivery-send-again", delivery=row.pk).status_code == 404
        row.refresh_from_db()
        assert row.state == "failed"

    def test_mailing_counts_nobody_who_is_told_only_for_a_draft(self, client, monkeypatch):
        call = issued_call()
        draft = ProposalFactory(call=call)
        for person in UserFactory.create_batch(4):
            subscribe(call, by=person)
        monkeypatch.setattr(notices, "MANY", 3)
        monkeypatch.setattr("program.views.deliveries.MANY", 3)
        monkeypatch.setattr(notices, "MOST_AT_ONCE", 4)
        amend_call(call, by=call.created_by, text="New.", **WORDS)
        assert get(client, officer(), LOG).context["mailings"][0]["waiting"] == 4
        notices.write_out(notices.spreads_of())
        told = Notice.objects.filter(kind="call-amended")
        assert told.filter(is_for_draft=True).count() == team_of(draft.consortium_id).count() > 0
        (shown,) = get(client, officer(), LOG).context["mailings"]
        assert (shown["total"], shown["waiting"]) == (4, 4)
        monkeypatch.setattr("program.views.deliveries.MANY", 4)
        assert not get(client, officer(), LOG).context["mailings"]

    def test_mailing_to_many_shows_how_far_it_is(self, client):
        rows = owe(*UserFactory.create_batch(notices.MANY + 2), about=issued_call())
        assert {row.mailing for row in rows} == {Mailing.objects.get()}
        Delivery.objects.filter(pk__in=[row.pk for row in rows[:20]]).update(state="sent")
        settled(rows[-1], "failed")
        answer = get(client, officer(), LOG)
        (shown,) = answer.context["mailings"]
        assert (shown["sent"], shown["total"], shown["waiting"], shown["not_sent"]) == (20, 52, 31, 1)
        assert "20 of 52" in answer.text

    def test_mailing_that_is_still_written_counts_those_to_come(self, client, monkeypatch):
        monkeypatch.setattr(notices, "MOST_AT_ONCE", 60)
        owe(*UserFactory.create_batch(70), about=issued_call())
        (shown,) = get(client, officer(), LOG).context["mailings"]
        assert (shown["sent"], shown["total"], shown["waiting"]) == (0, 70, 70)
        notices.write_out(notices.spreads_of(), seconds=0)
        (shown,) = get(client, officer(), LOG).context["mailings"]
        assert (shown["total"], shown["waiting"], shown["not_sent"]) == (70, 70, 0)

    def test_costs_the_same_for_one_row_and_for_three(self, client, django_assert_num_queries):
        desk = officer()
        client.force_login(desk)
        client.get(reverse(LOG))
        for _ in range(2):
            owe(UserFactory())
            with django_assert_num_queries(6):
                client.get(reverse(LOG))
            owe(UserFactory(), UserFactory())


class TestSendingAgain:
    @pytest.mark.parametrize("state", ["failed", "unknown"])
    def test_owes_it_anew_on_the_record_and_it_is_sent(self, client, state):
        (delivery,) = owe(UserFactory())
        settled(delivery, state)
        desk = officer()
        answer = post(client, desk, "program:delivery-send-again", delivery=delivery.pk)
        assert answer.url == reverse(LOG)
        delivery.refresh_from_db()
        assert (delivery.state, delivery.attempts, delivery.reason) == (DeliveryState.OWED, 0, "")
        event = AuditEvent.objects.of(delivery).get()
        assert (event.act, event.actor) == ("delivery.send_again", desk)
        assert sweep_deliveries() == len(outbox.outbox) == 1

    @pytest.mark.parametrize("state", ["owed", "claimed", "sending", "sent", "dropped"])
    def test_leaves_every_other_state_alone(self, client, state):
        (delivery,) = owe(UserFactory())
        settled(delivery, state)
        post(client, officer(), "program:delivery-send-again", delivery=delivery.pk)
        delivery.refresh_from_db()
        assert (delivery.state, delivery.attempts) == (state, 3)
        assert not AuditEvent.objects.of(delivery).exists()

    def test_one_press_takes_all_that_the_filters_show_and_no_more(self, client):
        rows = owe(*UserFactory.create_batch(3))
        for row, state in zip(rows, ("failed", "failed", "unknown"), strict=True):
            settled(row, state)
        post(client, officer(), "program:delivery-send-again", state="failed")
        assert sorted(Delivery.objects.values_list("state", flat=True)) == ["owed", "owed", "unknown"]

    def test_address_on_the_list_is_refused_with_the_reason(self):
        (delivery,) = owe(UserFactory())
        settled(delivery, "failed")
        desk = officer()
        mail.suppress(by=desk, email=delivery.notice.recipient.email)
        with pytest.raises(NotReady, match="suppression list"):
            mail.send_again(Delivery.objects.all(), by=desk)

    def test_auditor_reads_and_does_not_act(self, client):
        (delivery,) = owe(UserFactory())
        settled(delivery, "failed")
        auditor = officer(OfficeRole.AUDITOR)
        assert "Send again" not in get(client, auditor, LOG, state="failed").text
        assert post(client, auditor, "program:delivery-send-again", delivery=delivery.pk).status_code == 403
        delivery.refresh_from_db()
        assert delivery.state == DeliveryState.FAILED

    def test_unknown_is_warned_of_before_it_is_sent_twice(self, client):
        (delivery,) = owe(UserFactory())
        settled(delivery, "unknown")
        page = get(client, officer(), LOG, state="unknown").text
        assert "These may have arrived" in page and "may get it twice" in page


class TestSuppressions:
    def test_address_is_added_and_taken_off_on_the_record(self, client):
        desk, person = officer(), UserFactory()
        post(client, desk, LIST, email=person.email.upper(), note="She asked by telephone.")
        row = Suppression.objects.get()
        assert (row.email, row.cause, row.added_by) == (person.email, "added", desk)
        assert person.email in get(client, desk, LIST).text
        post(client, desk, "program:suppression-remove", row.pk)
        acts = list(AuditEvent.objects.of(row).values_list("act", flat=True))
        assert acts == ["suppression.add", "suppression.remove"]
        assert not Suppression.objects.exists()

    def test_same_address_twice_is_refused_beside_the_field(self, client):
        desk = officer()
        for status in (302, 422):
            assert post(client, desk, LIST, email="a@firm.example").status_code == status
        with pytest.raises(ValidationError):
            mail.suppress(by=desk, email="no address")

    def test_person_is_told_in_the_portal(self, client):
        person = UserFactory()
        assert "Mail does not reach you" not in get(client, person, "program:notices").text
        mail.suppress(by=officer(), email=person.email)
        assert "Mail does not reach you" in get(client, person, "program:notices").text

    def test_import_takes_the_addresses_and_names_the_rows_that_hold_none(self, client):
        desk = officer()
        mail.suppress(by=desk, email="known@firm.example")
        content = (
            "E-mail,Reason\r\nnew@firm.example,Bounced in May\r\n\r\nnobody\r\n"
            "KNOWN@firm.example\r\nnew@firm.example\r\n<b>@x\r\n"
        )
        file = io.BytesIO(b"\xef\xbb\xbf" + content.encode())
        file.name = "bounces.csv"
        answer = post(client, desk, "program:suppression-import", file=file)
        result = answer.context["imported"]
        assert (result.added, result.known) == (1, 2)
        assert "1 address was added; 2 stood on the list already." in answer.text
        assert result.problems == [
            "Row 4: “nobody” is no e-mail address.",
            "Row 7: “<b>@x” is no e-mail address.",
        ]
        assert "&lt;b&gt;@x" in answer.text
        row = Suppression.objects.get(email="new@firm.example")
        assert row.cause == "imported"
        event = AuditEvent.objects.of(desk).get(act="suppression.import")
        assert "new@firm.example" in event.body
        two = io.BytesIO(b"second@firm.example\nthird@firm.example\n")
        two.name = "two.csv"
        more = post(client, desk, "program:suppression-import", file=two)
        assert "2 addresses were added; 0 stood on the list already." in more.text

    def test_import_reads_the_line_ends_of_every_system(self, client):
        for number, end in enumerate(("\n", "\r\n", "\r")):
            rows = ["E-mail", f"a{number}@firm.example", f"b{number}@firm.example,May"]
            file = io.BytesIO(end.join(rows).encode())
            file.name = "list.csv"
            answer = post(client, officer(), "program:suppression-import", file=file)
            assert (answer.status_code, answer.context["imported"].added) == (200, 2)
        told_why = Suppression.objects.filter(note="May").values_list("email", flat=True)
        assert sorted(told_why) == [f"b{number}@firm.example" for number in range(3)]

    def test_import_names_an_address_that_is_too_long_and_keeps_a_reason_on_one_line(self, client):
        long = f"{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * 60}.example"
        file = io.BytesIO(f'{long}\na@firm.example,"Left\nin May"\n'.encode())
        file.name = "list.csv"
        answer = post(client, officer(), "program:suppression-import", file=file)
        assert answer.status_code == 200
        assert answer.context["imported"].problems == [f"Row 1: “{long[:80]}” is no e-mail address."]
        assert Suppression.objects.get().note == "Left in May"

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b'a@firm.example,"' + b"x" * 140_000, "quotation mark"),
            (b"\x89PNG\r\n\x1a\n\x00", "no text in UTF-8"),
            (b"a@firm.example\x00", "no plain text"),
            (b"\n\n", "holds no address"),
            (b"a@firm.example\n" * 20_000, "larger than 256 KB"),
            (b"".join(b"p%d@firm.example\n" % n for n in range(2001)), "more than 2000 addresses"),
        ],
        ids=["long field", "picture", "NUL", "empty", "large", "many"],
    )
    def test_file_that_is_no_list_changes_nothing(self, client, content, said):
        file = io.BytesIO(content)
        file.name = "list.txt"
        answer = post(client, officer(), "program:suppression-import", file=file)
        assert answer.status_code == 422
        assert said in answer.text
        assert not Suppression.objects.exists()

    def test_address_that_another_took_off_just_now_is_no_error(self, client):
        desk = officer()
        row = mail.suppress(by=desk, email="a@firm.example")
        assert [mail.unsuppress(row, by=desk) for _ in range(2)] == [True, False]

    def test_auditor_reads_and_does_not_act(self, client):
        auditor = officer(OfficeRole.AUDITOR)
        row = mail.suppress(by=officer(), email="a@firm.example")
        assert "Add an address" not in get(client, auditor, LIST).text
        assert post(client, auditor, LIST, email="b@firm.example").status_code == 403
        assert post(client, auditor, "program:suppression-remove", row.pk).status_code == 403
        with pytest.raises(PermissionDenied):
            mail.import_suppressions(io.BytesIO(b"b@firm.example"), by=auditor)
        assert list(Suppression.objects.all()) == [row]

    def test_list_costs_the_same_for_one_row_and_for_three(self, client, django_assert_num_queries):
        desk = officer()
        client.force_login(desk)
        client.get(reverse(LIST))
        for number in range(2):
            mail.suppress(by=desk, email=f"a{number}@firm.example")
            with django_assert_num_queries(5):
                client.get(reverse(LIST))
            mail.suppress(by=desk, email=f"b{number}@firm.example")


@contextmanager
def coming_onto_the_list(email, by):
    """Another session adds ``email``, and commits as soon as somebody waits for it."""
    other = connection.copy()
    other.set_autocommit(False)
    try:
        with other.cursor() as cursor:
            cursor.execute(
                "INSERT INTO program_suppression (email, cause, note, added_by_id, created_at, updated_at)"
                " VALUES (%s, 'bounced', '550', %s, now(), now())",
                [email, by.pk],
            )
            yield
            wait_until(is_waited_for, what="the other to wait")
            other.commit()
    finally:
        other.close()


def is_waited_for():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
def test_address_that_comes_onto_the_list_at_this_moment_keeps_its_cause_and_is_no_error():
    AgencyFactory()
    desk, outcomes = officer(), {}

    def act(name, work):
        try:
            outcomes[name] = work()
        except Exception as error:
            outcomes[name] = error
        finally:
            connection.close()

    acts = {
        "new@firm.example": lambda: mail.import_suppressions(
            io.BytesIO(b"new@firm.example\nother@firm.example\n"), by=desk
        ),
        "same@firm.example": lambda: mail.suppress(by=desk, email="same@firm.example"),
    }
    for email, work in acts.items():
        thread = Thread(target=act, args=(email, work))
        with coming_onto_the_list(email, desk):
            thread.start()
        thread.join()
    imported, refused = outcomes.values()
    assert (imported.added, imported.known, imported.problems) == (1, 1, [])
    assert isinstance(refused, ValidationError) and "email" in refused.message_dict
    assert dict(Suppression.objects.values_list("email", "cause")) == {
        "new@firm.example": "bounced",
        "other@firm.example": "imported",
        "same@firm.example": "bounced",
    }
    (event,) = AuditEvent.objects.filter(act__startswith="suppression.")
    assert event.act == "suppression.import" and "new@firm.example" not in event.body
