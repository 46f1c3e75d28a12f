"""Designated packages and referrals with their defaults written down.

``designated()`` is an active designation of a complete package for Kenya that asks for a direct loan of
120 million dollars; ``referral(status=...)`` brings a referral there by the real services.
"""

from __future__ import annotations

from decimal import Decimal

from evaluation.enums import DesignationStatus
from evaluation.models import Designation, Determination
from financing.enums import ReferralStatus
from financing.models import Tool
from financing.schedule import follow_designations
from financing.services.meetings import plan_meeting, put_on_agenda
from financing.services.referrals import (
    accept_referral,
    close_referral,
    commit_referral,
    decline_referral,
    propose_referral,
    refer_tool,
)
from program import clock
from program.enums import OfficeRole
from program.models import User
from proposals.enums import ProposalStatus
from tests.factories.evaluation import screened
from tests.factories.program import officer
from tests.factories.proposals import ProposalFactory
from tests.factories.remembered import remembered

PURPOSE = "To finance the data center in Nairobi and its first accelerators."


def chair():
    """A new person who chairs the EDAG for State."""
    return officer(OfficeRole.EDAG_CHAIR, "STATE")


def edag_officer(agency="EXIM"):
    return officer(OfficeRole.EDAG_OFFICER, agency)


def fresh(user):
    """The same person without what an instance remembers of offices."""
    return User.objects.get(pk=user.pk)


@remembered
def designated(*, status=DesignationStatus.ACTIVE, **proposal):
    """A designation whose proposal went through submission and screening by the real services."""
    record = ProposalFactory(status=ProposalStatus.DESIGNATED, **proposal)
    screened(record)
    version, at = record.latest_version, clock.instant()
    determination = Determination.objects.create(
        proposal=record, version=version, status="announced", outcome="designate",
        rationale="It advances the national interest.", prepared_by=officer(), packet="{}",
        signed_by=officer(OfficeRole.DECISION_OFFICIAL), signed_at=at, announced_at=at,
    )  # fmt: skip
    count = Designation.objects.count()
    designation = Designation.objects.create(
        number=f"AIX-D-2026-{count + 1:04}", proposal=record, version=version, determination=determination,
        designated_at=at,
    )  # fmt: skip
    if status != DesignationStatus.ACTIVE:
        bring_designation_to(designation, status)
    return designation


def bring_designation_to(designation, status):
    """Set the columns that the acts of the evaluation set."""
    stamps = {"suspended": "suspended_at", "revoked": "revoked_at", "expired": "expired_at"}
    values = {stamps[status]: clock.instant()} if status in stamps else {}
    Designation.objects.filter(pk=designation.pk).update(status=status, **values)
    designation.refresh_from_db()


@remembered
def proposed(designation=None, *, tool="direct_loan", by=None, **details):
    designation = designation or designated()
    record = Tool.objects.get(code=tool)
    details = {"market": "Kenya", "purpose": PURPOSE, "amount_usd": Decimal("100000000"), **details}
    details.setdefault("lead_officer", edag_officer(record.agency.code))
    return propose_referral(designation, tool=record, by=by or edag_officer("STATE"), **details)


@remembered
def committed(referral, **details):
    values = {
        "amount_usd": Decimal("90000000"), "committed_on": clock.today(), "term_months": 120,
        "instrument_reference": "EXIM board action 26-114", **details,
    }  # fmt: skip
    return commit_referral(referral, by=edag_officer(referral.agency.code), **values)


@remembered
def referral(status=ReferralStatus.PROPOSED, **details):
    """A referral that the real services brought to ``status``."""
    record = proposed(**details)
    holder = edag_officer(record.agency.code)
    if status in (ReferralStatus.PROPOSED, ReferralStatus.SUSPENDED):
        pass
    else:
        refer_tool(record, by=chair())
    if status in (ReferralStatus.ACCEPTED, ReferralStatus.COMMITTED, ReferralStatus.CLOSED):
        accept_referral(record, by=holder)
    if status in (ReferralStatus.COMMITTED, ReferralStatus.CLOSED):
        committed(record)
    if status == ReferralStatus.CLOSED:
        close_referral(record, by=holder)
    if status == ReferralStatus.DECLINED:
        decline_referral(record, by=holder, reason="The Bank does not finance this buyer.")
    if status == ReferralStatus.SUSPENDED:
        bring_designation_to(record.designation, DesignationStatus.SUSPENDED)
        follow_designations()
    record.refresh_from_db()
    return record


@remembered
def meeting(*, by=None, referral=None, **details):
    """A planned meeting with one item on its agenda."""
    head = chair()
    values = {
        "title": "EDAG meeting",
        "starts_at": clock.instant(),
        "place": "Harry S Truman Building",
        **details,
    }
    record = plan_meeting(chair=head, by=by or head, **values)
    put_on_agenda(record, title="Direct loan for Kenya", referral=referral, by=fresh(head))
    return record
