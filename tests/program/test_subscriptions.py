"""Following calls by e-mail without an account: asked, confirmed, told like every follower, stopped."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import mail as outbox
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from program import clock, notice_kinds, notices
from program.clock_account import clock_account
from program.deadlines import next_business_day
from program.enums import DeliveryState, EvidenceType, OfficeRole
from program.intake import examine
from program.models import AuditEvent, Delivery, Notice, Requirement, Subscription
from program.notices import confirm_path, stop_path
from program.schedule import forget_unconfirmed_addresses
from program.services import mail, subscriptions
from program.services.call_files import amend_files
from program.services.calls import amend_call, cancel_call, close_call, extend_call
from program.services.demands import amend_requirements
from program.services.questions import answer_question, ask_question, correct_answer
from program.services.subscriptions import subscribe
from program.tasks import sweep_deliveries
from tests.factories.program import AgencyFactory, UserFactory, issued_call, officer
from tests.factories.proposals import ProposalFactory
from tests.processes import mail_server
from tests.program.test_call_files import media, pdf  # noqa: F401 (a fixture)

pytestmark = pytest.mark.django_db
ADDRESS = "reader@firm.example"


@pytest.fixture(autouse=True)
def commerce():
    cache.clear()
    AgencyFactory(code="COMMERCE")


def ask(client, email=ADDRESS, call=""):
    return client.post(reverse("program:subscribe"), {"email": email, "call": call})


def following(email=ADDRESS, call=None):
    """A confirmed subscription of an address."""
    return Subscription.objects.create(email=email, call=call, confirmed_at=clock.now())


def link_in(message, words):
    return re.search(rf"{words}: https://portal\.test(\S+)", message.body)[1]


def open_call():
    """An issued call of which nobody is owed anything any more."""
    call = issued_call()
    Notice.objects.all().delete()
    return call


def amend(call, by=None):
    text = f"{call.text}\n\nMore."
    return amend_call(
        call, by=by or officer(), text=text, summary="One more paragraph.", reason="It was missing.",
        legal_basis="s.3(b)", effective_on=clock.today(),
    )  # fmt: skip


def amend_by_file(call, by):
    file = pdf()
    amend_files(call, by=by, file=file, found=examine(file, file.name), summary="A guide.", reason="Missing.")


def amend_by_requirement(call, by):
    plan = Requirement(code="plan", title="A plan", clause="Program policy", evidence_type=EvidenceType.TEXT)
    amend_requirements(call, by=by, added=[plan], summary="A plan.", reason="It was missing.")


def extend(call, by):
    later = next_business_day(call.due_on + timedelta(days=7), [])
    extend_call(call, by=by, due_on=later, summary="A week.", reason="An outage.", legal_basis="s.3(c)")


def answer(call, by):
    question = ask_question(call, by=UserFactory(), text="Who may lead?")
    answer_question(question, by=by, answer="Any member.")
    return question


def correct(call, by):
    correct_answer(answer(call, by), by=by, answer="The anchor.", reason="It was wrong.")


def close(call, by):
    with clock.moved_to(call.closes_at):
        close_call(call, by=clock_account())


def cancel(call, by):
    cancel_call(call, by=by, reason="It was issued twice.")


#: Each act on an open call, and the kind of notice that tells of it
ACTS = {
    amend: "call-amended",
    amend_by_file: "call-amended",
    amend_by_requirement: "call-amended",
    extend: "call-extended",
    answer: "answer-published",
    correct: "answer-corrected",
    close: "call-closed",
    cancel: "call-cancelled",
}


class TestAsking:
    def test_link_confirms_by_post_only_and_then_the_address_is_told(self, client):
        call = open_call()
        assert ask(client, ADDRESS.upper(), call.number).url == reverse("program:subscription-asked")
        row = Subscription.objects.get()
        assert (row.email, row.call, row.stands) == (ADDRESS, call, False)
        amend(call)
        assert sweep_deliveries() == 1
        (message,) = outbox.outbox
        assert message.to == [ADDRESS]
        assert message.subject == f"Confirm that you want to hear of call {call.number}"
        path = link_in(message, "Confirm this address")
        for method in (client.get, client.head, client.get):
            assert method(path).status_code == 200
        row.refresh_from_db()
        assert not row.stands
        for _ in range(2):
            answer = client.post(path, follow=True)
            assert f"You are told of call {call.number}" in answer.text
        assert AuditEvent.objects.of(row).filter(act="subscription.confirm").count() == 1
        amend(call)
        assert sweep_deliveries() == 1
        assert outbox.outbox[1].to == [ADDRESS]

    def test_form_on_the_pages_of_calls_leads_there(self, client):
        call = open_call()
        strict = Client(enforce_csrf_checks=True)
        for page, number in ((f"/calls/{call.number}/", call.number), ("/calls/", "")):
            text = strict.get(page).text
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', text)[1]
            assert f'name="call" value="{number}"' in text
            given = {"email": ADDRESS, "call": number, "csrfmiddlewaretoken": token}
            headers = {"HTTP_REFERER": "https://testserver/", "secure": True}
            assert strict.post(reverse("program:subscribe"), given, **headers).status_code == 302
        assert set(Subscription.objects.values_list("call", flat=True)) == {call.pk, None}

    def test_answer_and_mail_are_the_same_whether_the_address_is_known_or_not(self, client):
        following("known@firm.example")
        mail.suppress(by=officer(), email="listed@firm.example")
        given = [ADDRESS, "known@firm.example", UserFactory().email, "listed@firm.example"]
        answers = [ask(client, email) for email in given]
        assert {(answer.status_code, answer.url) for answer in answers} == {(302, "/subscriptions/asked/")}
        assert sweep_deliveries() == 3
        assert {message.subject for message in outbox.outbox} == {
            "Confirm that you want to hear of every call of the Program"
        }
        assert "listed@firm.example" not in [to for message in outbox.outbox for to in message.to]

    def test_asking_twice_sends_one_link_until_ten_minutes_are_over(self, client):
        for minutes, sent in ((0, 1), (5, 1), (11, 2)):
            with clock.moved_to(clock.now() + timedelta(minutes=minutes)):
                ask(client)
            assert Notice.objects.count() == sent
        assert Subscription.objects.count() == 1

    def test_one_address_is_mailed_five_times_a_day_and_the_answer_does_not_tell(self, client):
        for number in range(7):
            with clock.moved_to(clock.now() + timedelta(hours=number)):
                assert ask(client).url == reverse("program:subscription-asked")
        assert Notice.objects.count() == 5

    def test_link_that_has_expired_is_not_mailed_any_more(self, client):
        ask(client)
        row = Subscription.objects.get()
        with clock.moved_to(row.asked_at + subscriptions.CONFIRMED_WITHIN):
            assert sweep_deliveries() == 0
        assert (Delivery.objects.get().state, outbox.outbox) == (DeliveryState.DROPPED, [])

    def test_one_network_asks_thirty_times_an_hour(self, client):
        answers = [ask(client, f"p{number}@firm.example").status_code for number in range(31)]
        assert answers == [302] * 30 + [429]
        refused = ask(client, "p31@firm.example")
        said = ['value="p31@firm.example"' in refused.text, "nothing was sent" in refused.text]
        assert (refused.status_code, refused["Retry-After"], said) == (429, "3600", [True, True])
        assert Subscription.objects.count() == 30

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"email": "nobody"}, "Enter a valid email address"),
            ({"email": ""}, "required"),
            ({"email": ADDRESS, "call": "AIX-C-2026-9999"}, "no such call"),
            ({"email": f"a@firm.example\r\nBcc: {ADDRESS}"}, "Enter a valid email address"),
            ({"email": ADDRESS, "call": "AIX\x00"}, "Null characters are not allowed"),
        ],
        ids=["no address", "empty", "absent call", "two lines", "NUL"],
    )
    def test_what_is_no_address_or_no_call_is_said_beside_the_form(self, client, given, said):
        answer = client.post(reverse("program:subscribe"), given)
        assert answer.status_code == 422
        assert said in answer.text
        assert not Subscription.objects.exists()

    def test_link_expires_in_words_and_the_address_is_forgotten(self, client):
        ask(client)
        row = Subscription.objects.get()
        with clock.moved_to(row.asked_at + subscriptions.CONFIRMED_WITHIN):
            for method in (client.get, client.post):
                answer = method(confirm_path(row))
                assert answer.status_code == 410
                assert "it works for two days" in answer.text
        kept = following("kept@firm.example")
        with clock.moved_to(row.asked_at + timedelta(days=8)):
            assert [forget_unconfirmed_addresses() for _ in range(2)] == [1, 0]
        assert list(Subscription.objects.all()) == [kept]
        assert client.get(confirm_path(row)).status_code == 410

    def test_link_of_one_does_not_open_another(self, client):
        rows = [following(f"{name}@firm.example") for name in "ab"]
        own, others = confirm_path(rows[0]), stop_path(rows[1])
        forged = others.replace(f"/{rows[1].pk}:", f"/{rows[0].pk}:")
        assert client.get(forged).status_code == client.post(forged).status_code == 410
        swapped = own.replace("/confirm/", "/stop/")
        assert client.post(swapped).status_code == 410
        assert client.get(others.replace("/stop/", "/confirm/")).status_code == 410
        assert Subscription.objects.count() == 2


class TestBeingTold:
    @pytest.mark.parametrize(("act", "kind"), ACTS.items(), ids=[act.__name__ for act in ACTS])
    def test_every_act_on_a_call_reaches_followers_by_address_and_by_account_alike(self, act, kind):
        by, call, person = officer(), open_call(), UserFactory()
        for _ in range(2):
            subscribe(call, by=person)
        following(call=call)
        following("all@firm.example")
        act(call, by)
        told = Notice.objects.filter(kind=kind).exclude(subscription=None)
        expected = sorted([person.email, ADDRESS, "all@firm.example"])
        assert sorted(notice.address for notice in told) == expected

    def test_issue_reaches_addresses_that_follow_the_program(self):
        following()
        issued_call()
        assert Notice.objects.get(kind="call-issued").email == ADDRESS

    def test_address_that_follows_a_call_and_the_program_is_told_once(self):
        call = open_call()
        following(call=call)
        every = following()
        assert subscriptions.follower_count(call) == 1
        amend(call)
        assert Notice.objects.get(kind="call-amended").subscription == every

    def test_address_that_has_an_account_by_now_is_told_once_and_in_the_portal(self, client):
        call = open_call()
        row = following(call=call)
        person = UserFactory(email=ADDRESS)
        every = subscribe(None, by=person)
        assert subscriptions.follower_count(call) == 1
        amend(call)
        told = Notice.objects.get(kind="call-amended")
        assert (told.recipient, told.subscription) == (person, every)
        subscriptions.unsubscribe(None, by=person)
        amend(call)
        assert Notice.objects.filter(kind="call-amended").first().subscription == row
        assert sweep_deliveries() == 1
        client.force_login(person)
        assert "You follow this call" in client.get(f"/calls/{call.number}/").text
        client.post(f"/calls/{call.number}/follow/", {"act": "stop"})
        assert not Subscription.objects.exists()

    def test_address_of_a_closed_account_is_told_as_an_address(self):
        call = open_call()
        following(call=call)
        UserFactory(email=ADDRESS, is_active=False)
        amend(call)
        assert Notice.objects.get(kind="call-amended").recipient is None

    def test_who_prepares_a_proposal_is_told_whether_they_follow_or_not(self):
        call = open_call()
        proposal = ProposalFactory(call=call)
        subscribe(call, by=proposal.created_by)
        amend(call)
        told = Notice.objects.get(kind="call-amended")
        assert (told.recipient, told.subscription_id) == (proposal.created_by, None)
        assert sweep_deliveries() == 1
        assert "List-Unsubscribe" not in outbox.outbox[0].extra_headers

    def test_address_on_the_suppression_list_gets_nothing(self):
        call = open_call()
        following(call=call)
        mail.suppress(by=officer(), email=ADDRESS)
        amend(call)
        assert sweep_deliveries() == 0
        delivery = Delivery.objects.get()
        assert (delivery.state, "suppression list" in delivery.reason) == (DeliveryState.DROPPED, True)

    def test_address_that_its_server_refuses_is_put_on_the_list(self, settings):
        call = open_call()
        following(call=call)
        amend(call)
        with mail_server() as server:
            settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
            settings.EMAIL_HOST, settings.EMAIL_PORT = server.hostname, server.port
            server.refuses.add(ADDRESS)
            assert sweep_deliveries() == 0
        assert mail.Suppression.objects.get().email == ADDRESS

    def test_many_addresses_are_a_mass_mailing(self):
        call = open_call()
        Subscription.objects.bulk_create(
            Subscription(email=f"p{number}@firm.example", confirmed_at=clock.now())
            for number in range(notices.MANY + 1)
        )
        amend(call)
        assert Delivery.objects.exclude(mailing=None).count() == notices.MANY + 1
        assert sweep_deliveries() == notices.MANY + 1
        assert sweep_deliveries() == 0

    def test_log_at_the_desk_shows_the_address(self, client, settings):
        settings.DEMONSTRATION = True
        call = open_call()
        following(call=call)
        amend(call)
        client.force_login(officer())
        assert ADDRESS in client.get(reverse("program:deliveries")).text

    def test_telling_costs_the_same_for_one_follower_and_for_three(self, django_assert_num_queries):
        call, by = open_call(), officer()
        for number in range(2):
            subscribe(call, by=UserFactory())
            following(f"{number}@firm.example", call)
            event = notices.audit.record(call, "call.amend", by=by)
            facts = {"number": "1", "amendment": 1, "summary": "", "effective": "today"}
            with django_assert_num_queries(6):
                telling = subscriptions.Telling(notice_kinds.CALL_AMENDED, "/", facts)
                subscriptions.tell(event, telling, call)
            subscribe(call, by=UserFactory())
            following(f"{number}b@firm.example", call)


class TestStopping:
    def told(self, call, *rows):
        amend(call)
        sweep_deliveries()
        return outbox.outbox[-1]

    @pytest.mark.parametrize("has_account", [False, True])
    def test_mail_program_stops_it_with_one_post_without_sign_in_or_token(self, has_account):
        call = open_call()
        row = subscribe(call, by=UserFactory()) if has_account else following(call=call)
        message = self.told(call)
        assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        address = message.extra_headers["List-Unsubscribe"]
        path = address.removeprefix("<https://portal.test").removesuffix(">")
        assert path == stop_path(row)
        assert f"https://portal.test{path}" in message.body
        assert f'href="https://portal.test{path}"' in message.alternatives[0].content
        strict = Client(enforce_csrf_checks=True)
        for _ in range(2):
            assert "Stop these messages?" in strict.get(path).text
        for _ in range(2):
            answer = strict.post(path, {"List-Unsubscribe": "One-Click"})
            assert (answer.status_code, "have stopped" in answer.text) == (200, True)
            assert not Subscription.objects.exists()
        assert "have stopped" in strict.get(path).text
        assert [event.act for event in AuditEvent.objects.of(row)] == ["subscription.stop"]
        amend(call)
        assert (sweep_deliveries(), len(outbox.outbox)) == (0, 1)

    def test_address_whose_reader_stops_before_confirming_is_not_written_to_again(self, client):
        ask(client)
        assert sweep_deliveries() == 1
        (message,) = outbox.outbox
        stop = (
            message.extra_headers["List-Unsubscribe"].removeprefix("<https://portal.test").removesuffix(">")
        )
        assert "Somebody asked us" in client.get(stop).text
        for _ in range(2):
            answer = Client(enforce_csrf_checks=True).post(stop, {"List-Unsubscribe": "One-Click"})
            assert f"No link to confirm is sent to {ADDRESS} again" in answer.text
            assert "You confirmed these before" not in answer.text
        row = Subscription.objects.get()
        assert [event.act for event in AuditEvent.objects.of(row)] == [
            "subscription.ask",
            "subscription.stop",
        ]
        call = open_call()
        with clock.moved_to(clock.now() + timedelta(days=30)):
            assert forget_unconfirmed_addresses() == 0
            cache.clear()
            for number in ("", call.number):
                assert ask(client, call=number).url == reverse("program:subscription-asked")
        amend(call)
        assert (sweep_deliveries(), len(outbox.outbox), Subscription.objects.count()) == (0, 1, 1)

    def test_refusal_is_of_the_address_and_says_what_still_stands(self, client):
        first, second = open_call(), open_call()
        every = following()
        for call in (first, second):
            ask(client, call=call.number)
        asked = Subscription.objects.get(call=first)
        for method, said in ((client.get, "what you confirmed before goes on"), (client.post, "They go on")):
            page = method(stop_path(asked)).text
            assert said in page
        assert f'href="{stop_path(every)}"' in page and "Every call of the Program" in page
        assert "Nothing more is sent" not in page
        assert Subscription.objects.refused().count() == 2
        acts = AuditEvent.objects.filter(act="subscription.stop")
        assert {event.subject_id for event in acts} == {str(row.pk) for row in Subscription.objects.refused()}
        assert sweep_deliveries() == 0
        assert client.post(confirm_path(Subscription.objects.get(call=second))).status_code == 410
        amend(first)
        assert sweep_deliveries() == 1
        client.post(stop_path(every))
        assert "They go on" not in client.get(stop_path(asked)).text
        amend(first)
        assert sweep_deliveries() == 0

    def test_what_is_owed_when_it_is_stopped_is_not_sent(self, client):
        call = open_call()
        rows = [following(call=call), subscribe(call, by=UserFactory())]
        amend(call)
        for row in rows:
            client.post(stop_path(row))
        assert sweep_deliveries() == 0
        assert set(Delivery.objects.values_list("reason", flat=True)) == {
            "The recipient follows it no longer."
        }

    def test_who_stops_the_program_stops_single_calls_and_nobody_else(self, client):
        call = open_call()
        following(call=call)
        other = following("other@firm.example")
        client.post(stop_path(following()))
        assert list(Subscription.objects.all()) == [other]

    def test_who_stops_one_call_still_follows_another(self, client):
        first, second = open_call(), open_call()
        kept = following(call=second)
        client.post(stop_path(following(call=first)))
        assert list(Subscription.objects.all()) == [kept]

    def test_pages_behind_links_are_kept_and_indexed_by_nobody(self, client):
        row = following()
        for path in (confirm_path(row), stop_path(row)):
            answer = client.get(path)
            assert "no-store" in answer.headers["Cache-Control"]
            assert "noindex" in answer.headers["X-Robots-Tag"]

    @pytest.mark.parametrize("name", ["subscription-stop", "mail-stop", "subscription-confirm"])
    def test_link_that_was_cut_off_is_explained_and_changes_nothing(self, client, name):
        row = following()
        token = stop_path(row).rstrip("/").rpartition("/")[2][:-4]
        path = reverse(f"program:{name}", args=[token])
        for press in (client.get, client.post):
            answer = press(path)
            assert answer.status_code == 410 and "This link is not whole" in answer.text
            assert "noindex" in answer.headers["X-Robots-Tag"]
        assert Subscription.objects.get() == row

    def test_cancelled_call_is_not_offered_to_be_followed(self, client):
        call = open_call()
        address = reverse("program:subscribe")
        assert f"Follow call {call.number}" in client.get(address, {"call": call.number}).text
        cancel_call(call, by=officer(), reason="It was issued twice.")
        page = client.get(address, {"call": call.number}).text
        assert "This call cannot be followed" in page and "Follow every call" in page
        assert call.number not in page.partition("<form method")[2]
        typed = {"call": call.number, "email": ADDRESS}
        assert client.post(address, typed).status_code == 422
        assert not Subscription.objects.exists()

    def test_cannot_be_stopped_before_it_stands_but_ends_what_was_asked(self, client):
        ask(client)
        row = Subscription.objects.get()
        client.post(stop_path(row))
        assert sweep_deliveries() == 0
        assert client.post(confirm_path(row)).status_code == 410


def refused(email=ADDRESS, call=None):
    return Subscription.objects.create(email=email, call=call, asked_at=clock.now(), refused_at=clock.now())


class TestLifting:
    @pytest.fixture(autouse=True)
    def demonstration(self, settings):
        settings.DEMONSTRATION = True  # no second factor; what it leaves out is tested in test_sign_in.py

    def lift(self, client, person, row):
        client.force_login(person)
        return client.post(reverse("program:refusal-lift", args=[row.pk]), follow=True)

    def test_officer_lifts_it_on_the_record_and_the_form_serves_the_address_again(self, client):
        call, desk = open_call(), officer()
        rows, kept = [refused(), refused(call=call)], refused("other@firm.example")
        stands = following(call=open_call())
        client.force_login(desk)
        page = client.get(reverse("program:deliveries")).text
        assert reverse("program:refusals") in page
        page = client.get(reverse("program:refusals"), {"address": "READER"}).text
        assert page.count(f">{ADDRESS}<") == 2 and "other@firm.example" not in page
        answer = self.lift(client, desk, rows[0])
        assert f"{ADDRESS} can ask to follow calls again." in answer.text
        assert set(Subscription.objects.all()) == {kept, stands}
        for row in rows:
            event = AuditEvent.objects.of(row).get()
            assert (event.act, event.actor) == ("subscription.lift_refusal", desk)
            assert ADDRESS not in event.body
        assert self.lift(client, desk, rows[1]).status_code == 404
        assert subscriptions.lift_refusal(rows[0], by=desk) == 0
        Client().post(reverse("program:subscribe"), {"email": ADDRESS, "call": ""})
        assert (sweep_deliveries(), outbox.outbox[-1].to) == (1, [ADDRESS])

    def test_auditor_reads_and_does_not_lift_and_others_find_nothing(self, client):
        row = refused()
        client.force_login(officer(OfficeRole.AUDITOR))
        page = client.get(reverse("program:refusals")).text
        assert ADDRESS in page and "Let it ask again" not in page
        assert client.post(reverse("program:refusal-lift", args=[row.pk])).status_code == 403
        for person in (officer(OfficeRole.LEAD), UserFactory()):
            client.force_login(person)
            assert client.get(reverse("program:refusals")).status_code == 404
            assert self.lift(client, person, row).status_code == 404
        assert Subscription.objects.refused().get() == row

    def test_what_is_not_refused_cannot_be_lifted(self, client):
        row = following()
        assert self.lift(client, officer(), row).status_code == 404
        assert Subscription.objects.get() == row

    def test_refusals_cost_the_same_for_one_and_for_three(self, client, django_assert_num_queries):
        client.force_login(officer())
        client.get(reverse("program:refusals"))
        for number in range(2):
            refused(f"a{number}@firm.example", open_call())
            with django_assert_num_queries(5):
                client.get(reverse("program:refusals"))
            refused(f"b{number}@firm.example", open_call())


class TestConstraints:
    @pytest.mark.parametrize(
        "fields",
        [{}, {"email": "A@firm.example"}, {"email": ADDRESS, "user": True}],
        ids=["of nobody", "in capitals", "of both"],
    )
    def test_subscription_is_a_persons_or_an_addresss(self, fields):
        if "user" in fields:
            fields = fields | {"user": UserFactory()}
        with pytest.raises(IntegrityError), transaction.atomic():
            Subscription.objects.create(**fields)

    def test_address_follows_one_thing_once(self):
        following()
        with pytest.raises(IntegrityError), transaction.atomic():
            following()
