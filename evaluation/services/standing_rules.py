"""Assignment by rule: who goes first for a layer or a sector reads what has it, from its acceptance on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evaluation.enums import ReferralStatus
from evaluation.models import Referral, ReviewerProfile
from evaluation.packets import in_package
from evaluation.services.assignments import assign_reviewer
from evaluation.suggesting import Facts
from evaluation.workload import rooms_of, with_needs

if TYPE_CHECKING:
    from evaluation.models import Assignment
    from evaluation.workload import Reviewer
    from program.models import User
    from proposals.models import Version


def assign_by_rule(version: Version, *, by: User) -> list[Assignment]:
    """Assign whom a standing rule names, as far as the agencies need reviewers; part of the acceptance.

    Nobody is assigned above capacity, nor whom a recusal, a conflict or a hint of one keeps away: a lead or
    an officer assigns there, or asks for a suggestion.
    """
    if not ReviewerProfile.objects.exclude(named_for=[]).exists():
        return []
    opened = Referral.objects.filter(version=version, status=ReferralStatus.OPEN)
    rows: Any = with_needs(opened).select_related("agency", "version__proposal").defer("version__package")
    referrals = list(rows.annotate(sectors=in_package("$.components[*].sector")))
    rooms = rooms_of([referral.agency for referral in referrals])
    facts = Facts(referrals, rooms)
    reviewers = {room.agency.pk: room.reviewers for room in rooms}
    made: list[Assignment] = []
    for referral in referrals:
        named = sorted(
            (each for each in reviewers[referral.agency_id] if _is_named(facts, referral, each, made)),
            key=lambda each: (each.open, each.person.name, each.person.pk),
        )
        for each in named[: max(0, referral.needed - referral.assigned)]:
            first, _, _ = facts.matched(referral, each)
            note = f"By the standing rule of who goes first for: {', '.join(first)}."
            made.append(
                assign_reviewer(
                    version.proposal, reviewer=each.person, agency=referral.agency, by=by, note=note
                )
            )
    return made


def _is_named(facts: Facts, referral: Referral, each: Reviewer, made: list[Assignment]) -> bool:
    first, _, _ = facts.matched(referral, each)
    taken = sum(assignment.reviewer_id == each.person.pk for assignment in made)
    return bool(first) and each.room > taken and facts.why_closed(referral, each) is None
