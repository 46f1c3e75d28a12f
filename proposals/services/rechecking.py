"""Drafts are checked anew when the requirements of their call change: in the background, each once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from program import audit, clock, notices
from program.deadlines import long_date
from program.enums import AmendmentKind
from program.models import Amendment, Requirement
from program.services.clockwork import InHand
from program.services.demands import ADDED, CHANGED, TAKEN_BACK, Retelling
from program.services.subscriptions import Telling, step_above
from proposals.checks import REQUIREMENTS, problems_by_requirement
from proposals.composition import composed, rules_of
from proposals.enums import MembershipStatus, ProposalStatus
from proposals.models import Proposal, Recheck, TeamMember
from proposals.notice_kinds import REQUIREMENTS_CHANGED, REQUIREMENTS_COMING
from proposals.notices import address, team_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from program.models import AuditEvent, User
    from proposals.checks import Rules

#: Whose working copy is still worked on; what was submitted keeps what it was submitted under.
WORKED_ON: Final = (ProposalStatus.DRAFT, ProposalStatus.RETURNED)


def amendments_to_recheck() -> QuerySet[Amendment]:
    """Amendments of requirements of issued calls, the oldest first; not those that will never be in force.

    Of closed calls, too: a draft with more time, or one returned for correction, still answers.
    """
    ran = Q(demanded_to=None) | Q(demanded_from=None) | Q(demanded_to__gt=F("demanded_from"))
    began = Requirement.objects.filter(ran, added_by=OuterRef("pk"))
    ended = Requirement.objects.filter(ran, withdrawn_by=OuterRef("pk"), demanded_to=OuterRef("effective_at"))
    rows = Amendment.objects.filter(kind=AmendmentKind.DEMANDS, call__cancelled_at=None)
    rows = rows.filter(Q(effective_on=F("published_on")) | Exists(began) | Exists(ended))
    return rows.select_related("call").order_by("pk")


def is_ahead(amendment: Amendment) -> bool:
    """Whether its day has not come."""
    return moment_of(amendment) > clock.instant()


def drafts_to_recheck(amendment: Amendment) -> QuerySet[Proposal]:
    """Drafts to check for ``amendment``: those begun before it was published, once, and on its day again.

    Amendments that come on one day are told of together, with the first.
    """
    ahead, moment = is_ahead(amendment), moment_of(amendment)
    alike = Q(amendment=amendment)
    begun = Q(created_at__lte=amendment.created_at)
    if not ahead:
        alike |= Q(amendment__call=amendment.call_id, amendment__effective_at=moment)
        begun |= Q(created_at__lte=moment)
    done = Recheck.objects.filter(alike, proposal=OuterRef("pk"), is_ahead=ahead)
    answers = Q(status=ProposalStatus.RETURNED) | Q(call__closes_at__gt=clock.in_query())
    answers |= Q(extended_to__gt=clock.in_query())
    drafts = Proposal.objects.filter(begun, answers, call=amendment.call_id, status__in=WORKED_ON)
    return drafts.filter(~Exists(done)).order_by("pk")


@transaction.atomic
def recheck_proposal(proposal: Proposal, *, by: User, amendment: Amendment) -> AuditEvent | None:
    """Find what a draft newly lacks by ``amendment``, or will on its day, and tell its team in one notice.

    None where another worker did it before, or where the draft was submitted or given up meanwhile. Raises
    InHand, without waiting, where another worker or a save has the draft.
    """
    held = Proposal.objects.select_for_update(skip_locked=True).filter(pk=proposal.pk)
    if not held.exists():
        raise InHand
    proposal.refresh_from_db()
    if proposal.status not in WORKED_ON or not drafts_to_recheck(amendment).contains(proposal):
        return None
    ahead, missing = is_ahead(amendment), newly_missing(proposal, amendment)
    Recheck.objects.create(amendment=amendment, proposal=proposal, missing=list(missing), is_ahead=ahead)
    after = {"amendment": str(amendment.number), "missing": ", ".join(missing)}
    if ahead:
        after["from"] = amendment.effective_on.isoformat()
    event = audit.record(proposal, "proposal.recheck", by=by, after=after, clause="s.3(b)")
    telling = telling_of_recheck(amendment, missing, url=address(proposal), ahead=ahead)
    team = team_of(proposal.consortium_id)
    notices.owe(event, telling.kind, team, url=telling.url, **telling.facts)
    return event


def telling_of_recheck(amendment: Amendment, missing: Mapping[str, str], *, url: str, ahead: bool) -> Telling:
    """What the team of a draft is told that newly lacks ``missing``, or will on the day of ``amendment``."""
    call = amendment.call.number
    if ahead:
        return Telling(
            REQUIREMENTS_COMING,
            url,
            {
                "call": call,
                "amendment": amendment.number,
                "day": long_date(amendment.effective_on),
                "missing": words_of(missing, "From then on your draft will also lack", NOTHING_LATER),
            },
        )
    said = words_of(missing, "Newly missing in your draft", NOTHING_NEW)
    if kept := [each["title"] for each in amendment.demands if each["act"] == TAKEN_BACK]:
        said += f" What was announced does not come: {'; '.join(kept)}."
    facts = {"call": call, "amendment": numbers_of(amendment), "missing": said}
    return Telling(REQUIREMENTS_CHANGED, url, facts)


def retelling_of(amendment: Amendment) -> Retelling | None:
    """Whom the check of the drafts will tell of an amendment just written, and how it may read.

    What a draft lacks nobody learns but its team: the words name all that any may newly lack. None where
    no draft is checked, whether there is one or not.
    """
    if not amendments_to_recheck().filter(pk=amendment.pk).exists():
        return None
    drafts = drafts_to_recheck(amendment)
    messages = TeamMember.objects.active().filter(
        user__is_active=True,
        membership__status=MembershipStatus.CONSENTED,
        membership__consortium__proposals__in=drafts,
    )
    to = messages.values_list("user", "membership__consortium__proposals").distinct()
    asked = {each["code"]: each["title"] for each in amendment.demands if each["act"] in (ADDED, CHANGED)}
    cases: list[tuple[str, dict[str, str]]] = [("a draft that lacks nothing new", {})]
    if asked:
        cases.insert(0, ("a draft that answers none of it; each names only what it lacks", asked))
    ahead = is_ahead(amendment)
    tellings = tuple(
        (case, telling_of_recheck(amendment, missing, url="/proposals/", ahead=ahead))
        for case, missing in cases
    )
    return Retelling(step_above(to.count()), tellings)


def words_of(missing: Mapping[str, str], heading: str, nothing: str) -> str:
    return f"{heading}: {'; '.join(missing.values())}." if missing else nothing


def numbers_of(amendment: Amendment) -> str:
    """Its number, with those of the amendments that came on the same day."""
    alike = amendments_to_recheck().filter(call=amendment.call_id, effective_at=moment_of(amendment))
    return " and ".join(map(str, sorted({amendment.number, *alike.values_list("number", flat=True)})))


NOTHING_NEW: Final = "Your draft lacks nothing that it did not lack before."
NOTHING_LATER: Final = "From then on your draft will lack nothing that it does not lack now."


def newly_missing(proposal: Proposal, amendment: Amendment) -> dict[str, str]:
    """Codes and titles of the requirements that have problems under ``amendment`` and have none before.

    What is answered is what is answered now, for a coming requirement too.
    """
    working, at = Proposal.objects.for_detail().get(pk=proposal.pk), moment_of(amendment)
    rules = rules_of(working.call, at=at)
    earlier = at - timedelta(microseconds=1)
    before = problems_by_requirement(composed(working, at=earlier), rules_of(working.call, at=earlier))
    after = problems_by_requirement(composed(working, at=at), rules)
    return {code: title_of(code, rules) for code, found in after.items() if found and not before.get(code)}


def moment_of(amendment: Amendment) -> datetime:
    """The moment from which the requirements are demanded as ``amendment`` has them."""
    return amendment.effective_at or amendment.created_at


def title_of(code: str, rules: Rules) -> str:
    own = {rule.code: rule.title for rule in rules.requirements}
    return own.get(code) or (REQUIREMENTS[code][0] if code in REQUIREMENTS else code)
