"""Every transition is barred from every other status; who may not is refused first."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied

from evaluation import lifecycle
from evaluation.models import (
    Assignment,
    CatalogRelease,
    Designation,
    DesignationAmendment,
    Determination,
    InformationRequest,
    Referral,
    Review,
)
from program.clock_account import clock_account
from program.transitions import WrongStatus, perform
from tests.factories import evaluation as make
from tests.factories.program import UserFactory, officer
from tests.factories.proposals import representative_of
from tests.savepoints import taken_back

pytestmark = pytest.mark.django_db
TABLES = {
    Assignment: lifecycle.ASSIGNMENT_TRANSITIONS,
    Review: lifecycle.REVIEW_TRANSITIONS,
    Referral: lifecycle.REFERRAL_TRANSITIONS,
    InformationRequest: lifecycle.QUESTION_TRANSITIONS,
    Determination: lifecycle.DETERMINATION_TRANSITIONS,
    Designation: lifecycle.DESIGNATION_TRANSITIONS,
    CatalogRelease: lifecycle.CATALOG_TRANSITIONS,
    DesignationAmendment: lifecycle.AMENDMENT_TRANSITIONS,
}


def record_of(model):
    """A record of ``model`` that was brought about by the services, and who may do which act to it."""
    if model is Designation:
        return make.designated()
    if model is DesignationAmendment:
        return make.signed_amendment()
    if model is CatalogRelease:
        return make.released(make.designated())
    if model is Determination:
        return make.ready_to_sign()
    proposal = make.accepted()
    if model is Referral:
        return make.referral_of(proposal)
    if model is InformationRequest:
        return make.asked(proposal)
    assignment = make.assigned(proposal)
    return assignment if model is Assignment else make.filled_review(assignment)


def actor_for(transition, record):
    if isinstance(record, DesignationAmendment):
        by_officers = (lifecycle.DROP_AMENDMENT, lifecycle.CLEAR_AMENDMENT, lifecycle.SEND_AMENDMENT_BACK)
        return officer() if transition in by_officers else make.decision_official()
    if transition in (lifecycle.LAPSE, lifecycle.END_REFERRAL, lifecycle.EXPIRE):
        return clock_account()
    if isinstance(record, Review) and transition is lifecycle.SUBMIT_REVIEW:
        return record.reviewer
    if isinstance(record, Review | Referral) and transition not in (
        lifecycle.KEEP,
        lifecycle.REOPEN_REFERRAL,
    ):
        return make.lead()
    if isinstance(record, Determination | Designation) and transition not in (
        lifecycle.RENEW,
        lifecycle.CLEAR,
    ):
        return make.decision_official()
    if transition in (lifecycle.ANSWER_QUESTION, lifecycle.WITHDRAW_TEXT):
        return representative_of(record.proposal)
    return officer()


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.__name__)
def test_each_transition_is_barred_from_every_other_status(model):
    made, passed, tried = record_of(model), [], 0
    for status, _ in model._meta.get_field("status").choices:
        for transition in TABLES[model]:
            if status in transition.sources:
                continue
            tried += 1
            with taken_back():
                model.objects.filter(pk=made.pk).update(status=status, **stamps_of(made, status))
                record = model.objects.get(pk=made.pk)
                try:
                    perform(transition, record, by=actor_for(transition, record))
                except WrongStatus:
                    continue
                passed.append(f"{transition} from {status}")
    assert passed == []
    assert tried


def stamps_of(record, status):
    """What the constraints demand beside the status."""
    model = type(record)
    if model is CatalogRelease:
        return {"decided_by": officer(), "decided_at": record.released_at, "reason": "So."}
    if model is DesignationAmendment:
        return stamps_of_amendment(status)
    return dict.fromkeys(STAMPED.get((model, status), ()), "2026-11-01T00:00Z")


def stamps_of_amendment(status):
    if status in ("draft", "dropped"):
        return {"signed_at": None, "signed_by": None, "body": ""}
    if status in ("announced", "in_force", "lapsed"):
        at = "2026-11-01T00:00Z"
        told = {"number": 1, "announced_at": at, "effective_on": "2026-11-01"}
        return told | ({"in_force_at": at} if status == "in_force" else {})
    return {}


STAMPED = {
    (Assignment, "ended"): ["ended_at"],
    (Review, "submitted"): ["submitted_at"],
    (Referral, "answered"): ["answered_at"],
    (InformationRequest, "answered"): ["answered_at"],
    (Determination, "signed"): ["signed_at"],
    (Determination, "announced"): ["signed_at"],
    (Determination, "recalled"): ["signed_at"],
    (Designation, "revoked"): ["revoked_at"],
    (Designation, "expired"): ["expired_at"],
}


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.__name__)
def test_a_person_without_office_may_do_nothing(model):
    record, stranger = record_of(model), UserFactory()
    for transition in TABLES[model]:
        with pytest.raises(PermissionDenied):
            perform(transition, record, by=stranger)
