"""Five consultations side by side, s.3(d): refer, acknowledge, file a position, lapse, open again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q

from evaluation.carry import carry
from evaluation.due import due_from_now, rule_in_words
from evaluation.enums import LONGEST_TEXT, Carry, ReferralStatus, Stance
from evaluation.lifecycle import ACKNOWLEDGE, ANSWER, END_REFERRAL, KEEP, LAPSE, REOPEN_REFERRAL
from evaluation.models import Assignment, Position, PositionDraft, Referral
from evaluation.notice_kinds import (
    CONSULTATION_ENDED,
    LAPSED,
    POSITION_FILED,
    REFERRED,
    REOPENED,
    VERSION_REPLACED,
)
from evaluation.notices import desk_page, in_words, program_officers, signers_for
from evaluation.officials import conflict_problems
from evaluation.querysets.consultation import RUNNING
from evaluation.querysets.people import delegations_reaching
from evaluation.services.delegations import refusal_to_sign
from evaluation.services.escalations import follow_position
from evaluation.services.pauses import end_pauses
from program import clock, days, notices
from program.closures import counted_closures
from program.deadlines import Period, Unit, end_of_day
from program.enums import OfficeRole
from program.models import Agency, Delegation, User
from program.moments import moment_to_the_second
from program.revisions import StaleRevision
from program.texts import too_long
from program.transitions import NotReady, Problem, WrongStatus, perform, require
from proposals.comparison import changed_parts
from proposals.enums import Part, ProposalStatus
from proposals.models import Proposal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date, datetime

    from program.models import AuditEvent
    from proposals.models import Version

ORDER = "E.O. 14320 s.3(d)"
DRAFTED = ("stance", "rationale", "conditions", "parts_commented")


def refer_version(version: Version, *, by: User, event: AuditEvent) -> list[Referral]:
    """Open one consultation for each evaluating agency on exactly this version, each with its clock.

    Part of the accepting transaction. Where an earlier version was answered, a rule per part keeps the
    position, asks to confirm it or opens the consultation again, and says why.
    """
    require("evaluation.add_referral", by, version.proposal)
    period = version.proposal.call.consultation_period
    due = period.due_after(event.at, counted_closures())
    earlier = _last_referrals(version)
    referrals = []
    for agency in Agency.objects.filter(is_evaluating=True):
        referral = Referral(
            version=version, agency=agency, opened_at=event.at, due_at=due.bound, due_rule=period.rule_text,
            unit=period.unit.value, counted_to=due.counted_to, settled_on=due.start,
        )  # fmt: skip
        if previous := earlier.get(agency.pk):
            _carry_position(referral, previous)
        referral.save()
        if referral.carry == Carry.KEEP:
            perform(KEEP, referral, by=by, note=referral.carry_reason)
        else:
            notices.owe(
                event,
                REFERRED,
                signers_for(agency, version.proposal),
                url=desk_page(version.proposal),
                number=version.proposal.number,
                agency=str(agency),
                version=version.number,
                due=in_words(due.bound),
                rule=period.rule_text,
            )
        referrals.append(referral)
    return referrals


def _last_referrals(version: Version) -> dict[int, Referral]:
    """The answered consultation of each agency on the version before this one that was referred."""
    rows = Referral.objects.filter(
        version__proposal=version.proposal_id, version__number__lt=version.number, position__isnull=False
    )
    return {
        row.agency_id: row for row in rows.select_related("position", "version").order_by("version__number")
    }


#: What a new version means for an agency that has answered before, in words
FORESEEN: Final = {
    Carry.KEEP: "its position is kept, and it is not asked",
    Carry.RECONFIRM: "it is asked to confirm its position",
    Carry.REOPEN: "it is asked for a position again",
}


def foreseen_carries(version: Version) -> list[tuple[Agency, str, str]]:
    """What the acceptance of ``version`` would mean for each agency, and why; nothing where none answered."""
    earlier = _last_referrals(version) if version.number > 1 else {}
    if not earlier:
        return []
    return [
        (agency, FORESEEN[found[0]], found[1])
        if (found := _carried(earlier.get(agency.pk), version))
        else (agency, "it is asked for a position", "It gave none on an earlier version.")
        for agency in Agency.objects.filter(is_evaluating=True)
    ]


def _carried(previous: Referral | None, version: Version) -> tuple[Carry, str] | None:
    """By rule, what becomes of the position that was given on the version before."""
    if previous is None or previous.position is None:
        return None
    changed = changed_parts(previous.version.value, version.value)
    return carry(changed, previous.position.parts_commented, previous.position.stance)


def _carry_position(referral: Referral, previous: Referral) -> None:
    """Decide by rule what becomes of the position on the version before."""
    position, found = previous.position, _carried(previous, referral.version)
    if position is None or found is None:
        return
    referral.previous = previous
    referral.carry, referral.carry_reason = found
    if referral.carry == Carry.KEEP:
        referral.position = position


@transaction.atomic
def acknowledge_referral(referral: Referral, *, by: User) -> AuditEvent:
    """Say that the agency has taken the referral up; its clock goes on."""
    return perform(ACKNOWLEDGE, referral, by=by)


@transaction.atomic
def file_position(
    referral: Referral,
    *,
    by: User,
    stance: str,
    rationale: str,
    conditions: str = "",
    parts_commented: Collection[str] = (),
    seen: int | None = None,
    draft_revision: int | None = None,
) -> Position:
    """File the agency's position, signed by its lead or under a delegation; an earlier one is superseded.

    ``seen`` is the key of the position that stood on the signer's page (0: none): of two leads who sign at
    once, the second is told of the first. ``draft_revision`` is that of the draft on that page: who would
    file an older text than a colleague saved gets StaleRevision. The draft is gone with the filing.
    In time is what began before the bound, however long it waited; an agency that has answered has no bound.
    Raises NotReady for a position without reasons or too late, WrongStatus when the consultation has ended.
    """
    Proposal.objects.select_for_update(of=("self",)).get(pk=referral.version.proposal_id)
    received_at = clock.now()
    if not by.has_perm("evaluation.answer_referral", referral):
        raise PermissionDenied(refusal_to_sign(referral, by=by))
    referral.refresh_from_db(fields=["position", "status", "due_at", "paused_at"])
    problems = conflict_problems(referral.version.proposal, by)
    problems += _position_problems(referral, stance, rationale, conditions, parts_commented)
    if is_overdue(referral, received_at):
        problems.append(
            Problem(
                "late",
                f"The time for a position ended: {moment_to_the_second(referral.due_at)}. This was received: "
                f"{moment_to_the_second(received_at)}. The Program office can open the consultation again.",
                ORDER,
            )
        )
    filed = {"stance": stance, "rationale": rationale.strip(), "conditions": conditions.strip()}
    parts = [part for part in Part if part in parts_commented]
    if _stands_already(referral, filed, parts):
        problems.append(
            Problem(
                "unchanged",
                "This position stands already, word for word. Change it, or leave it as it is.",
                ORDER,
            )
        )
    if seen is not None and seen != (referral.position_id or 0):
        problems.append(
            Problem("filed-meanwhile", "Another position was filed meanwhile. Read it first.", ORDER)
        )
    if problems:
        raise NotReady(problems)
    draft = PositionDraft.objects.filter(referral=referral).select_related("saved_by").first()
    if draft is not None and draft_revision not in (None, draft.revision):
        _refuse_older(draft, filed, draft_revision or 0)
    delegation = delegation_to_sign(referral, by=by)
    end_pauses(referral, by=by, why="The position was filed.")
    event = perform(
        ANSWER,
        referral,
        by=by,
        note=str(stance),
        delegation=delegation,
        changes=lambda: {"answered_at": referral.answered_at or received_at},
    )
    position = Position.objects.create(
        referral=referral,
        **filed,
        parts_commented=parts,
        signed_by=by,
        delegation=delegation,
        signed_at=received_at,
        supersedes=referral.positions.filter(superseded_by=None).first(),
    )
    referral.position = position
    referral.save(update_fields=["position", "updated_at"])
    PositionDraft.objects.filter(referral=referral).delete()
    follow_position(position, by=by)
    proposal = referral.version.proposal
    answered = referral.version.referrals.filter(status=ReferralStatus.ANSWERED).count()
    notices.owe(
        event,
        POSITION_FILED,
        program_officers(proposal),
        url=desk_page(proposal),
        number=proposal.number,
        agency=str(referral.agency),
        answered=answered,
    )
    return position


def _stands_already(referral: Referral, filed: Mapping[str, str], parts: list[Part]) -> bool:
    """Whether the agency has answered on this version in exactly these words; to confirm others is an act."""
    position = referral.position
    if referral.status != ReferralStatus.ANSWERED or position is None or position.referral_id != referral.pk:
        return False
    words = {name: getattr(position, name) for name in filed}
    return words == filed and position.parts_commented == parts


@transaction.atomic
def save_position_draft(
    referral: Referral, *, by: User, values: Mapping[str, Any], revision: int
) -> PositionDraft:
    """Keep what is written of a position so far, for everybody who may sign it; nothing is filed.

    ``revision`` is 0 where there was none yet. Raises StaleRevision when somebody saved another text,
    WrongStatus when the consultation takes no position any more.
    """
    referral.refresh_from_db(from_queryset=Referral.objects.select_for_update(of=("self",)))
    require("evaluation.answer_referral", by, referral)
    if referral.status in (ReferralStatus.LAPSED, ReferralStatus.ENDED):
        raise WrongStatus(ANSWER, referral, tried="Save the draft")
    draft = PositionDraft.objects.filter(referral=referral).select_related("saved_by").first()
    if draft is None:
        draft = PositionDraft(referral=referral, revision=0)
    elif all(getattr(draft, name) == values[name] for name in DRAFTED):
        return draft
    if draft.revision != revision:
        raise StaleRevision(draft, revision)
    for name in DRAFTED:
        setattr(draft, name, values[name])
    draft.saved_by, draft.revision = by, draft.revision + 1
    draft.full_clean(exclude=["referral", "saved_by"])
    draft.save()
    return draft


def _refuse_older(draft: PositionDraft, filed: Mapping[str, str], revision: int) -> None:
    """Who files what the draft says, files no older text, whatever revision their page showed."""
    if any(getattr(draft, name).strip() != text for name, text in filed.items()):
        raise StaleRevision(draft, revision)


def is_overdue(referral: Referral, at: datetime) -> bool:
    """Whether the time of a consultation is over that was not answered and has not lapsed yet."""
    return referral.status in RUNNING and referral.paused_at is None and referral.due_at <= at


def delegation_to_sign(referral: Referral, *, by: User) -> Delegation | None:
    """The delegation that ``by`` signs under; none for who leads the agency."""
    if by.holds(OfficeRole.LEAD, agency=referral.agency.code):
        return None
    reaching = delegations_reaching(by, Delegation.SIGN_POSITION, referral.proposal)
    return reaching.filter(agency=referral.agency_id).first()


def _position_problems(
    referral: Referral, stance: str, rationale: str, conditions: str, parts: Collection[str]
) -> list[Problem]:
    proposal = Proposal.objects.get(pk=referral.version.proposal_id)
    problems = []
    if referral.version.number < proposal.version_count:
        problems.append(
            Problem(
                "version-replaced",
                f"Version {referral.version.number} was replaced by version {proposal.version_count}. File "
                "your position on that one, once it is referred to you.",
                ORDER,
            )
        )
    elif proposal.status != ProposalStatus.UNDER_EVALUATION:
        problems.append(
            Problem("not-under-evaluation", "The proposal is not under evaluation any more.", ORDER)
        )
    if stance not in Stance:
        problems.append(Problem("stance", "Choose the agency's position.", ORDER, field="stance"))
    if not rationale.strip():
        problems.append(Problem("rationale", "Give the reasons for the position.", ORDER, field="rationale"))
    if stance == Stance.SUPPORT_WITH_CONDITIONS and not conditions.strip():
        problems.append(
            Problem("conditions", "State the conditions of the support.", ORDER, field="conditions")
        )
    for field, text in (("rationale", rationale), ("conditions", conditions)):
        if message := too_long(text, LONGEST_TEXT):
            problems.append(Problem(f"{field}-long", message, ORDER, field=field))
    if unknown := set(parts) - set(Part):
        problems.append(
            Problem("parts", f"Unknown part: {', '.join(sorted(unknown))}.", ORDER, field="parts_commented")
        )
    return problems


@transaction.atomic
def lapse_referral(referral: Referral, *, by: User) -> AuditEvent:
    """End a consultation whose time is over without a position; the clock's act."""
    event = perform(LAPSE, referral, by=by)
    proposal = referral.version.proposal
    people = [*program_officers(proposal), *signers_for(referral.agency, proposal)]
    notices.owe(
        event, LAPSED, people, url=desk_page(proposal), number=proposal.number, agency=str(referral.agency)
    )
    return event


@transaction.atomic
def end_referral(referral: Referral, *, by: User) -> AuditEvent:
    """End a consultation whose proposal was withdrawn or decided, or its version replaced; the clock's act.

    Told are those who worked on it: who signs for the agency and who reads the proposal for it. Of a decision
    the announcement has told already.
    """
    proposal = Proposal.objects.get(pk=referral.version.proposal_id)
    number = referral.version.number
    is_replaced, is_withdrawn = number < proposal.version_count, proposal.status == ProposalStatus.WITHDRAWN
    if is_replaced:
        note = f"Version {number} was replaced by version {number + 1}."
    else:
        note = "The consortium withdrew the proposal." if is_withdrawn else "The proposal was decided."
    end_pauses(referral, by=by, why=note)
    event = perform(END_REFERRAL, referral, by=by, note=note)
    if not is_replaced and not is_withdrawn:
        return event
    assignments = Assignment.objects.active().filter(proposal=proposal, agency=referral.agency_id)
    people = User.objects.filter(
        Q(pk__in=signers_for(referral.agency, proposal).values("pk"))
        | Q(pk__in=assignments.values("reviewer"))
    )
    kind = CONSULTATION_ENDED if is_withdrawn else VERSION_REPLACED
    notices.owe(event, kind, people, url=desk_page(proposal), number=proposal.number, version=number)
    return event


@transaction.atomic
def reopen_referral(
    referral: Referral, *, by: User, reason: str, due_on: date | None = None, period: Period | None = None
) -> AuditEvent:
    """Give an agency whose time was over a new last day, named or counted from today, with the reason."""
    referral.version.proposal = Proposal.objects.select_for_update(of=("self",)).get(
        pk=referral.version.proposal_id
    )
    require("evaluation.reopen_referral", by, referral)
    problems = []
    if not reason.strip():
        problems.append(Problem("reason", "Say why the consultation is opened again.", ORDER, field="reason"))
    counted = due_from_now(period) if period else None
    due_on = counted.due_on if counted else due_on
    if due_on is None or due_on <= clock.today():
        problems.append(Problem("due", "The new last day must lie ahead.", ORDER, field="due_on"))
    elif refused := days.refusal(due_on):
        problems.append(Problem("due", refused, ORDER, field="due_on"))
    if problems or due_on is None:
        raise NotReady(problems)
    event = perform(REOPEN_REFERRAL, referral, by=by, note=reason)
    how = f" {rule_in_words(counted)}" if counted else ""
    referral.due_at, referral.due_rule = (
        end_of_day(due_on),
        f"Set by the Program office: {reason.strip()}{how}",
    )
    referral.unit = (counted.period.unit if counted else Unit.CALENDAR).value
    referral.counted_to, referral.settled_on = counted.counted_to if counted else due_on, clock.today()
    referral.save(update_fields=["due_at", "due_rule", "unit", "counted_to", "settled_on", "updated_at"])
    proposal = referral.version.proposal
    notices.owe(
        event,
        REOPENED,
        signers_for(referral.agency, proposal),
        url=desk_page(proposal),
        number=proposal.number,
        agency=str(referral.agency),
        due=in_words(referral.due_at),
    )
    return event
