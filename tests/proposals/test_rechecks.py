"""Requirements of an open call are amended: drafts are checked anew, what was submitted stays as it was."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction

from evaluation import services as evaluation
from evaluation.checks import finds_on_every_mandatory_item
from program import clock
from program.clock_account import clock_account
from program.enums import EvidenceType
from program.models import AuditEvent, Call, Notice, Requirement
from program.revisions import StaleRevision
from program.services.calls import close_call
from program.services.demands import amend_requirements
from program.transitions import NotReady, WrongStatus
from proposals import schedule
from proposals.composition import compose, rules_of
from proposals.models import Answer, Proposal, Recheck
from proposals.services import submit_proposal
from proposals.services.rechecking import recheck_proposal
from tests.factories.program import RequirementFactory, UserFactory, drafted_call, issued_call, officer
from tests.factories.proposals import ProposalFactory, certified, representative_of, submitted

pytestmark = pytest.mark.django_db
WORDS = {"summary": "A change.", "reason": "A reason."}


def asked(code="pages", **facts):
    facts = {
        "title": "A plan of upkeep",
        "clause": "Program policy",
        "evidence_type": EvidenceType.TEXT,
    } | facts
    return Requirement(code=code, **facts)


def codes(refusal):
    return [problem.code for problem in refusal.value.problems]


def test_requirements_are_added_changed_and_withdrawn_in_one_amendment():
    call, person = issued_call(), officer()
    consortium, interest = (call.requirements.get(code=code) for code in ("consortium", "national-interest"))
    changed = copy(consortium)
    changed.guidance = "Name them all."
    amendment = amend_requirements(
        call, by=person, added=[asked()], changed=[changed], withdrawn=[interest], legal_basis="b", **WORDS
    )
    assert (amendment.number, amendment.kind) == (1, "demands")
    now = {row.code: row for row in call.requirements.demanded()}
    assert (now["consortium"].guidance, "pages" in now, "national-interest" in now) == (
        "Name them all.", True, False,
    )  # fmt: skip
    assert {row.code for row in amendment.added.all()} == {"consortium", "pages"}
    assert {row.code for row in amendment.withdrawn.all()} == {"consortium", "national-interest"}
    moment = now["pages"].demanded_from
    before = set(call.requirements.demanded(moment - timedelta(microseconds=1)))
    assert {consortium, interest} <= before and now["pages"] not in before
    assert set(call.requirements.demanded(moment)) == set(now.values())
    event = AuditEvent.objects.of(call).last()
    assert (event.act, event.actor, sorted(event.said["after"])) == (
        "call.amend_requirements", person, ["consortium", "pages"],
    )  # fmt: skip


def test_refused_amendment_changes_nothing():
    call, person = issued_call(), officer()
    read, layer = call.revision, call.requirements.get(code="layer-data")
    with pytest.raises(NotReady) as refusal:
        amend_requirements(call, by=person, withdrawn=[layer], **WORDS)
    assert codes(refusal) == ["call-order-requirements"]
    with pytest.raises(NotReady) as refusal:
        amend_requirements(call, by=person, **WORDS)
    assert codes(refusal) == ["demands-empty"]
    with pytest.raises(PermissionDenied):
        amend_requirements(call, by=UserFactory(), added=[asked()], **WORDS)
    with pytest.raises(ValidationError, match="with this code already"):
        amend_requirements(call, by=person, added=[asked("consortium")], **WORDS)
    with pytest.raises(WrongStatus):
        amend_requirements(drafted_call(), by=person, added=[asked()], **WORDS)
    with clock.moved_to(call.closes_at), pytest.raises(NotReady) as refusal:
        amend_requirements(call, by=person, added=[asked()], **WORDS)
    assert codes(refusal) == ["call-over"]
    assert (call.amendments.count(), call.requirements.exclude(demanded_to=None).count()) == (0, 0)
    assert Call.objects.get(pk=call.pk).revision == read


def test_second_of_two_amendments_from_one_page_is_refused():
    call, interest = issued_call(), Requirement.objects.none()
    read, interest = call.revision, call.requirements.get(code="national-interest")
    amend_requirements(call, by=officer(), withdrawn=[interest], revision=read, **WORDS)
    with pytest.raises(StaleRevision):
        amend_requirements(call, by=officer(), withdrawn=[interest], revision=read, **WORDS)
    with pytest.raises(NotReady) as refusal:
        amend_requirements(call, by=officer(), withdrawn=[interest], **WORDS)
    assert codes(refusal) == ["demand-gone"]
    assert call.amendments.count() == 1


def test_every_team_is_told_once_what_is_newly_missing(monkeypatch):
    call = issued_call()
    whole, bare = ProposalFactory(call=call, complete=True), ProposalFactory(call=call)
    sent, later = ProposalFactory(call=call, status="submitted"), None
    other = ProposalFactory(call=issued_call())
    amend_requirements(call, by=officer(), added=[asked()], **WORDS)
    later = ProposalFactory(call=call)
    monkeypatch.setattr(schedule, "MOST_RECHECKED", 1)
    assert [schedule.recheck_drafts() for _ in range(3)] == [1, 1, 0]
    told = Notice.objects.filter(kind="proposals.requirements_changed")
    assert sorted(told.values_list("recipient", "url")) == sorted(
        (draft.created_by_id, f"/proposals/{draft.pk}/") for draft in (whole, bare)
    )
    assert {notice.text for notice in told} == {
        "Amendment 1 changed the requirements. Newly missing in your draft: A plan of upkeep."
    }
    assert set(Recheck.objects.values_list("proposal", flat=True)) == {whole.pk, bare.pk}
    assert not {sent.pk, later.pk, other.pk} & set(Recheck.objects.values_list("proposal", flat=True))


def test_drafts_that_still_answer_a_closed_call_are_checked_and_no_other():
    call = issued_call()
    over, returned = ProposalFactory(call=call), ProposalFactory(call=call, status="returned")
    extended = ProposalFactory(call=call, extended_to=call.closes_at + timedelta(days=3))
    amend_requirements(call, by=officer(), added=[asked()], **WORDS)
    with clock.moved_to(call.closes_at + timedelta(minutes=1)):
        close_call(call, by=clock_account())
        assert [schedule.recheck_drafts() for _ in range(2)] == [2, 0]
    checked = set(Recheck.objects.values_list("proposal", flat=True))
    assert (checked, over.pk in checked) == ({returned.pk, extended.pk}, False)


def test_submission_received_before_an_amendment_is_read_as_its_requirements_stood():
    call = drafted_call()
    RequirementFactory(call=call, code="reach", title="Reach", evidence_type=EvidenceType.TEXT)
    call = issued_call(from_draft=call)
    proposal = ProposalFactory(call=call, complete=True)
    by, received, reach = representative_of(proposal), clock.instant(), call.requirements.get(code="reach")
    Answer.objects.create(proposal=proposal, requirement=reach, text="To the coast.")
    certified(proposal)
    reach.title = "Reach of the network"
    amend_requirements(call, by=officer(), changed=[reach], **WORDS)
    with clock.moved_to(received):
        version = submit_proposal(Proposal.objects.get(pk=proposal.pk), by=by)
    assert [row["title"] for row in json.loads(version.package)["answers"]] == ["Reach"]


@pytest.mark.django_db(transaction=True)
def test_draft_that_another_worker_has_is_passed_over_at_once():
    call = issued_call()
    held, free = ProposalFactory(call=call), ProposalFactory(call=call)
    amend_requirements(call, by=officer(), added=[asked()], **WORDS)
    clock_account()

    def tick():
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '60s'")
        try:
            return schedule.recheck_drafts()
        finally:
            connection.close()

    with transaction.atomic(), ThreadPoolExecutor(1) as pool:
        Proposal.objects.select_for_update().get(pk=held.pk)
        assert pool.submit(tick).result(timeout=20) == 1
    assert set(Recheck.objects.values_list("proposal", flat=True)) == {free.pk}
    assert schedule.recheck_drafts() == 1


def test_team_whose_draft_lacks_nothing_new_is_told_so():
    call = issued_call()
    draft = ProposalFactory(call=call)
    interest = call.requirements.get(code="national-interest")
    amend_requirements(call, by=officer(), withdrawn=[interest], **WORDS)
    schedule.recheck_drafts()
    told = Notice.objects.get(kind="proposals.requirements_changed", recipient=draft.created_by)
    assert told.text.endswith("Your draft lacks nothing that it did not lack before.")


def test_worker_that_dies_leaves_the_draft_to_the_next(monkeypatch):
    """Nothing of a broken check stays, and what another worker did is done once."""
    call = issued_call()
    draft = ProposalFactory(call=call)
    amendment = amend_requirements(call, by=officer(), added=[asked()], **WORDS)
    with pytest.raises(RuntimeError), transaction.atomic():
        recheck_proposal(draft, by=clock_account(), amendment=amendment)
        raise RuntimeError
    assert not Recheck.objects.exists()
    assert recheck_proposal(draft, by=clock_account(), amendment=amendment) is not None
    assert recheck_proposal(draft, by=clock_account(), amendment=amendment) is None
    assert Notice.objects.filter(kind="proposals.requirements_changed").count() == 1


def test_version_keeps_what_it_was_submitted_under():
    proposal = ProposalFactory(complete=True)
    call, version = proposal.call, None
    interest = call.requirements.get(code="national-interest")
    version = submitted(proposal)
    version = proposal.versions.get()
    with transaction.atomic():
        amend_requirements(call, by=officer(), added=[asked()], withdrawn=[interest], **WORDS)
    under = {rule.code for rule in rules_of(call, at=version.received_at).requirements}
    now = {rule.code for rule in rules_of(call).requirements}
    assert (under - now, now - under) == ({"national-interest"}, {"pages"})
    proposal.refresh_from_db()
    found = {problem.code for problem in finds_on_every_mandatory_item(proposal)}
    assert ("not-found-national-interest" in found, "not-found-pages" in found) == (True, False)
    evaluation.review_completeness(version, interest, by=officer(), finding="accepted")
    found = {problem.code for problem in finds_on_every_mandatory_item(proposal)}
    assert "not-found-national-interest" not in found


def test_answer_follows_the_requirement_that_was_changed_and_leaves_one_that_is_withdrawn():
    call = drafted_call()
    RequirementFactory(call=call, code="upkeep", evidence_type=EvidenceType.TEXT)
    RequirementFactory(call=call, code="reach", evidence_type=EvidenceType.TEXT)
    call = issued_call(from_draft=call)
    draft = ProposalFactory(call=call)
    for code in ("upkeep", "reach"):
        Answer.objects.create(
            proposal=draft, requirement=call.requirements.get(code=code), text=f"On {code}."
        )
    changed = call.requirements.get(code="upkeep")
    changed.title = "Upkeep for five years"
    reach = call.requirements.get(code="reach")
    amend_requirements(call, by=officer(), changed=[changed], withdrawn=[reach], **WORDS)
    assert [(answer.requirement, answer.text) for answer in compose(draft).answers] == [
        ("upkeep", "On upkeep.")
    ]
    schedule.recheck_drafts()
    told = Notice.objects.get(kind="proposals.requirements_changed", recipient=draft.created_by)
    assert told.text.endswith("Your draft lacks nothing that it did not lack before.")
