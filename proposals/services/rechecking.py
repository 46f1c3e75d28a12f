"""Drafts are checked anew when the requirements of their call change: in the background, each once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from program import audit, notices
from program.enums import AmendmentKind, CallStatus
from program.models import Amendment, Call, Requirement
from proposals.checks import REQUIREMENTS, problems_by_requirement
from proposals.composition import compose, rules_of
from proposals.enums import ProposalStatus
from proposals.models import Answer, Proposal, Recheck
from proposals.notice_kinds import REQUIREMENTS_CHANGED
from proposals.notices import address, team_of

if TYPE_CHECKING:
    from datetime import datetime

    from program.models import AuditEvent, User
    from proposals.checks import Rules

#: Whose working copy is still worked on; what was submitted keeps what it was submitted under.
WORKED_ON: Final = (ProposalStatus.DRAFT, ProposalStatus.RETURNED)


def carry_answers(old: Requirement, new: Requirement) -> int:
    """Let what drafts answered to ``old`` answer ``new``, where both are answered in the same way."""
    if old.evidence_type != new.evidence_type:
        return 0
    return Answer.objects.filter(requirement=old).update(requirement=new)


def amendments_to_recheck() -> QuerySet[Amendment]:
    """Amendments of requirements of open calls, the oldest first."""
    rows = Amendment.objects.filter(kind=AmendmentKind.DEMANDS, call__status=CallStatus.ISSUED)
    return rows.select_related("call").order_by("pk")


def drafts_to_recheck(amendment: Amendment) -> QuerySet[Proposal]:
    """Drafts that were begun before ``amendment`` and not checked for it yet."""
    done = Recheck.objects.filter(amendment=amendment, proposal=OuterRef("pk"))
    begun = Proposal.objects.filter(
        call=amendment.call_id, status__in=WORKED_ON, created_at__lte=amendment.created_at
    )
    return begun.filter(~Exists(done)).order_by("pk")


@transaction.atomic
def recheck_proposal(proposal: Proposal, *, by: User, amendment: Amendment) -> AuditEvent | None:
    """Find what a draft newly lacks by ``amendment`` and tell its team in one notice.

    None where another worker did it before, or where the draft was submitted or given up meanwhile.
    """
    proposal.refresh_from_db(from_queryset=Proposal.objects.select_for_update())
    if proposal.status not in WORKED_ON or not drafts_to_recheck(amendment).contains(proposal):
        return None
    missing = newly_missing(proposal, amendment)
    Recheck.objects.create(amendment=amendment, proposal=proposal, missing=list(missing))
    after = {"amendment": str(amendment.number), "missing": ", ".join(missing)}
    event = audit.record(proposal, "proposal.recheck", by=by, after=after, clause="s.3(b)")
    said = f"Newly missing in your draft: {'; '.join(missing.values())}." if missing else NOTHING_NEW
    notices.owe(
        event, REQUIREMENTS_CHANGED, team_of(proposal.consortium_id), url=address(proposal),
        call=amendment.call.number, amendment=amendment.number, missing=said,
    )  # fmt: skip
    return event


NOTHING_NEW: Final = "Your draft lacks nothing that it did not lack before."


def newly_missing(proposal: Proposal, amendment: Amendment) -> dict[str, str]:
    """Codes and titles of the requirements that have problems after ``amendment`` and had none before."""
    package, at = compose(proposal), moment_of(amendment)
    call = Call.objects.prefetch_related("requirements", "ineligible_jurisdictions").get(pk=proposal.call_id)
    rules = rules_of(call, at=at)
    before = problems_by_requirement(package, rules_of(call, at=at - timedelta(microseconds=1)))
    after = problems_by_requirement(package, rules)
    return {code: title_of(code, rules) for code, found in after.items() if found and not before.get(code)}


def moment_of(amendment: Amendment) -> datetime:
    """The moment from which the requirements are demanded as ``amendment`` has them."""
    row = Requirement.objects.filter(Q(added_by=amendment) | Q(withdrawn_by=amendment)).first()
    moment = row and (row.demanded_from if row.added_by_id == amendment.pk else row.demanded_to)
    return moment or amendment.created_at


def title_of(code: str, rules: Rules) -> str:
    own = {rule.code: rule.title for rule in rules.requirements}
    return own.get(code) or (REQUIREMENTS[code][0] if code in REQUIREMENTS else code)
