"""The clock warns of what the evaluation waits for: positions, answers, conditions, the end of deferrals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.urls import reverse

from evaluation.models import (
    Condition,
    ConflictCase,
    Designation,
    Determination,
    Escalation,
    InformationRequest,
    InterestConfirmation,
    Referral,
)
from evaluation.notice_kinds import (
    ANSWER_DUE,
    CONDITION_DUE,
    CONDITION_OVERDUE,
    CONFLICT_DUE,
    CONFLICT_OVERDUE,
    DEFERRAL_OVER,
    DESIGNATION_ENDS,
    ESCALATION_DUE,
    ESCALATION_OVERDUE,
    INTERESTS_OLD,
    NO_ETHICS_OFFICIAL,
    POSITION_DUE,
)
from evaluation.notices import (
    desk_page,
    escalation_page,
    ethics_officials,
    in_words,
    program_officers,
    questions_page,
    sides_of,
    workers_on,
)
from evaluation.querysets.consultation import ANSWER_STEPS, POSITION_STEPS
from evaluation.querysets.designations import CONDITION_STEPS, EXPIRY_STEPS
from evaluation.querysets.determinations import DEFERRAL_STEPS
from evaluation.querysets.escalations import ESCALATION_STEPS
from evaluation.querysets.interests import CONFLICT_STEPS
from evaluation.services.ethics import IMPARTIALITY, case_page
from program import audit, clock, moments, notices
from program.models import Reminder
from program.notices import Audience
from program.reminders import OVERDUE, at_step, last_told, note
from program.revisions import one_at_a_time
from program.transitions import require
from proposals.notices import speakers_of, team_of

if TYPE_CHECKING:
    from program.models import AuditEvent, User

ORDER: Final = "E.O. 14320 s.3(d)"


@transaction.atomic
def remind_of_position(referral: Referral, *, by: User) -> AuditEvent | None:
    """Warn an agency that has not answered, once for each step of its consultation; the clock's act."""
    require("evaluation.remind_referral", by, referral)
    rows = Referral.objects.to_remind(clock.now()).select_related("agency", "version__proposal")
    begun = ("referral.reopen", "referral.resume")
    found = at_step(rows.filter(pk=referral.pk), POSITION_STEPS, lambda row: last_told((row, begun)))
    if not found:
        return None
    referral, reminder = found
    proposal = referral.version.proposal
    audience = Audience(POSITION_DUE, workers_on(referral), desk_page(proposal))
    return _tell(reminder, referral, by, audience, number=proposal.number, agency=str(referral.agency))


@transaction.atomic
def remind_of_question(request: InformationRequest, *, by: User) -> AuditEvent | None:
    """Remind a consortium of a question that it has not answered; the clock's act."""
    require("evaluation.remind_informationrequest", by, request)
    rows = InformationRequest.objects.to_remind(clock.now()).select_related("proposal")
    asked = ("informationrequest.ask",)
    found = at_step(rows.filter(pk=request.pk), ANSWER_STEPS, lambda row: last_told((row, asked)))
    if not found:
        return None
    request, reminder = found
    proposal = request.proposal
    audience = Audience(ANSWER_DUE, team_of(proposal.consortium_id), questions_page(proposal))
    return _tell(reminder, request, by, audience, number=proposal.number, question=request.number)


@transaction.atomic
def remind_of_condition(condition: Condition, *, by: User) -> AuditEvent | None:
    """Remind the consortium and the Program office of a condition that is not met; the clock's act."""
    require("evaluation.remind_condition", by, condition)
    rows = Condition.objects.to_remind(clock.now()).select_related("designation__proposal")
    begun = ("designation.begin", "designation.amend")
    found = at_step(
        rows.filter(pk=condition.pk), CONDITION_STEPS, lambda row: last_told((row.designation, begun))
    )
    if not found:
        return None
    condition, reminder = found
    designation: Designation = condition.designation  # type: ignore[assignment]
    kind = CONDITION_OVERDUE if reminder.step == OVERDUE.code else CONDITION_DUE
    proposal = designation.proposal
    audiences = (
        Audience(kind, team_of(proposal.consortium_id), questions_page(proposal)),
        Audience(kind, program_officers(proposal), desk_page(proposal)),
    )
    return _tell(reminder, condition, by, *audiences, number=designation.number, condition=condition.number)


@transaction.atomic
def remind_of_expiry(designation: Designation, *, by: User) -> AuditEvent | None:
    """Warn who speaks for the anchor and the Program office that a designation expires; the clock's act."""
    require("evaluation.remind_designation", by, designation)
    rows = Designation.objects.to_remind(clock.now()).select_related("proposal__consortium")
    begun = ("designation.begin", "designation.amend")
    found = at_step(rows.filter(pk=designation.pk), EXPIRY_STEPS, lambda row: last_told((row, begun)))
    if not found:
        return None
    designation, reminder = found
    proposal = designation.proposal
    anchor = proposal.consortium.memberships.get(is_anchor=True)
    audiences = (
        Audience(DESIGNATION_ENDS, speakers_of(anchor), questions_page(proposal)),
        Audience(DESIGNATION_ENDS, program_officers(proposal), desk_page(proposal)),
    )
    return _tell(reminder, designation, by, *audiences, number=designation.number)


@transaction.atomic
def remind_of_escalation(escalation: Escalation, *, by: User) -> AuditEvent | None:
    """Remind both sides of an objection that is not settled, once for each step; the clock's act."""
    require("evaluation.remind_escalation", by, escalation)
    rows = Escalation.objects.to_remind(clock.now()).select_related("agency", "proposal")
    begun = ("escalation.open", "escalation.reopen", "escalation.add")
    found = at_step(rows.filter(pk=escalation.pk), ESCALATION_STEPS, lambda row: last_told((row, begun)))
    if not found:
        return None
    escalation, reminder = found
    kind = ESCALATION_OVERDUE if reminder.step == OVERDUE.code else ESCALATION_DUE
    audience = Audience(kind, sides_of(escalation), escalation_page(escalation))
    facts: dict[str, Any] = {"number": escalation.proposal.number, "agency": str(escalation.agency)}
    return _tell(reminder, escalation, by, audience, level=escalation.get_level_display(), **facts)


@transaction.atomic
def remind_of_conflict(case: ConflictCase, *, by: User) -> AuditEvent | None:
    """Remind who decides about a person, or the Program office where nobody may; the clock's act."""
    require("evaluation.remind_conflictcase", by, case)
    rows = ConflictCase.objects.to_remind(clock.now()).select_related("agency", "proposal", "person")
    raised = ("conflictcase.raise",)
    found = at_step(rows.filter(pk=case.pk), CONFLICT_STEPS, lambda row: last_told((row, raised)))
    if not found:
        return None
    case, reminder = found
    proposal = case.proposal
    officials = ethics_officials(case.agency, proposal).exclude(pk=case.person_id)
    kind = CONFLICT_OVERDUE if reminder.step == OVERDUE.code else CONFLICT_DUE
    audience = Audience(kind, officials, case_page(case))
    if not officials:
        audience = Audience(NO_ETHICS_OFFICIAL, program_officers(proposal), reverse("program:offices"))
    facts: dict[str, Any] = {
        "number": proposal.number, "agency": str(case.agency), "person": str(case.person),
    }  # fmt: skip
    return _tell(reminder, case, by, audience, clause=IMPARTIALITY, **facts)


@transaction.atomic
def remind_of_interests(confirmation: InterestConfirmation, *, by: User) -> AuditEvent | None:
    """Ask a person, once, to confirm anew what they declared of themselves; the clock's act."""
    require("evaluation.remind_interestconfirmation", by, confirmation)
    one_at_a_time("remind-of-interests", confirmation.person_id)
    rows: Any = InterestConfirmation.objects.to_remind(clock.now()).select_related("person")
    found = rows.filter(pk=confirmation.pk).first()
    if found is None:
        return None
    reminder = Reminder.objects.create(
        subject_type=found._meta.label_lower, subject_id=found.pk, step=found.step,
        due_at=found.reminds_of, reached_at=clock.now(),
    )  # fmt: skip
    audience = Audience(INTERESTS_OLD, [found.person], reverse("evaluation:interests"))
    given = moments.day(found.confirmed_at)
    return _tell(reminder, found, by, audience, clause=IMPARTIALITY, given=given)


@transaction.atomic
def remind_of_deferral(determination: Determination, *, by: User) -> AuditEvent | None:
    """Tell the Program office, once, that the day of a deferral has come; the clock's act."""
    require("evaluation.remind_determination", by, determination)
    rows = Determination.objects.to_remind(clock.now()).select_related("proposal").defer("packet")
    found = at_step(rows.filter(pk=determination.pk), DEFERRAL_STEPS, lambda row: None)
    if not found:
        return None
    determination, reminder = found
    proposal = determination.proposal
    audience = Audience(DEFERRAL_OVER, program_officers(proposal), desk_page(proposal))
    day = moments.day(reminder.due_at)
    return _tell(reminder, determination, by, audience, number=proposal.number, day=day)


def _tell(
    reminder: Reminder, record: Any, by: User, *audiences: Audience, clause: str = ORDER, **facts: Any
) -> AuditEvent:
    """Record that the step was told, and owe each audience its notice with the time left."""
    act = f"{record._meta.model_name}.remind"
    event = audit.record(record, act, by=by, after={"step": reminder.step}, clause=clause)
    left = moments.left(reminder.due_at - clock.now())
    notices.owe_each(event, *audiences, left=left, due=in_words(reminder.due_at), **facts)
    return note(reminder, event)
