"""From proposal to commitment: every act beside its refusal, and the guard rails of s.3(d) and s.4(d)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from evaluation.enums import DesignationStatus
from evaluation.models import PartyCheck, ScreeningRun
from evaluation.schedule import screen_again, sweep_screenings
from evaluation.services import adjudicate
from financing.enums import OPEN_STATUSES, ReferralStatus
from financing.lifecycle import ACCEPT, COMMIT, REFER, TRANSITIONS
from financing.models import Commitment, Match, Tool, ToolReferral
from financing.schedule import follow_designations
from financing.services.matching import classify_country, match_tools
from financing.services.referrals import (
    accept_referral,
    close_referral,
    commit_referral,
    decline_referral,
    propose_referral,
    refer_tool,
    resume_referral,
    set_aside_referral,
    suspend_referral,
)
from program import clock
from program.clock_account import clock_account
from program.models import Agency, AuditEvent, Country, Notice
from program.transitions import NotReady, WrongStatus, perform
from tests.factories.evaluation import shorter_list
from tests.factories.financing import (
    PURPOSE,
    bring_designation_to,
    chair,
    committed,
    designated,
    edag_officer,
    proposed,
    referral,
)
from tests.factories.program import UserFactory, officer

INACTIVE = [DesignationStatus.SUSPENDED, DesignationStatus.REVOKED, DesignationStatus.EXPIRED]


def codes(refusal):
    return [problem.code for problem in refusal.value.problems]


def last_event(record):
    return AuditEvent.objects.of(record).last()


# Matching


def test_match_keeps_advice_and_supersedes_the_one_before():
    designation, officer_ = designated(), edag_officer("STATE")
    first = match_tools(designation, by=officer_)
    assert {match.tool.code for match in first} == {
        "direct_loan", "loan_guarantee", "exim_insurance", "exim_working_capital", "equity", "co_financing",
        "credit_guarantee", "political_risk_insurance", "technical_assistance", "feasibility_study",
    }  # fmt: skip
    second = match_tools(designation, by=officer_)
    assert Match.objects.filter(designation=designation).count() == len(first) + len(second)
    assert set(Match.objects.current().values_list("pk", flat=True)) == {match.pk for match in second}
    assert last_event(designation).act == "designation.match_tools"


def test_match_reads_the_designated_version_not_the_working_copy():
    designation = designated()
    designation.proposal.support_requests.all().delete()
    requested = [match for match in match_tools(designation, by=edag_officer()) if match.is_requested]
    assert [match.tool.code for match in requested] == ["direct_loan"]


@pytest.mark.parametrize("status", INACTIVE)
def test_match_is_refused_without_active_designation(status):
    with pytest.raises(NotReady) as refusal:
        match_tools(designated(status=status), by=edag_officer())
    assert codes(refusal) == ["designation-not-active"]


def test_match_is_not_for_people_outside_the_edag():
    designation = designated()
    for person in (officer(), UserFactory(), designation.proposal.created_by):
        with pytest.raises(PermissionDenied):
            match_tools(designation, by=person)


def test_class_that_an_officer_sets_changes_the_next_match():
    designation, by = designated(), edag_officer("DFC")
    before = {m.tool.code: m.assessment for m in match_tools(designation, by=by)}
    kenya = Country.objects.get(pk="KE")
    classify_country(kenya, standing="high_income", source="World Bank, July 2026", by=by)
    after = {m.tool.code: m.assessment for m in match_tools(designation, by=by)}
    assert (before["equity"], after["equity"]) == ("likely", "warning")
    with pytest.raises(NotReady) as refusal:
        classify_country(kenya, standing="high_income", source=" ", by=by)
    assert codes(refusal) == ["source-missing"]


# Propose


def test_proposal_records_authority_agency_and_number():
    record = proposed()
    assert record.number == f"{record.designation.number}-R1"
    assert (record.agency.code, record.citation, record.mechanism) == ("EXIM", "12 U.S.C. 635", "direct_loan")
    assert (record.country_id, record.status) == ("KE", ReferralStatus.PROPOSED)
    event = last_event(record)
    assert (event.act, event.clause) == ("toolreferral.propose", "s.4(d)")


def test_tool_that_was_not_requested_may_be_proposed():
    assert proposed(tool="equity").mechanism == ""


def test_proposal_lists_every_problem_at_once():
    designation = designated(status=DesignationStatus.SUSPENDED)
    with pytest.raises(NotReady) as refusal:
        propose_referral(
            designation, tool=Tool.objects.get(code="direct_loan"), agency=Agency.objects.get(code="DFC"),
            market="Atlantis", purpose=" ", lead_officer=edag_officer("EXIM"), by=edag_officer("STATE"),
        )  # fmt: skip
    assert codes(refusal) == [
        "market-not-targeted", "designation-not-active", "tool-not-held", "purpose-missing", "amount-unclear",
        "lead-not-in-office",
    ]  # fmt: skip
    assert not ToolReferral.objects.exists()


@pytest.mark.parametrize("tool", ["direct_loan", "equity", "feasibility_study", "sba_itl"])
def test_tool_goes_only_to_the_agency_that_holds_it(tool):
    designation, record = designated(), Tool.objects.get(code=tool)
    for agency in ("EXIM", "DFC", "USTDA", "SBA", "STATE"):
        details = {"agency": Agency.objects.get(code=agency), "lead_officer": edag_officer(agency)}
        if record.agency.code == agency:
            assert proposed(designation, tool=tool, **details).agency.code == agency
        else:
            with pytest.raises(NotReady) as refusal:
                proposed(designation, tool=tool, **details)
            assert "tool-not-held" in codes(refusal)


@pytest.mark.parametrize(
    ("amount", "tbd", "is_fine"),
    [(Decimal("5"), False, True), (None, True, True), (Decimal("5"), True, False), (None, False, False)],
)
def test_amount_is_stated_or_to_be_determined(amount, tbd, is_fine):
    if is_fine:
        assert proposed(amount_usd=amount, amount_is_tbd=tbd).amount_usd == amount
    else:
        with pytest.raises(NotReady) as refusal:
            proposed(amount_usd=amount, amount_is_tbd=tbd)
        assert codes(refusal) == ["amount-unclear"]


def test_same_tool_for_the_same_market_is_open_once():
    record = proposed()
    with pytest.raises(NotReady) as refusal:
        proposed(record.designation)
    assert codes(refusal) == ["already-proposed"]
    set_aside_referral(record, by=chair(), reason="Not now.")
    assert proposed(record.designation).number == f"{record.designation.number}-R2"


def test_proposal_is_not_for_people_outside_the_edag():
    designation = designated()
    for person in (officer(), UserFactory(), designation.proposal.created_by):
        with pytest.raises(PermissionDenied):
            proposed(designation, by=person)


# Refer, set aside, accept, decline, commit, close


def test_chair_refers_and_holder_and_consortium_are_told():
    holder, record = edag_officer("EXIM"), proposed()
    refer_tool(record, by=chair(), note="Agreed without objection.")
    assert (record.status, last_event(record).act) == (ReferralStatus.REFERRED, "toolreferral.refer")
    told = Notice.objects.filter(event=last_event(record))
    assert set(told.filter(kind="financing.referred").values_list("recipient", flat=True)) == {
        holder.pk, record.lead_officer_id,
    }  # fmt: skip
    anchor = record.designation.proposal.created_by
    assert list(told.filter(kind="financing.stage_reached").values_list("recipient", flat=True)) == [
        anchor.pk
    ]


def test_only_the_chair_refers():
    record = proposed()
    chair_elsewhere = officer("edag_chair", "COMMERCE")
    for person in (edag_officer("EXIM"), edag_officer("STATE"), officer(), chair_elsewhere, UserFactory()):
        with pytest.raises(PermissionDenied):
            refer_tool(record, by=person)
    assert ToolReferral.objects.get().status == ReferralStatus.PROPOSED


def test_referral_is_refused_when_the_tool_has_moved_to_another_agency():
    record = proposed()
    Tool.objects.filter(pk=record.tool_id).update(agency=Agency.objects.get(code="DFC"))
    with pytest.raises(NotReady) as refusal:
        refer_tool(record, by=chair())
    assert codes(refusal) == ["tool-not-held"]


def test_referral_waits_for_a_screening_that_holds():
    record, chair_ = proposed(), chair()
    later = clock.instant() + timedelta(days=record.designation.proposal.call.check_max_age_days, hours=1)
    with clock.moved_to(later), pytest.raises(NotReady) as refusal:
        refer_tool(record, by=chair_)
    assert codes(refusal) == ["checks-too-old"]

    shorter_list()
    for act in (lambda: refer_tool(record, by=chair_), lambda: proposed(record.designation, tool="equity")):
        with pytest.raises(NotReady) as refusal:
            act()
        assert codes(refusal) == ["stale-screening"]
    assert (screen_again(), sweep_screenings()) == (1, 1)
    refer_tool(record, by=chair_)
    record.refresh_from_db()
    assert record.status == ReferralStatus.REFERRED


def test_nothing_is_referred_while_a_party_may_be_listed():
    designation, chair_ = designated(), chair()
    record, desk = proposed(designation), officer()
    before = ScreeningRun.objects.get(version=designation.version)
    run = ScreeningRun.objects.create(
        version=designation.version, screening_list=before.screening_list, inputs_sha256=before.inputs_sha256,
        ruleset_version=before.ruleset_version, compliance_version=before.compliance_version,
        party_count=1, potential_count=1, run_by=desk, run_at=clock.now(),
    )  # fmt: skip
    check = PartyCheck.objects.create(
        run=run, party_key="x", party_name="Dragonfly", party_role="End user", result="potential_match",
        query={"names": ["Dragonfly"], "countries": []}, score=90, explanation="Like.",
        entry=before.screening_list.entries.filter(list_code="EL").first(),
    )  # fmt: skip
    for settled, code in ((False, "open-match"), (True, "blocked-party")):
        if settled:
            adjudicate(check, by=desk, outcome="confirmed", reason="The same address.")
        with pytest.raises(NotReady) as refusal:
            refer_tool(record, by=chair_)
        assert codes(refusal) == [code]
    record.refresh_from_db()
    assert record.status == ReferralStatus.PROPOSED


def test_referring_twice_refers_once():
    record, head = proposed(), chair()
    refer_tool(record, by=head)
    with pytest.raises(WrongStatus):
        refer_tool(record, by=head)
    assert AuditEvent.objects.of(record).filter(act="toolreferral.refer").count() == 1


def test_set_aside_asks_for_a_reason_and_tells_the_consortium_nothing():
    record = proposed()
    with pytest.raises(NotReady) as refusal:
        set_aside_referral(record, by=chair(), reason=" ")
    assert codes(refusal) == ["reason-missing"]
    assert ToolReferral.objects.get().status == ReferralStatus.PROPOSED
    set_aside_referral(record, by=chair(), reason="Another tool fits better.")
    assert (record.status, record.reason) == (ReferralStatus.CLOSED, "Another tool fits better.")
    anchor = record.designation.proposal.created_by
    assert not ToolReferral.objects.followed_by(anchor).exists()
    assert not Notice.objects.filter(recipient=anchor, kind__startswith="financing").exists()


@pytest.mark.parametrize(
    ("status", "act"),
    [
        (ReferralStatus.REFERRED, accept_referral),
        (ReferralStatus.REFERRED, lambda r, by: decline_referral(r, by=by, reason="No.")),
        (ReferralStatus.ACCEPTED, lambda r, by: decline_referral(r, by=by, reason="No.")),
        (ReferralStatus.COMMITTED, close_referral),
    ],
    ids=["accept", "decline", "decline accepted", "close"],
)
def test_holder_alone_acts_on_its_referral(status, act):
    record = referral(status)
    for person in (edag_officer("DFC"), chair(), officer(), UserFactory()):
        with pytest.raises(PermissionDenied):
            act(record, by=person)
    act(record, by=edag_officer("EXIM"))
    assert record.status != status


def test_decline_keeps_the_reason():
    record = referral(ReferralStatus.REFERRED)
    with pytest.raises(NotReady) as refusal:
        decline_referral(record, by=edag_officer("EXIM"), reason="")
    assert codes(refusal) == ["reason-missing"]
    decline_referral(record, by=edag_officer("EXIM"), reason="The buyer's country is not open.")
    record.refresh_from_db()
    assert (record.status, record.reason) == (ReferralStatus.DECLINED, "The buyer's country is not open.")
    assert record.declined_at


def test_commitment_is_recorded_once_with_its_instrument():
    record = referral(ReferralStatus.ACCEPTED)
    commitment = committed(record)
    assert (record.status, commitment.amount_usd) == (ReferralStatus.COMMITTED, Decimal("90000000"))
    assert commitment.is_subject_to_appropriations
    assert last_event(commitment).act == "commitment.record"
    with pytest.raises(WrongStatus):
        committed(record)
    assert Commitment.objects.count() == 1


@pytest.mark.parametrize(
    ("details", "code"),
    [
        ({"amount_usd": Decimal(0)}, "amount-missing"),
        ({"instrument_reference": " "}, "instrument-missing"),
        ({"committed_on": "tomorrow"}, "committed-in-future"),
    ],
)
def test_commitment_that_says_too_little_is_refused_and_changes_nothing(details, code):
    record = referral(ReferralStatus.ACCEPTED)
    if details.get("committed_on"):
        details = {"committed_on": clock.today() + timedelta(days=1)}
    with pytest.raises(NotReady) as refusal:
        committed(record, **details)
    assert codes(refusal) == [code]
    assert ToolReferral.objects.get().status == ReferralStatus.ACCEPTED
    assert AuditEvent.objects.of(record).filter(act="toolreferral.commit").count() == 0


def test_commitment_is_for_the_holder_alone():
    record = referral(ReferralStatus.ACCEPTED)
    for person in (chair(), edag_officer("DFC"), officer()):
        with pytest.raises(PermissionDenied):
            commit_referral(
                record, by=person, amount_usd=Decimal(5), committed_on=clock.today(), instrument_reference="X"
            )


def test_commitment_cannot_be_changed_behind_the_portal():
    commitment = committed(referral(ReferralStatus.ACCEPTED))
    with pytest.raises(IntegrityError), transaction.atomic():
        Commitment.objects.filter(pk=commitment.pk).update(amount_usd=1)


# Guard rails


@pytest.mark.parametrize("transition", TRANSITIONS, ids=str)
def test_transition_is_barred_from_every_other_status(transition):
    record = proposed()
    stamps = ("referred_at", "accepted_at", "committed_at", "declined_at")
    ToolReferral.objects.filter(pk=record.pk).update(**dict.fromkeys(stamps, clock.now()))
    actors = {"suspend": clock_account, "resume": clock_account, "refer": chair, "set_aside": chair}
    by = actors.get(transition.name, edag_officer)()
    for status in set(ReferralStatus) - transition.sources:
        ToolReferral.objects.filter(pk=record.pk).update(status=status)
        with pytest.raises(WrongStatus):
            perform(transition, record, by=by)


@pytest.mark.parametrize("status", INACTIVE)
@pytest.mark.parametrize(
    ("transition", "stage", "by"),
    [
        (REFER, ReferralStatus.PROPOSED, chair),
        (ACCEPT, ReferralStatus.REFERRED, edag_officer),
        (COMMIT, ReferralStatus.ACCEPTED, edag_officer),
    ],
    ids=["refer", "accept", "commit"],
)
def test_nothing_progresses_without_active_designation(transition, stage, by, status):
    record = referral(stage)
    bring_designation_to(record.designation, status)
    with pytest.raises(NotReady) as refusal:
        perform(transition, record, by=by())
    assert codes(refusal) == ["designation-not-active"]


@pytest.mark.parametrize("stage", OPEN_STATUSES)
def test_open_referral_rests_with_its_designation_and_goes_on_where_it_stood(stage):
    record = referral(stage)
    bring_designation_to(record.designation, DesignationStatus.SUSPENDED)
    seen = ToolReferral.objects.get()
    assert (seen.status, seen.stage) == (stage, ReferralStatus.SUSPENDED), "true before the clock has come"
    assert ToolReferral.objects.all().stage_sums() == {"suspended": (1, {"funding": record.amount_usd})}
    assert follow_designations() == 1
    assert follow_designations() == 0
    record.refresh_from_db()
    assert record.status == ReferralStatus.SUSPENDED
    bring_designation_to(record.designation, DesignationStatus.ACTIVE)
    assert follow_designations() == 1
    record.refresh_from_db()
    assert record.status == stage
    assert [event.actor.is_service for event in AuditEvent.objects.of(record)][-2:] == [True, True]


@pytest.mark.parametrize("stage", [ReferralStatus.COMMITTED, ReferralStatus.CLOSED, ReferralStatus.DECLINED])
@pytest.mark.parametrize("status", INACTIVE)
def test_commitment_is_untouched_when_the_designation_ends(stage, status):
    record = referral(stage)
    bring_designation_to(record.designation, status)
    assert follow_designations() == 0
    assert ToolReferral.objects.get().stage == stage
    assert Commitment.objects.count() == (stage != ReferralStatus.DECLINED)


def test_suspension_is_the_clock_s_and_only_with_the_designation():
    record = proposed()
    with pytest.raises(NotReady) as refusal:
        suspend_referral(record, by=clock_account())
    assert codes(refusal) == ["designation-active"]
    bring_designation_to(record.designation, DesignationStatus.REVOKED)
    for person in (chair(), edag_officer(), officer()):
        with pytest.raises(PermissionDenied):
            suspend_referral(record, by=person)
    suspend_referral(record, by=clock_account())
    with pytest.raises(NotReady) as refusal:
        resume_referral(record, by=clock_account())
    assert codes(refusal) == ["designation-not-active"]


def test_recused_officer_neither_sees_nor_acts():
    record, person = referral(ReferralStatus.REFERRED), edag_officer("EXIM")
    record.designation.proposal.recusals.create(
        user=person, reason="Spouse works there.", recused_by=officer(), recused_at=clock.now()
    )
    assert not ToolReferral.objects.visible_to(person).exists()
    with pytest.raises(PermissionDenied):
        accept_referral(record, by=person)
    assert record.purpose == PURPOSE


def test_board_sums_a_commitment_by_what_was_committed():
    referral(ReferralStatus.COMMITTED)
    assert ToolReferral.objects.all().stage_sums() == {"committed": (1, {"funding": Decimal("90000000")})}
