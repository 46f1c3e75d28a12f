"""What may be recorded as committed, what needs a confirmation, and what no one may record."""

from __future__ import annotations

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from evaluation.enums import DesignationStatus
from financing.enums import ReferralStatus
from financing.models import Commitment, ToolReferral
from financing.services.referrals import accept_referral, close_referral, refer_tool, supersede_commitment
from program import clock
from program.models import AuditEvent, Notice
from program.transitions import NotReady, WrongStatus
from tests.factories.financing import (
    bring_designation_to,
    chair,
    committed,
    edag_officer,
    fresh,
    proposed,
    referral,
)
from tests.factories.program import officer

ABOVE = Decimal("100000000.01")
REASON = "The board raised the amount with the scope."


def codes(refusal):
    return [problem.code for problem in refusal.value.problems]


def last_note(record):
    return AuditEvent.objects.of(record).last().body


def events(record):
    return AuditEvent.objects.of(record).count()


@pytest.fixture
def accepted():
    """Referred ten days ago and accepted two days ago, 100 million dollars."""
    with clock.moved_to(clock.instant() - timedelta(days=10)):
        record = proposed()
        refer_tool(record, by=chair())
    with clock.moved_to(clock.instant() - timedelta(days=2)):
        accept_referral(record, by=edag_officer())
    return record


def days_ago(days):
    return clock.today() - timedelta(days=days)


@pytest.mark.parametrize(
    ("details", "code"),
    [
        ({"amount_usd": Decimal(-5)}, "amount-missing"),
        ({"amount_usd": Decimal(10) ** 12}, "amount-absurd"),
        ({"term_months": 0}, "term-absurd"),
        ({"term_months": -12}, "term-absurd"),
        ({"term_months": 601}, "term-absurd"),
        ({"committed_on": 11}, "committed-before-referral"),
        ({"committed_on": -1}, "committed-in-future"),
    ],
)
def test_impossible_commitment_is_refused_whatever_is_confirmed(accepted, details, code):
    if "committed_on" in details:
        details = {"committed_on": days_ago(details["committed_on"])}
    before = events(accepted)
    with pytest.raises(NotReady) as refusal:
        committed(accepted, is_confirmed=True, reason=REASON, **details)
    assert code in codes(refusal)
    assert (ToolReferral.objects.get().status, events(accepted)) == (ReferralStatus.ACCEPTED, before)
    assert not Commitment.objects.exists()


@pytest.mark.parametrize(
    ("details", "code"),
    [({"amount_usd": ABOVE}, "above-referral"), ({"committed_on": 5}, "before-acceptance")],
)
def test_unusual_commitment_asks_for_a_confirmation_with_its_reason(accepted, details, code):
    if "committed_on" in details:
        details = {"committed_on": days_ago(details["committed_on"])}
    with pytest.raises(NotReady) as refusal:
        committed(accepted, **details)
    assert codes(refusal) == [code, "not-confirmed", "reason-missing"]
    with pytest.raises(NotReady) as refusal:
        committed(accepted, is_confirmed=True, reason=" ", **details)
    assert codes(refusal) == ["reason-missing"]
    with pytest.raises(NotReady) as refusal:
        committed(accepted, reason=REASON, **details)
    assert codes(refusal) == [code, "not-confirmed"]
    kept = committed(accepted, is_confirmed=True, reason=REASON, **details)
    assert kept.reason == REASON
    assert "Confirmed although unusual: The commitment of" in last_note(accepted)
    assert REASON in last_note(accepted)


def test_commitment_on_the_day_of_the_referral_at_its_amount_is_usual():
    record = referral(ReferralStatus.ACCEPTED)
    kept = committed(record, amount_usd=record.amount_usd, committed_on=clock.today(), reason="Unasked.")
    assert kept.reason == ""
    assert "unusual" not in last_note(record)


def test_amount_to_be_determined_has_nothing_to_be_above():
    record = referral(ReferralStatus.ACCEPTED, amount_usd=None, amount_is_tbd=True)
    assert committed(record, amount_usd=ABOVE).amount_usd == ABOVE


@pytest.mark.parametrize("status", [DesignationStatus.SUSPENDED, DesignationStatus.REVOKED])
def test_nothing_is_committed_after_the_designation_ended(accepted, status):
    bring_designation_to(accepted.designation, status)
    with pytest.raises(NotReady) as refusal:
        committed(accepted)
    assert codes(refusal) == ["designation-not-active"]
    assert not Commitment.objects.exists()


def recuse(person, record):
    record.designation.proposal.recusals.create(
        user=person, reason="Kin.", recused_by=officer(), recused_at=clock.now()
    )


def new_terms(record, **details):
    values = {"amount_usd": Decimal("80000000"), "committed_on": clock.today(),
              "instrument_reference": "Board action 26-200"}  # fmt: skip
    return values | {"replaces": record.commitment_id, "reason": "The board lowered it."} | details


def test_recused_holder_and_other_holders_neither_commit_nor_replace():
    record, person = referral(ReferralStatus.COMMITTED), edag_officer()
    recuse(person, record)
    for who in (person, edag_officer("DFC"), chair(), officer()):
        with pytest.raises(PermissionDenied):
            supersede_commitment(record, by=fresh(who), **new_terms(record))
    assert Commitment.objects.count() == 1


# Superseded, never edited


def test_commitment_is_superseded_and_the_one_before_stays_on_record():
    head, record = chair(), referral(ReferralStatus.COMMITTED)
    first = record.commitment
    second = supersede_commitment(record, by=edag_officer(), **new_terms(record))
    record.refresh_from_db()
    assert (record.status, record.commitment, second.supersedes) == ("committed", second, first)
    assert Commitment.objects.get(pk=first.pk).amount_usd == Decimal("90000000")
    assert ToolReferral.objects.all().stage_sums() == {"committed": (1, {"funding": Decimal("80000000")})}
    event = AuditEvent.objects.of(record).last()
    assert (event.act, "The board lowered it." in event.body) == ("toolreferral.supersede", True)
    anchor = record.designation.proposal.created_by
    told = Notice.objects.filter(event=event, kind="financing.recorded_anew")
    assert {head.pk, anchor.pk} <= set(told.values_list("recipient", flat=True))


def test_commitment_is_replaced_only_by_who_read_the_one_that_stands():
    record = referral(ReferralStatus.COMMITTED)
    terms = new_terms(record)
    supersede_commitment(record, by=edag_officer(), **terms)
    with pytest.raises(NotReady) as refusal:
        supersede_commitment(record, by=edag_officer(), **terms)
    assert codes(refusal) == ["replaced-meanwhile"]
    assert Commitment.objects.count() == 2


def test_replacement_says_something_new_with_its_reason_and_stays_possible():
    record = referral(ReferralStatus.COMMITTED)
    before = record.commitment
    same = {"amount_usd": before.amount_usd, "committed_on": before.committed_on, "term_months": 120,
            "instrument_reference": before.instrument_reference}  # fmt: skip
    for details, expected in [
        (same, ["nothing-new"]),
        ({"reason": " "}, ["reason-missing"]),
        ({"amount_usd": ABOVE}, ["above-referral", "not-confirmed"]),
        ({"amount_usd": Decimal(0), "term_months": 0}, ["amount-missing", "term-absurd"]),
    ]:
        with pytest.raises(NotReady) as refusal:
            supersede_commitment(record, by=edag_officer(), **new_terms(record, **details))
        assert codes(refusal) == expected
    assert Commitment.objects.count() == 1


def test_without_active_designation_a_commitment_may_be_lowered_not_raised():
    record = referral(ReferralStatus.COMMITTED)
    bring_designation_to(record.designation, DesignationStatus.SUSPENDED)
    with pytest.raises(NotReady) as refusal:
        supersede_commitment(record, by=edag_officer(), **new_terms(record, amount_usd=Decimal("95000000")))
    assert codes(refusal) == ["raised-without-designation"]
    assert supersede_commitment(record, by=edag_officer(), **new_terms(record)).amount_usd == 80_000_000


def test_closed_commitment_is_not_replaced():
    record = referral(ReferralStatus.CLOSED)
    with pytest.raises(WrongStatus):
        supersede_commitment(record, by=edag_officer(), **new_terms(record))


def test_database_keeps_one_first_commitment_and_one_successor():
    record = referral(ReferralStatus.COMMITTED)
    first = record.commitment
    supersede_commitment(record, by=edag_officer(), **new_terms(record))
    for supersedes in (None, first):
        with pytest.raises(IntegrityError), transaction.atomic():
            Commitment.objects.create(
                referral=record, supersedes=supersedes, amount_usd=5, committed_on=clock.today(),
                instrument_reference="X", recorded_by=officer(), recorded_at=clock.instant(),
            )  # fmt: skip


def test_what_was_set_aside_or_declined_adds_nothing_and_kinds_are_not_added():
    record = referral(ReferralStatus.COMMITTED)
    referral(ReferralStatus.DECLINED, designation=record.designation, tool="equity")
    cover = referral(ReferralStatus.ACCEPTED, designation=record.designation, tool="political_risk_insurance")
    committed(cover)
    close_referral(cover, by=edag_officer("DFC"))
    other = referral(ReferralStatus.ACCEPTED, designation=record.designation, tool="credit_guarantee")
    committed(other, amount_usd=Decimal(7))
    assert ToolReferral.objects.all().stage_sums() == {
        "declined": (1, {}),
        "closed": (1, {"cover": Decimal("90000000")}),
        "committed": (2, {"cover": Decimal(7), "funding": Decimal("90000000")}),
    }


# On the page


@pytest.fixture
def holder(client, settings):
    settings.DEMONSTRATION = True
    person = edag_officer()
    client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
    return person


def send(client, record, act, **fields):
    data = {f"{act}-{name}": value for name, value in fields.items()}
    return client.post(reverse(f"financing:{act}", args=[record.number]), data)


def terms_on_page(**details):
    values = {"amount_usd": "90000000", "committed_on": f"{clock.today()}", "term_months": "120",
              "instrument_reference": "Board action 26-114"}  # fmt: skip
    return values | details


def test_impossible_terms_are_named_beside_their_fields_and_on_top(client, holder, accepted):
    answer = send(
        client, accepted, "commit",
        **terms_on_page(amount_usd="0", term_months="900", committed_on=f"{days_ago(-1)}"),
    )  # fmt: skip
    text = answer.content.decode()
    assert answer.status_code == 422
    form = answer.context["failed"]
    assert set(form.errors) == {"amount_usd", "term_months", "committed_on"}
    assert "is_confirmed" not in form.fields
    for anchor in ("amount_usd", "term_months", "committed_on"):
        assert f'href="#id_commit-{anchor}"' in text
        assert f'id="id_commit-{anchor}_error"' in text


def test_confirmation_is_asked_for_only_when_something_is_unusual(client, holder, accepted):
    page = reverse("financing:referral", args=[accepted.number])
    assert b"commit-is_confirmed" not in client.get(page).content
    answer = send(client, accepted, "commit", **terms_on_page(amount_usd="100000001"))
    assert answer.status_code == 422
    assert b"is above the $100,000,000 that were referred" in answer.content
    assert b'name="commit-is_confirmed"' in answer.content
    assert not Commitment.objects.exists()
    terms = terms_on_page(amount_usd="100000001", is_confirmed="on", reason=REASON)
    assert send(client, accepted, "commit", **terms).status_code == 302
    assert REASON in client.get(page).content.decode()


def test_commit_pressed_twice_commits_once(client, holder, accepted):
    assert send(client, accepted, "commit", **terms_on_page()).status_code == 302
    answer = send(client, accepted, "commit", **terms_on_page())
    assert "was not done" in client.get(answer.url).content.decode()
    assert Commitment.objects.count() == 1


def test_commitment_is_replaced_on_the_page_and_both_are_shown(client, holder, accepted):
    committed(accepted)
    page = reverse("financing:referral", args=[accepted.number])
    form = next(
        act["form"] for act in client.get(page).context["acts"] if act["transition"].name == "supersede"
    )
    assert form.initial["amount_usd"] == Decimal("90000000")
    terms = terms_on_page(amount_usd="80000000", replaces=accepted.commitment_id)
    refused = send(client, accepted, "supersede", **terms)
    assert set(refused.context["failed"].errors) == {"reason"}
    assert send(client, accepted, "supersede", reason="Lowered.", **terms).status_code == 302
    text = client.get(page).content.decode()
    assert "$80,000,000" in text
    assert "$90,000,000" in text


# Two people at once


@pytest.mark.django_db(transaction=True)
def test_of_two_officers_who_commit_at_once_one_does():
    record, outcome = referral(ReferralStatus.ACCEPTED), []

    def commit():
        try:
            outcome.append(committed(ToolReferral.objects.get(pk=record.pk)))
        except WrongStatus as refusal:
            outcome.append(refusal)
        finally:
            connection.close()

    thread = threading.Thread(target=commit)
    with transaction.atomic():
        committed(record)
        thread.start()
        thread.join(1.5)
        assert not outcome, "It did not wait."
    thread.join(20)
    assert isinstance(outcome[0], WrongStatus)
    assert Commitment.objects.count() == 1
