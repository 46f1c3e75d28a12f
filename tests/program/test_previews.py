"""What goes to many is seen first: its mail as it will read, and how many it reaches."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail as outbox
from django.core.cache import cache
from django.urls import reverse
from django.utils.html import escape

from program import clock
from program.deadlines import next_business_day
from program.models import AuditEvent, Call, Notice, Subscription
from program.services.calls import approve_call
from program.services.questions import ask_question
from program.services.subscriptions import Reach, reach_of, subscribe
from program.tasks import sweep_deliveries
from tests.factories.program import AgencyFactory, UserFactory, drafted_call, issued_call, officer
from tests.factories.proposals import ProposalFactory, representative_of

pytestmark = pytest.mark.django_db
WORDS = {"summary": "Forty pages.", "reason": "Asked for.", "legal_basis": "A statute."}


@pytest.fixture(autouse=True)
def commerce(settings):
    settings.DEMONSTRATION = True  # no second factor
    cache.clear()
    AgencyFactory(code="COMMERCE")


@pytest.fixture
def call():
    """An open call with two consortia, one of which follows it too, a follower and an address."""
    call = issued_call()
    first = ProposalFactory(call=call)
    ProposalFactory(call=call)
    subscribe(call, by=representative_of(first))
    subscribe(call, by=UserFactory())
    Subscription.objects.create(email="reader@firm.example", confirmed_at=clock.now())
    Notice.objects.all().delete()
    return call


def later(call):
    return next_business_day(call.due_on + timedelta(days=7), [])


#: What is typed into each page, what is typed wrongly, and the act that it records
PAGES = {
    "amend": (lambda call: {"text": "New.", **WORDS}, {"effective_on": "2020-01-01"}, "call.amend"),
    "extend": (
        lambda call: {"due_on": later(call), "understood": "on", **WORDS},
        {"due_on": "2020-01-01"},
        "call.extend",
    ),
    "cancel": (lambda call: {"reason": "It was issued twice."}, {"reason": ""}, "call.cancel"),
}


@pytest.mark.parametrize("hostile", ["</pre><h2 id=injected>", "<img src=x>", "Section 7 & more <i>."])
def test_typed_text_is_no_markup_in_the_mail_that_is_shown(client, call, hostile):
    client.force_login(officer())
    for act, field in (("amend", "summary"), ("cancel", "reason")):
        typed = {**PAGES[act][0](call), field: hostile, "revision": call.revision}
        shown = client.post(reverse(f"program:desk-call-{act}", args=[call.number]), typed)
        assert hostile in shown.context["preview"].text
        assert hostile not in shown.text.split('id="the-mail"')[1] and escape(hostile) in shown.text
    Call.objects.filter(pk=call.pk).update(title=hostile, status="approved", issued_at=None)
    shown = client.get(reverse("program:desk-call-issue", args=[call.number]))
    assert hostile not in shown.text


@pytest.mark.parametrize("act", PAGES)
def test_mail_is_seen_before_it_goes_out_and_again_when_its_words_change(client, call, act):
    by = officer()
    client.force_login(by)
    typed_in, wrong, recorded = PAGES[act]
    url, typed = reverse(f"program:desk-call-{act}", args=[call.number]), typed_in(call)
    typed["revision"] = call.revision
    people = reach_of(call).on_teams
    assert reach_of(call) == Reach(on_teams=people, consortia=2, followers=1, addresses=1)

    assert client.post(url, {**typed, **wrong}).status_code == 422
    shown = client.post(url, typed)
    assert (shown.status_code, AuditEvent.objects.filter(act=recorded).count()) == (200, 0)
    page = " ".join(shown.text.split())
    assert f"{people} people in 2 consortia" in page and "1 follower by e-mail address alone" in page
    preview = shown.context["preview"]
    changed = {"summary": "Fifty.", "reason": "Another."}
    if act == "extend":
        changed["due_on"] = next_business_day(later(call) + timedelta(days=1), [])
    other = client.post(url, {**typed, **changed, "seen": preview.seen})
    assert other.context["preview"].text != preview.text
    assert not Notice.objects.exists()

    assert client.post(url, {**typed, "seen": preview.seen}).status_code == 302
    assert AuditEvent.objects.filter(act=recorded).count() == 1
    sweep_deliveries()
    sent = next(message for message in outbox.outbox if message.to == [representative_of_first(call)])
    assert (sent.subject, sent.body) == (preview.subject, preview.text)
    assert len(outbox.outbox) == preview.total


def representative_of_first(call):
    return representative_of(call.proposals.order_by("pk").first()).email


def test_amended_requirements_show_their_mail_first(client, call):
    client.force_login(officer())
    url = reverse("program:desk-call-amend-requirements", args=[call.number])
    lines = client.get(url).context["lines"]
    sent = {
        f"{line.prefix}-{name}": value
        for line in lines
        for name, value in line.initial.items()
        if value not in (None, False)
    }
    sent |= {**WORDS, "revision": call.revision, "new-sort_order": 0, "new-evidence_type": "package"}
    sent |= {"new-source": "Program policy", "new-is_mandatory": "on"}
    sent[f"{lines[0].prefix}-guidance"] = "Every chapter."
    shown = client.post(url, sent)
    assert (shown.status_code, call.amendments.count()) == (200, 0)
    assert "Forty pages." in shown.context["preview"].text and "Every chapter." in shown.text
    assert client.post(url, {**sent, "seen": shown.context["preview"].seen}).status_code == 302
    assert call.amendments.count() == 1


def test_call_is_issued_from_a_page_that_shows_its_mail(client):
    call = drafted_call()
    by = officer()
    Subscription.objects.create(email="reader@firm.example", confirmed_at=clock.now())
    client.force_login(by)
    url = reverse("program:desk-call-issue", args=[call.number])
    assert client.get(url).status_code == 302
    approve_call(call, by=by)
    shown = client.get(url)
    assert "1 recipient is told" in " ".join(shown.text.split())
    assert client.post(url, {"revision": call.revision}).status_code == 302
    sweep_deliveries()
    (sent,) = [message for message in outbox.outbox if message.to == ["reader@firm.example"]]
    assert sent.subject == shown.context["preview"].subject
    client.force_login(UserFactory())
    assert client.get(url).status_code == 404


def test_answer_shows_its_mail_and_a_private_one_none(client, call):
    client.force_login(officer())
    asked = ask_question(call, by=UserFactory(), text="Who may lead?")
    shown = client.get(reverse("program:desk-question", args=[asked.pk]))
    assert shown.context["preview"].total == reach_of(call).total
    assert shown.context["preview"].text in shown.text.replace("&#x27;", "'")
    private = ask_question(call, by=UserFactory(), text="Who?", is_confidential=True)
    shown = client.get(reverse("program:desk-question", args=[private.pk]))
    assert shown.context["preview"] is None and "The mail that goes out" not in shown.text
