"""One proposal from intake to the catalog, by the services alone."""

from __future__ import annotations

import json

import pytest

from evaluation import services
from evaluation.enums import DesignationStatus, DeterminationStatus
from evaluation.models import CatalogEntry, Designation, Letter
from program import audit
from program.models import AuditEvent, Notice
from proposals.enums import ProposalStatus
from proposals.models import Proposal
from tests.factories import evaluation as make
from tests.factories.program import CriterionFactory, officer
from tests.factories.proposals import representative_of

pytestmark = pytest.mark.django_db


def test_walk_from_intake_to_the_catalog():
    desk, chief = officer(), make.decision_official()
    proposal = make.at_intake()
    CriterionFactory(call=proposal.call)
    make.screened(proposal, desk)
    make.reviewed(proposal, desk)
    services.accept_proposal(proposal, by=desk)
    services.submit_review(make.filled_review(assignment := make.assigned(proposal)), by=assignment.reviewer)
    determination = make.ready_to_sign(proposal, by=desk, STATE="object")

    services.sign_determination(determination, by=chief)

    assert Proposal.objects.get(pk=proposal.pk).status == ProposalStatus.UNDER_EVALUATION
    assert not Letter.objects.exists()

    services.announce_determination(determination, by=chief)

    designation = Designation.objects.get()
    letter = Letter.objects.get()
    determination.refresh_from_db()
    assert Proposal.objects.get(pk=proposal.pk).status == ProposalStatus.DESIGNATED
    assert determination.status == DeterminationStatus.ANNOUNCED
    assert designation.status == DesignationStatus.ACTIVE
    assert designation.number.startswith("AIX-D-")
    assert json.loads(letter.body)["designation_number"] == designation.number
    assert (
        Notice.objects.filter(kind="evaluation.announced", recipient=representative_of(proposal)).count() == 1
    )
    assert not CatalogEntry.objects.public().exists()

    make.published(designation)

    assert CatalogEntry.objects.public().count() == 1
    assert audit.verify().is_sound
    assert AuditEvent.objects.filter(act="determination.announce").count() == 1
