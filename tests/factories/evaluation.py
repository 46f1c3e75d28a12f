"""Evaluations brought about by the real services: see ``accepted`` and ``ready_to_sign`` first."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from pathlib import Path
from random import Random

from django.db.models import F

from bench.names import made_up
from evaluation import services
from evaluation.decided import sha256_to_clear
from evaluation.enums import Outcome, Stance
from evaluation.listfile import HEADER
from evaluation.models import (
    CompletenessReview,
    Designation,
    DesignationAmendment,
    Determination,
    Referral,
    ScreeningList,
)
from program import clock
from program.enums import OfficeRole
from program.models import Agency, Delegation
from proposals.enums import ProposalStatus
from proposals.models import Proposal, Version
from proposals.services import resubmit_proposal
from tests.factories.program import AgencyFactory, officer
from tests.factories.proposals import ProposalFactory, certified, representative_of
from tests.factories.remembered import remembered

EVALUATING = ("COMMERCE", "STATE", "DOD", "DOE", "OSTP")
LIST = Path(services.__file__).parents[1] / "data" / "fictional_screening_list.csv"


@remembered
def five_agencies():
    return [AgencyFactory(code=code) for code in EVALUATING]


def lead(agency="STATE"):
    return officer(OfficeRole.LEAD, agency)


def reviewer(agency="STATE"):
    return officer(OfficeRole.REVIEWER, agency)


def decision_official():
    return officer(OfficeRole.DECISION_OFFICIAL, "COMMERCE")


@remembered
def screening_list(by=None, whole=False):
    """The fictional list, imported once; ``whole`` after another list."""
    if not whole and (made := ScreeningList.objects.first()):
        return made
    with LIST.open("rb") as file:
        return services.import_screening_list(
            file, by=by or officer(), name="Fictional list", file_date=date(2026, 11, 1)
        )


def shorter_list(by=None, **facts):
    """The fictional list without its last row."""
    rows = LIST.read_bytes().splitlines(keepends=True)[:-1]
    facts = {"name": "Shorter", "file_date": date(2026, 11, 2)} | facts
    return services.import_screening_list(io.BytesIO(b"".join(rows)), by=by or officer(), **facts)


@remembered
def at_intake(**facts):
    """A submitted proposal that waits for intake."""
    five_agencies()
    return ProposalFactory(status=ProposalStatus.SUBMITTED, **facts)


@remembered
def accepted(by=None, **facts):
    """A proposal under evaluation, referred to the five agencies by the real service."""
    proposal = at_intake(**facts)
    accept(proposal, by or officer())
    return proposal


@remembered
def reviewed(proposal, by):
    """Every requirement of the call found given in the latest version, as the service would leave it."""
    version = version_of(proposal)
    known = CompletenessReview.objects.filter(version=version).values("requirement")
    CompletenessReview.objects.bulk_create(
        CompletenessReview(
            version=version, requirement=requirement, clause=requirement.clause, reviewed_by=by,
            finding="accepted",
        )
        for requirement in proposal.call.requirements.exclude(pk__in=known)
    )  # fmt: skip


@remembered
def accept(proposal, by):
    """Look through the latest version, screen its parties, take it into evaluation."""
    reviewed(proposal, by)
    screened(proposal, by)
    services.accept_proposal(proposal, by=by)


def version_of(proposal):
    return Version.objects.get(proposal=proposal, number=proposal.version_count)


def referral_of(proposal, agency="STATE"):
    return Referral.objects.get(version=version_of(proposal), agency__code=agency)


@remembered
def assigned(proposal, agency="STATE", person=None, by=None, declared=True):
    """An assignment whose reviewer has declared no conflict."""
    assignment = services.assign_reviewer(
        proposal,
        reviewer=person or reviewer(agency),
        agency=Agency.objects.get(code=agency),
        by=by or officer(),
    )
    if declared:
        services.declare_conflict(assignment, by=assignment.reviewer, has_conflict=False)
    return assignment


@remembered
def filled_review(assignment, value=4):
    """A draft sheet that lacks nothing."""
    review = services.open_review(assignment, by=assignment.reviewer)
    for score in review.scores.all():
        services.save_score(
            score,
            by=assignment.reviewer,
            values={"value": value, "strengths": "Measured in two wards."},
            revision=None,
        )
    return services.save_review(
        review,
        by=assignment.reviewer,
        revision=None,
        values={"recommendation": "support", "rationale": "It works and helps an ally."},
    )


@remembered
def filed(proposal, agency, stance=Stance.SUPPORT, **facts):
    """The position of one agency, signed by a lead of it; the one that stands where it says the same."""
    facts.setdefault("rationale", "The package serves the national interest.")
    if stance == Stance.SUPPORT_WITH_CONDITIONS:
        facts.setdefault("conditions", "Weights stay in the hardware module.")
    referral = referral_of(proposal, agency)
    if standing := referral.positions.filter(pk=referral.position_id or 0, stance=stance, **facts).first():
        return standing
    return services.file_position(referral, by=lead(agency), stance=stance, **facts)


@remembered
def consulted(proposal, **stances):
    """Five positions; ``STATE="object"`` names another than support."""
    for code in EVALUATING:
        filed(proposal, code, stances.get(code, Stance.SUPPORT))


@remembered
def asked(proposal, by=None):
    """An open question of Commerce."""
    return services.ask_consortium(
        proposal,
        by=by or officer(),
        agency=AgencyFactory(code="COMMERCE"),
        question="Who holds the weights?",
        due_on=clock.today() + timedelta(days=10),
    )


@remembered
def screened(proposal, by=None):
    by = by or officer()
    screening_list(by)
    return services.screen_version(version_of(proposal), by=by)


@remembered
def flagged(proposal, by=None, name="Fictional Dragonfly Semiconductor"):
    """The one open match of a proposal whose end user bears the name of a listed party."""
    by = by or officer()
    before = version_of(proposal).value
    parties = (before.compliance.parties[0].model_copy(update={"legal_name": name}),)
    new_version(proposal, {"compliance": before.compliance.model_copy(update={"parties": parties})})
    return screened(proposal, by).checks.exclude(result="no_hit").get()


def found(determination):
    """A finding, met, on every requirement, as the service would leave it."""
    determination.findings.update(is_met=True, text="Shown in the package.", revision=F("revision") + 1)


@remembered
def ready_to_sign(proposal=None, outcome=Outcome.DESIGNATE, by=None, **stances):
    """A draft determination that was cleared and lacks nothing but the signature."""
    by = by or officer()
    proposal = proposal or accepted(by)
    consulted(proposal, **stances)
    screened(proposal, by)
    determination = services.prepare_determination(proposal, by=by)
    found(determination)
    for referral in Referral.objects.filter(position__stance=Stance.OBJECT, version=determination.version):
        services.answer_objection(
            determination, referral.position, by=by, answer="The concern is met by a condition."
        )
    services.save_determination(
        determination,
        by=by,
        revision=None,
        values={
            "outcome": outcome,
            "rationale": "It serves the national interest.",
            "letter_text": "Your proposal was weighed against the Program's criteria.",
            "defer_until": clock.today() + timedelta(days=60) if outcome == Outcome.DEFER else None,
        },
    )
    return cleared(determination)


@remembered
def put_up(determination=None, **facts):
    """A draft that its preparer put up for clearance; one that was cleared is not cleared any more."""
    determination = determination or ready_to_sign(**facts)
    Determination.objects.filter(pk=determination.pk).update(
        cleared_by=None, cleared_at=None, cleared_sha256="", clearance_asked_at=None
    )
    determination.refresh_from_db()
    services.ask_to_clear(determination, by=determination.prepared_by)
    return determination


@remembered
def cleared(determination, by=None):
    """Cleared as the packet stands now, by an officer who has neither prepared nor signs it."""
    if determination.cleared_at is None or determination.cleared_sha256 != sha256_to_clear(determination):
        third = by or officer()
        services.clear_determination(put_up(determination), by=third)
        if by is None:
            third.offices.update(effective_to=clock.today())  # and is told nothing of what tests count
    return determination


@remembered
def signed(determination=None, by=None, **facts):
    determination = cleared(determination or ready_to_sign(**facts))
    services.sign_determination(determination, by=by or decision_official())
    return Determination.objects.get(pk=determination.pk)


@remembered
def designated(by=None, **facts):
    """A designation that was announced."""
    by = by or decision_official()
    determination = signed(by=by, **facts)
    services.announce_determination(determination, by=by)
    return Designation.objects.get(determination=determination)


@remembered
def released(designation, **values):
    """A text that the anchor released for the catalog and that nobody has decided on."""
    values = {"title": "Stack", "summary": "A stack.", **values}
    person = representative_of(designation.proposal)
    return services.release_catalog_entry(designation, by=person, values=values)


@remembered
def published(designation, by=None, **values):
    """The public entry of a designation, as its anchor released it and an officer published it."""
    return services.publish_catalog_entry(released(designation, **values), by=by or officer())


def new_version(proposal, change=None):
    """A further version, as a resubmission would freeze it; the title changes unless told what."""
    before = version_of(proposal)
    package = before.value.model_copy(update=change or {"title": "A new title"})
    proposal.version_count += 1
    proposal.save(update_fields=["version_count"])
    certification = before.certification
    certification.pk = None
    certification.save(force_insert=True)
    return Version.objects.create(
        proposal=proposal,
        number=proposal.version_count,
        package=package.to_json(),
        sha256=package.sha256,
        certification=certification,
        submitted_by=before.submitted_by,
        received_at=before.received_at,
        closes_at=before.closes_at,
        on_time=True,
        on_time_rule="By request of the Department.",
    )


@remembered
def resubmitted(proposal, **changes):
    """A further version, submitted by the anchor's representative as people do it; the title changes."""
    Proposal.objects.filter(pk=proposal.pk).update(**(changes or {"title": "A new title"}))
    proposal.refresh_from_db()
    certified(proposal)
    version = resubmit_proposal(proposal, by=representative_of(proposal))
    proposal.refresh_from_db()
    return version


def delegated(giver, receiver, act=Delegation.SIGN_POSITION, agency="STATE"):
    return Delegation.objects.create(
        agency=AgencyFactory(code=agency),
        given_by=giver,
        given_to=receiver,
        act=act,
        authority="Delegation Order 7",
        effective_from=date(2026, 1, 1),
    )


CONDITION = {
    "text": "Report each quarter.", "owner": "Anchor", "evidence": "The report.", "effect": "Suspension.",
}  # fmt: skip


@remembered
def with_condition(by=None, **facts):
    """A designation with one condition, due in sixty days."""
    desk = officer()
    draft = ready_to_sign(by=desk, **facts)
    due_on = clock.today() + timedelta(days=60)
    services.save_condition(draft, by=desk, values={**CONDITION, "due_on": due_on})
    return designated(by=by, determination=Determination.objects.get(pk=draft.pk))


@remembered
def two_markets(designation=None):
    """A designation of a version with two markets, and two components in its first layer."""
    designation = designation or with_condition()
    package = designation.version.value
    kenya, part = package.markets[0], package.components[0]
    ghana = kenya.model_copy(
        update={
            "key": "market-ghana", "code": "GH", "name": "Ghana",
            "countries": (kenya.countries[0].model_copy(update={"code": "GH", "name": "Ghana"}),),
        }
    )  # fmt: skip
    other = part.model_copy(update={"key": "component-other", "name": "A second rack"})
    change = {"markets": (*package.markets, ghana), "components": (*package.components, other)}
    designation.version = new_version(designation.proposal, change)
    designation.save()
    return Designation.objects.get(pk=designation.pk)


@remembered
def drafted_amendment(designation=None, by=None, lifts=True, **values):
    """A draft amendment that lacks nothing; it lifts the condition of the designation unless told not to."""
    designation, by = designation or with_condition(), by or officer()
    amendment = services.prepare_amendment(designation, by=by)
    condition = designation.conditions.first()
    if lifts and condition is not None:
        services.save_condition_change(amendment, by=by, kind="lift", condition=condition)
    values = {"reason": "It is met by law now.", **values}
    return services.save_amendment(amendment, by=by, values=values, revision=None)


def with_added_condition(amendment):
    """The draft with a condition that it adds, due in a year."""
    values = {**CONDITION, "text": "File the second report.", "due_on": clock.today() + timedelta(days=365)}
    services.save_condition_change(amendment, by=amendment.prepared_by, kind="add", values=values)
    return DesignationAmendment.objects.get(pk=amendment.pk)


@remembered
def cleared_amendment(amendment=None, by=None, **facts):
    amendment = amendment or drafted_amendment(**facts)
    services.ask_to_clear_amendment(amendment, by=amendment.prepared_by)
    third = by or officer()
    services.clear_amendment(amendment, by=third)
    if by is None:
        third.offices.update(effective_to=clock.today())
    return DesignationAmendment.objects.get(pk=amendment.pk)


@remembered
def signed_amendment(amendment=None, by=None, **facts):
    amendment = cleared_amendment(amendment, **facts)
    services.sign_amendment(amendment, by=by or decision_official())
    return DesignationAmendment.objects.get(pk=amendment.pk)


@remembered
def amended(amendment=None, by=None, **facts):
    """An amendment that was announced; in force where no later day is named."""
    by = by or decision_official()
    amendment = signed_amendment(amendment, by=by, **facts)
    services.announce_amendment(amendment, by=by)
    return DesignationAmendment.objects.get(pk=amendment.pk)


def long_list(entries, seed=14320):
    """A file of ``entries`` made-up parties with other names and addresses, as long as real rows are."""
    names, chance = made_up(Random(seed)), Random(seed)
    text = io.StringIO()
    rows = csv.DictWriter(text, HEADER, restval="")
    rows.writeheader()
    for number in range(entries):
        rows.writerow(
            {
                "_id": f"{number:040x}",
                "source": "Entity List (EL) - Bureau of Industry and Security",
                "name": f"{next(names).title()} Co., Ltd.",
                "alt_names": "; ".join(next(names).title() for _ in range(chance.randint(0, 4))),
                "addresses": f"{number} Fictional Road, Sample District, Nowhere City, CN",
                "federal_register_notice": "00 FR 00000, 2026-01-01",
                "license_requirement": "For all items subject to the EAR. (See Sec. 744.11 of the EAR)",
                "license_policy": "Presumption of denial",
                "source_list_url": "https://list.example/entities",
                "remarks": "A made-up entry, as long as those of the file are in the middle: " + "x" * 200,
            }
        )
    return io.BytesIO(text.getvalue().encode())
