"""What goes to many is seen first: its mail as it will read, and how many it reaches."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import mail as outbox
from django.core.cache import cache
from django.urls import reverse
from django.utils.html import escape

from program import audit, clock
from program.deadlines import next_business_day
from program.models import AuditEvent, Call, Notice, Subscription, Suppression
from program.services.calls import approve_call, telling_of_cancellation
from program.services.questions import ask_question
from program.services.subscriptions import Reach, reach_of, readers_of, subscribe, tell
from program.tasks import sweep_deliveries
from proposals import schedule
from proposals.models import Recheck, TeamMember
from proposals.notices import team_of
from tests.factories.program import AgencyFactory, UserFactory, drafted_call, issued_call, officer
from tests.factories.proposals import ProposalFactory, representative_of
from tests.statements import statements

pytestmark = pytest.mark.django_db
OWN_LINK = "(each reader's own link)"
WORDS = {"summary": "Forty pages.", "reason": "Asked for.", "legal_basis": "A statute."}


@pytest.fixture(autouse=True)
def commerce(settings):
    settings.DEMONSTRATION = True  # no second factor
    cache.clear()
    AgencyFactory(code="COMMERCE")


@pytest.fixture
def call():
    """An open call with a draft, of whose team one follows it too, a proposal, a follower and an address."""
    call = issued_call()
    first = ProposalFactory(call=call)
    ProposalFactory(call=call, status="submitted")
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
    submitted = call.proposals.get(status="submitted")
    people = team_of(submitted.consortium_id).count()
    assert reach_of(call) == Reach(on_teams=people, consortia=1, followers=2, addresses=1, drafting_below=10)

    assert client.post(url, {**typed, **wrong}).status_code == 422
    shown = client.post(url, typed)
    assert (shown.status_code, AuditEvent.objects.filter(act=recorded).count()) == (200, 0)
    page = " ".join(shown.text.split())
    assert people == 1 and "1 person in 1 consortium that submitted" in page
    assert "1 follower by e-mail address alone" in page and f"Fewer than {people + 13} recipients" in page
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
    assert preview.known <= len(outbox.outbox) < preview.below
    read = {re.sub(r"https?://\S+/stop/\S+", OWN_LINK, message.body) for message in outbox.outbox}
    assert read == {each.text for each in preview.letters}


@pytest.mark.parametrize("field", ["text", "reason", "legal_basis"])
def test_amendment_is_shown_again_when_what_no_mail_says_was_changed(client, call, field):
    client.force_login(officer())
    url, typed = reverse("program:desk-call-amend", args=[call.number]), PAGES["amend"][0](call)
    typed["revision"] = call.revision
    seen = client.post(url, typed).context["preview"].seen
    again = client.post(url, {**typed, field: "Other words.", "seen": seen})
    assert (again.status_code, again.context["preview"].seen != seen) == (200, True)
    assert not call.amendments.exists()


def test_rehearsal_writes_to_nobody_and_holds_no_call_for_it(client, call):
    client.force_login(officer())
    typed = {**PAGES["amend"][0](call), "revision": call.revision}
    with statements() as sent:
        client.post(reverse("program:desk-call-amend", args=[call.number]), typed)
    locked = next(n for n, one in enumerate(sent) if "FOR UPDATE" in one and "program_call" in one)
    undone = next(n for n, one in enumerate(sent) if n > locked and one.startswith("ROLLBACK"))
    assert not [one for one in sent[locked:undone] if "subscription" in one or "notice" in one]


def representative_of_first(call):
    return representative_of(call.proposals.order_by("pk").first()).email


def test_who_follows_every_call_reads_that_and_each_is_counted_once(call):
    person = UserFactory()
    subscribe(call, by=person)
    subscribe(None, by=person)
    by_address = UserFactory(email="both@firm.example")
    for each in (None, call):
        for email in ("all@firm.example", "both@firm.example"):
            Subscription.objects.create(email=email, call=each, confirmed_at=clock.now())
    subscribe(call, by=by_address)
    reach = reach_of(call)
    program, of_call = "every call of the Program", f"call {call.number}"
    found = [(each.follows, each.count) for each in readers_of(call, reach)]
    assert found == [(None, reach.on_teams), (None, 10), (of_call, 3), (program, 1), (program, 2)]
    event = audit.record(call, "call.amend", by=person)
    tell(event, telling_of_cancellation(call, "Twice."), call)
    sweep_deliveries()
    bodies = [message.body for message in outbox.outbox]
    assert (sum(program in body for body in bodies), sum(of_call + "." in body for body in bodies)) == (3, 2)


def sent_to_amend_requirements(client, call):
    """What the page of requirements sends, with one text changed."""
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
    return url, sent


def test_amended_requirements_show_their_mail_first(client, call):
    client.force_login(officer())
    url, sent = sent_to_amend_requirements(client, call)
    shown = client.post(url, sent)
    assert (shown.status_code, call.amendments.count()) == (200, 0)
    assert "Forty pages." in shown.context["preview"].text and "Every chapter." in shown.text
    seen = shown.context["preview"].seen
    other = {name: "Every page." if value == "Every chapter." else value for name, value in sent.items()}
    again = client.post(url, {**other, "seen": seen})
    assert (again.status_code, call.amendments.count()) == (200, 0)
    assert "Every page." in again.text and again.context["preview"].seen != seen
    assert client.post(url, {**sent, "seen": shown.context["preview"].seen}).status_code == 302
    assert call.amendments.count() == 1


@pytest.mark.parametrize("day", ["", "later"])
def test_mail_to_the_teams_of_drafts_is_shown_with_its_count_as_it_goes_out(client, call, day):
    """Who is on two teams gets two messages; what was submitted, and who left a team, get none."""
    first, second = call.proposals.get(status="draft"), ProposalFactory(call=call)
    place = TeamMember.objects.filter(membership__consortium=second.consortium).first()
    place.pk, place.user = None, representative_of(first)
    place.save()
    ProposalFactory(call=call, status="submitted")
    deserted = ProposalFactory(call=call)
    TeamMember.objects.filter(membership__consortium=deserted.consortium).update(removed_at=clock.now())
    Notice.objects.all().delete()
    client.force_login(officer())
    url, sent = sent_to_amend_requirements(client, call)
    if day:
        sent["effective_on"] = (clock.today() + timedelta(days=9)).isoformat()
    sent |= {"new-code": "upkeep", "new-title": "A plan of <b>upkeep</b>", "new-evidence_type": "text"}
    sent["new-clause"] = "Program policy"
    shown = client.post(url, sent)
    assert shown.status_code == 200
    ((told, mails),) = shown.context["retellings"]
    count = sum(team_of(each.consortium_id).count() for each in (first, second))
    assert told.below == 10 > count
    assert "Fewer than 10 messages go to the teams that work on a draft" in " ".join(shown.text.split())
    assert "<b>upkeep" not in shown.text and "&lt;b&gt;upkeep" in shown.text
    assert not Recheck.objects.exists() and not Notice.objects.exists()
    assert ("told again" in " ".join(shown.text.split())) is bool(day)

    assert client.post(url, {**sent, "seen": shown.context["preview"].seen}).status_code == 302
    sweep_deliveries()
    outbox.outbox.clear()
    assert schedule.recheck_drafts() == 3
    sweep_deliveries()
    assert len(outbox.outbox) == count
    (subject,) = {message.subject for message in outbox.outbox}
    assert {mail.subject for _, mail in mails} == {subject}
    here = re.compile(r"/proposals/\d*/?\n")
    shown_as = {here.sub("", mail.body) for _, mail in mails}
    missing = re.compile(r": [^\n]*upkeep[^\n]*\n")
    assert {missing.sub("", here.sub("", each.body)) for each in outbox.outbox} <= {
        missing.sub("", each) for each in shown_as
    }


def test_call_is_issued_from_a_page_that_shows_its_mail(client):
    call = drafted_call()
    by = officer()
    Subscription.objects.create(email="reader@firm.example", confirmed_at=clock.now())
    client.force_login(by)
    url = reverse("program:desk-call-issue", args=[call.number])
    assert client.get(url).status_code == 302
    approve_call(call, by=by)
    shown = client.get(url)
    assert "1 recipient is mailed" in " ".join(shown.text.split())
    read = {"revision": call.revision}
    with clock.moved_to(clock.instant() - timedelta(days=2)):
        earlier = client.get(url).context["preview"].seen
    for unseen in (read, {**read, "seen": earlier}):
        again = client.post(url, unseen)
        assert again.status_code == 200 and "What you saw is not what would go out now" in again.text
    call.refresh_from_db()
    assert call.status == "approved" and not Notice.objects.filter(kind="call-issued").exists()
    assert client.post(url, {**read, "seen": shown.context["preview"].seen}).status_code == 302
    sweep_deliveries()
    (sent,) = [message for message in outbox.outbox if message.to == ["reader@firm.example"]]
    assert sent.subject == shown.context["preview"].subject
    client.force_login(UserFactory())
    assert client.get(url).status_code == 404


def test_answer_shows_its_mail_and_a_private_one_none(client, call):
    client.force_login(officer())
    asked = ask_question(call, by=UserFactory(), text="Who may lead?")
    shown = client.get(reverse("program:desk-question", args=[asked.pk]))
    assert shown.context["preview"].reach == reach_of(call)
    assert shown.context["preview"].text in shown.text.replace("&#x27;", "'")
    private = ask_question(call, by=UserFactory(), text="Who?", is_confidential=True)
    shown = client.get(reverse("program:desk-question", args=[private.pk]))
    assert shown.context["preview"] is None and "The mail that goes out" not in shown.text


def pages_of(client, call):
    """What the Program office reads of whom an act on the call reaches, but for what always differs."""
    question = reverse("program:desk-question", args=[call.questions.get().pk])
    texts = [client.get(reverse("program:desk-call", args=[call.number])).text, client.get(question).text]
    for act, (typed, _, _) in PAGES.items():
        url = reverse(f"program:desk-call-{act}", args=[call.number])
        texts += [client.get(url).text, client.post(url, {**typed(call), "revision": call.revision}).text]
    url, sent = sent_to_amend_requirements(client, call)
    texts += [client.get(url).text, client.post(url, sent).text]
    texts.append(client.get(reverse("program:desk-call-add-file", args=[call.number])).text)
    varying = (
        r'data-now="[^"]+"|csrfmiddlewaretoken" value="[^"]+"|nonce="[^"]*"|hx-headers=\S+|X-CSRFToken\S+'
    )
    return [re.sub(varying, "", text) for text in texts]


@pytest.mark.parametrize("follows", [True, False])
def test_no_page_tells_that_there_is_a_draft(client, follows):
    call = issued_call()
    person = UserFactory()
    if follows:
        subscribe(call, by=person)
    ask_question(call, by=UserFactory(), text="Who may lead?")
    client.force_login(officer())
    before = pages_of(client, call)
    draft = ProposalFactory(call=call)
    place = TeamMember.objects.filter(membership__consortium=draft.consortium).first()
    place.pk, place.user = None, person
    place.save()
    assert pages_of(client, call) == before


def test_who_is_on_the_suppression_list_is_in_no_count(call):
    before = reach_of(call)
    submitted = call.proposals.get(status="submitted")
    for email in (representative_of(submitted).email, "reader@firm.example", representative_of_first(call)):
        Suppression.objects.create(email=email, cause="added", added_by=officer())
    after = reach_of(call)
    assert (before.on_teams - after.on_teams, before.followers - after.followers, after.addresses) == (
        1,
        1,
        0,
    )
    assert sum(each.count for each in readers_of(call, after) if not each.is_below) == after.known
